import VectorStore

extension RestFilter {
    /// A filter of the engine that every row passes which passes this one; nil when there is none.
    ///
    /// It may let more rows pass: the rows of the answer are checked against the whole condition
    /// again. What it leaves out only costs looking at more rows.
    func weakened(
        sources: [String: RestFunction.Source],
        in configuration: CollectionConfiguration
    ) -> Filter? {
        switch self {
        case .and(let filters):
            let weak = filters.compactMap { $0.weakened(sources: sources, in: configuration) }
            return weak.isEmpty ? nil : weak.count == 1 ? weak[0] : .and(weak)
        case .or(let filters):
            var weak: [Filter] = []
            for filter in filters {
                guard let one = filter.weakened(sources: sources, in: configuration) else {
                    return nil
                }
                weak.append(one)
            }
            return weak.isEmpty ? nil : .or(weak)
        case .not: return nil
        case .compare(let field, let comparison):
            guard let name = Self.attribute(field, sources: sources),
                let type = configuration.attributes.first(where: { $0.name == name })?.type
            else { return nil }
            // As text, every value compares by its characters: only strings compare alike.
            if field.isText, type != .string { return nil }
            // As JSON, a string is written in quotation marks.
            if !field.path.isEmpty, !field.isText { return nil }
            return comparison.weakened(name, type: type)
        }
    }

    /// The attribute that a field reads: itself, or a key of a column that is the whole record.
    private static func attribute(
        _ field: RestField,
        sources: [String: RestFunction.Source]
    ) -> String? {
        switch sources[field.name] {
        case .attribute(let name)? where field.path.isEmpty: return name
        case .record?:
            guard field.path.count == 1, case .key(let name) = field.path[0] else { return nil }
            return name
        default: return nil
        }
    }
}

extension RestFilter.Comparison {
    fileprivate func weakened(_ name: String, type: AttributeType) -> Filter? {
        switch self {
        case .equal(let text): Self.value(text, type).map { .equal(name, $0) }
        case .notEqual(let text): Self.value(text, type).map { .not(.equal(name, $0)) }
        case .greater(let text): Self.value(text, type).map { .greater(name, $0) }
        case .greaterOrEqual(let text): Self.value(text, type).map { .greaterOrEqual(name, $0) }
        case .less(let text): Self.value(text, type).map { .less(name, $0) }
        case .lessOrEqual(let text): Self.value(text, type).map { .lessOrEqual(name, $0) }
        case .isBool(let flag): type == .bool ? .equal(name, .bool(flag)) : nil
        case .isIn(let texts):
            texts.count > 1_000 || texts.contains { Self.value($0, type) == nil }
                ? nil : .isIn(name, texts.compactMap { Self.value($0, type) })
        case .like, .isNull, .isUnknown, .contains: nil
        }
    }

    /// The value of an attribute that a text means; nil when comparing would not be exact.
    private static func value(_ text: String, _ type: AttributeType) -> AttributeValue? {
        switch type {
        case .string:
            text.utf8.count <= AttributeValue.maximumStringByteCount ? .string(text) : nil
        case .int64: Int64(text).map { .int64($0) }
        case .double: Double(text).flatMap { $0.isFinite ? .double($0) : nil }
        case .bool: (try? bool(text)).map { .bool($0) }
        }
    }
}

extension JSONContainment {
    /// A filter of the engine that every record passes which contains `part`, where the record's
    /// attributes are members of what must contain it.
    static func weakened(_ part: JSONNode, in configuration: CollectionConfiguration) -> Filter? {
        let filters = (part.members ?? []).compactMap { member -> Filter? in
            guard let type = configuration.attributes.first(where: { $0.name == member.key })?.type
            else { return nil }
            switch (member.node.value, type) {
            case (.string(let text), .string): return .equal(member.key, .string(text))
            case (.bool(let flag), .bool): return .equal(member.key, .bool(flag))
            case (_, .int64):
                return member.node.integer.map { .equal(member.key, .int64(Int64($0))) }
            case (_, .double): return member.node.number.map { .equal(member.key, .double($0)) }
            default: return nil
            }
        }
        return filters.isEmpty ? nil : filters.count == 1 ? filters[0] : .and(filters)
    }
}
