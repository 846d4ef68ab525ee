import VectorStore

/// A match as a row of a function's columns.
struct RestRow: Sendable {
    let match: Match
    private let function: RestFunction
    private let sources: [String: RestFunction.Source]
    private var payload: JSONNode??
    /// What Postgres has for the record.
    var metadata: MetadataRow?

    /// Looks at a match with the eyes of a function.
    init(_ match: Match, function: RestFunction, sources: [String: RestFunction.Source]) {
        self.match = match
        self.function = function
        self.sources = sources
        payload = .none
    }

    /// The value of a field; nil is SQL's null.
    mutating func value(_ field: RestField) -> ColumnValue? {
        guard let source = sources[field.name] else { return nil }
        let column = value(of: source, type: function.column(field.name)?.type)
        guard !field.path.isEmpty else { return column }
        guard case .json(var node) = column else {
            // A step into what is no object or array leads nowhere.
            return nil
        }
        for step in field.path {
            switch step {
            case .key(let key):
                guard let inner = node[key] else { return nil }
                node = inner
            case .index(let index):
                guard let elements = node.elements,
                    let inner = elements[wrapped: index]
                else { return nil }
                node = inner
            }
        }
        guard field.isText else { return .json(node) }
        return ColumnValue.inferred(node).map { .text($0.text) }
    }

    private mutating func value(
        of source: RestFunction.Source,
        type: ColumnType?
    ) -> ColumnValue? {
        switch source {
        case .id:
            switch match.id {
            case .string(let text): return .text(text)
            case .integer(let number):
                return Int64(exactly: number).map { .integer($0) } ?? .unsigned(number)
            case .uuid(let uuid): return .text(uuid.description)
            }
        case .partition: return match.partition.map { .text($0) }
        case .similarity: return .double(1 - Double(match.distance))
        case .distance: return .double(Double(match.distance))
        case .vector: return match.vector.map { .vector($0) }
        case .attribute(let name):
            switch match.attributes[name] {
            case .string(let text): return .text(text)
            case .int64(let number): return .integer(number)
            case .double(let number): return .double(number)
            case .bool(let flag): return .bool(flag)
            case nil: return nil
            }
        case .payload(let path):
            var node = parsedPayload()
            for key in path { node = node?[key] }
            return node.flatMap { declared($0, type) }
        case .record: return .json(record())
        case .metadata(let name):
            return metadata?.json(name).flatMap { try? JSONScanner.parse($0, vectorKey: nil) }
                .flatMap { declared($0, type) }
        }
    }

    private func declared(_ node: JSONNode, _ type: ColumnType?) -> ColumnValue? {
        if node.value == .null { return nil }
        return switch type {
        case .jsonb: .json(node)
        case .text: ColumnValue.inferred(node).map { .text($0.text) }
        case .float8: node.number.map { .double($0) } ?? ColumnValue.inferred(node)
        default: ColumnValue.inferred(node)
        }
    }

    /// The attributes and, where they do not say it already, the members of the payload.
    private mutating func record() -> JSONNode {
        var members = match.attributes.sorted { $0.key < $1.key }.map { name, value in
            let json: JSONValue =
                switch value {
                case .string(let text): .string(text)
                case .int64(let number):
                    number < 0 ? .signed(number) : .unsigned(UInt64(number))
                case .double(let number): .double(number)
                case .bool(let flag): .bool(flag)
                }
            return JSONMember(key: name, node: JSONNode(json))
        }
        for member in parsedPayload()?.members ?? []
        where match.attributes[member.key] == nil {
            members.append(member)
        }
        return JSONNode(.object(members))
    }

    private mutating func parsedPayload() -> JSONNode? {
        if case .some(let node) = payload { return node }
        let node = match.payload.flatMap { try? JSONScanner.parse($0, vectorKey: nil) }
        payload = .some(node)
        return node
    }
}

extension Array {
    /// The element at an index, counted from the end when it is negative.
    fileprivate subscript(wrapped index: Int) -> Element? {
        let position = index < 0 ? count + index : index
        return indices.contains(position) ? self[position] : nil
    }
}
