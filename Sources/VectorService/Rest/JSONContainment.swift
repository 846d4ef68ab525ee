/// Comparisons of JSON as PostgreSQL's `jsonb` makes them.
enum JSONContainment {
    /// Reads JSON from a filter.
    static func parse(_ text: String) throws(RestError) -> JSONNode {
        do {
            return try JSONScanner.parse(Array(text.utf8), vectorKey: nil)
        } catch {
            throw .invalidText(text, type: "json")
        }
    }

    /// Whether `whole @> part`.
    ///
    /// - Source: PostgreSQL, "jsonb Containment and Existence".
    static func contains(_ whole: JSONNode, _ part: JSONNode) -> Bool {
        // An array contains a bare scalar too, but only at the top.
        if part.members == nil, part.elements == nil, let own = whole.elements {
            return own.contains { order($0, part) == 0 }
        }
        return containsInside(whole, part)
    }

    private static func containsInside(_ whole: JSONNode, _ part: JSONNode) -> Bool {
        if let members = part.members {
            return members.allSatisfy { member in
                whole[member.key].map { containsInside($0, member.node) } ?? false
            }
        }
        if let elements = part.elements {
            guard let own = whole.elements else { return false }
            return elements.allSatisfy { element in
                own.contains { containsInside($0, element) }
            }
        }
        return whole.members == nil && whole.elements == nil && order(whole, part) == 0
    }

    /// Negative, zero or positive in the order of `jsonb`:
    /// null, strings, numbers, Booleans, arrays, objects.
    static func order(_ left: JSONNode, _ right: JSONNode) -> Int {
        let ranks = (rank(left), rank(right))
        guard ranks.0 == ranks.1 else { return ranks.0 < ranks.1 ? -1 : 1 }
        switch (left.value, right.value) {
        case (.string(let left), .string(let right)):
            return RestFilter.Comparison.order(left, right)
        case (.bool(let left), .bool(let right)): return left == right ? 0 : left ? 1 : -1
        default: break
        }
        if let left = left.number, let right = right.number {
            return left < right ? -1 : left == right ? 0 : 1
        }
        if let left = left.elements, let right = right.elements {
            if left.count != right.count { return left.count < right.count ? -1 : 1 }
            for (one, other) in zip(left, right) {
                let order = order(one, other)
                if order != 0 { return order }
            }
            return 0
        }
        guard let left = left.members, let right = right.members else { return 0 }
        if left.count != right.count { return left.count < right.count ? -1 : 1 }
        for (one, other) in zip(left.sorted { $0.key < $1.key }, right.sorted { $0.key < $1.key }) {
            if one.key != other.key { return one.key < other.key ? -1 : 1 }
            let order = order(one.node, other.node)
            if order != 0 { return order }
        }
        return 0
    }

    private static func rank(_ node: JSONNode) -> Int {
        switch node.value {
        case .null: 0
        case .string: 1
        case .unsigned, .signed, .double: 2
        case .bool: 3
        case .floats, .array: 4
        case .object: 5
        }
    }
}
