package import VectorStore

/// Reads filters: `{"video_id": "v1"}`, `{"start_seconds": {"gte": 60, "lt": 90}}`,
/// `{"video_id": {"in": ["v1", "v2"]}}`, `{"and": [ … ]}`, `{"or": [ … ]}`, `{"not": { … }}`.
///
/// Several members of one object must all hold. A declared attribute that is called `and`, `or` or
/// `not` cannot be named.
package enum FilterDecoding {
    /// Reads a filter.
    package static func filter(_ node: JSONNode, field: String = "filter") throws(Problem) -> Filter
    {
        try condition(node, field: field, depth: 0)
    }

    private static func condition(
        _ node: JSONNode,
        field: String,
        depth: Int
    ) throws(Problem) -> Filter {
        guard depth <= Filter.maximumDepth else {
            throw problem("a filter may be nested \(Filter.maximumDepth) deep at most", field)
        }
        guard case .object(let members) = node.value else {
            throw problem("\(field) must be an object, not \(node.value.kind)", field)
        }
        var conditions: [Filter] = []
        for member in members {
            let name = "\(field).\(member.key)"
            switch member.key {
            case "and": conditions.append(.and(try list(member.node, field: name, depth: depth)))
            case "or": conditions.append(.or(try list(member.node, field: name, depth: depth)))
            case "not":
                conditions.append(
                    .not(try condition(member.node, field: name, depth: depth + 1))
                )
            default:
                conditions += try comparisons(member.key, member.node, field: name)
            }
        }
        return conditions.count == 1 ? conditions[0] : .and(conditions)
    }

    private static func list(
        _ node: JSONNode,
        field: String,
        depth: Int
    ) throws(Problem) -> [Filter] {
        guard case .array(let nodes) = node.value else {
            throw problem("\(field) must be an array of filters, not \(node.value.kind)", field)
        }
        var filters: [Filter] = []
        for (index, node) in nodes.enumerated() {
            filters.append(try condition(node, field: "\(field)[\(index)]", depth: depth + 1))
        }
        return filters
    }

    private static func comparisons(
        _ attribute: String,
        _ node: JSONNode,
        field: String
    ) throws(Problem) -> [Filter] {
        guard case .object(let members) = node.value else {
            return [.equal(attribute, try value(node, field: field))]
        }
        guard !members.isEmpty else {
            throw problem("\(field) names no comparison", field)
        }
        var comparisons: [Filter] = []
        for member in members {
            let name = "\(field).\(member.key)"
            if member.key == "in" {
                guard let nodes = member.node.elements else {
                    throw problem("\(name) must be an array", name)
                }
                var values: [AttributeValue] = []
                values.reserveCapacity(nodes.count)
                for node in nodes { values.append(try value(node, field: name)) }
                comparisons.append(.isIn(attribute, values))
                continue
            }
            let operand = try value(member.node, field: name)
            switch member.key {
            case "eq": comparisons.append(.equal(attribute, operand))
            case "ne": comparisons.append(.not(.equal(attribute, operand)))
            case "gt": comparisons.append(.greater(attribute, operand))
            case "gte": comparisons.append(.greaterOrEqual(attribute, operand))
            case "lt": comparisons.append(.less(attribute, operand))
            case "lte": comparisons.append(.lessOrEqual(attribute, operand))
            default:
                throw problem(
                    "unknown comparison \"\(name)\"; use eq, ne, gt, gte, lt, lte or in",
                    name
                )
            }
        }
        return comparisons
    }

    private static func value(_ node: JSONNode, field: String) throws(Problem) -> AttributeValue {
        guard let value = AttributeDecoding.literal(node) else {
            throw problem("\(field) cannot be compared with \(node.value.kind)", field)
        }
        return value
    }

    private static func problem(_ detail: String, _ field: String) -> Problem {
        Problem(status: 400, code: "invalid_filter", detail: detail, field: field)
    }
}

/// Reads attribute values.
enum AttributeDecoding {
    /// The value that a JSON value stands for by itself; nil when there is none.
    static func literal(_ node: JSONNode) -> AttributeValue? {
        switch node.value {
        case .string(let text): .string(text)
        case .bool(let flag): .bool(flag)
        case .unsigned(let number): Int64(exactly: number).map { .int64($0) }
        case .signed(let number): .int64(number)
        case .double(let number): .double(number)
        default: nil
        }
    }

    /// The value that a JSON value stands for in an attribute of a declared type.
    ///
    /// An integer is taken for a `double`; any other mismatch is left to the engine to refuse.
    static func value(
        _ node: JSONNode,
        type: AttributeType?,
        field: String
    ) throws(Problem) -> AttributeValue {
        if type == .double, let number = node.number { return .double(number) }
        guard let value = literal(node) else {
            throw Problem(
                status: 400,
                code: "invalid_attribute",
                detail:
                    "\(field) must be a string, a number, true or false, not \(node.value.kind)",
                field: field
            )
        }
        return value
    }
}
