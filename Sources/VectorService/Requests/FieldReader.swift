/// Takes the fields of a JSON object one by one and refuses those that nobody asked for.
struct FieldReader {
    /// Where the object stands, for messages: `queries[3]`, or empty for the body itself.
    let path: String
    private var members: [JSONMember]
    private var taken: [Bool]

    /// Reads an object; anything else is refused.
    init(_ node: JSONNode, path: String = "") throws(Problem) {
        guard case .object(let members) = node.value else {
            let name = path.isEmpty ? "the body" : path
            throw .invalidRequest(
                "\(name) must be an object, not \(node.value.kind)",
                field: path.isEmpty ? nil : path
            )
        }
        self.path = path
        self.members = members
        taken = Array(repeating: false, count: members.count)
    }

    /// The full name of a field.
    func name(_ key: String) -> String {
        path.isEmpty ? key : "\(path).\(key)"
    }

    /// Takes a field that may be absent; `null` counts as absent.
    mutating func optional(_ key: String) -> JSONNode? {
        guard let node = raw(key), node.value != .null else { return nil }
        return node
    }

    /// Takes a field and keeps `null`.
    ///
    /// It can be asked for again: an attribute may be called `id` or `partition`, and is both then.
    mutating func raw(_ key: String) -> JSONNode? {
        guard let index = members.firstIndex(where: { $0.key == key }) else { return nil }
        taken[index] = true
        return members[index].node
    }

    /// Takes a field that must be there.
    mutating func required(_ key: String) throws(Problem) -> JSONNode {
        guard let node = optional(key) else {
            throw .invalidRequest("\(name(key)) is missing", field: name(key))
        }
        return node
    }

    /// Takes a string.
    mutating func text(_ key: String) throws(Problem) -> String? {
        guard let node = optional(key) else { return nil }
        guard let text = node.text else { throw mismatch(key, "a string", node) }
        return text
    }

    /// Takes an integer.
    mutating func integer(_ key: String) throws(Problem) -> Int? {
        guard let node = optional(key) else { return nil }
        guard let number = node.integer else { throw mismatch(key, "an integer", node) }
        return number
    }

    /// Takes a number.
    mutating func number(_ key: String) throws(Problem) -> Double? {
        guard let node = optional(key) else { return nil }
        guard let number = node.number else { throw mismatch(key, "a number", node) }
        return number
    }

    /// Takes a Boolean.
    mutating func flag(_ key: String) throws(Problem) -> Bool? {
        guard let node = optional(key) else { return nil }
        guard case .bool(let flag) = node.value else { throw mismatch(key, "true or false", node) }
        return flag
    }

    /// Takes an array.
    mutating func array(_ key: String) throws(Problem) -> [JSONNode]? {
        guard let node = optional(key) else { return nil }
        guard let elements = node.elements else { throw mismatch(key, "an array", node) }
        return elements
    }

    /// Takes an array of strings.
    mutating func texts(_ key: String) throws(Problem) -> [String]? {
        guard let nodes = try array(key) else { return nil }
        var texts: [String] = []
        texts.reserveCapacity(nodes.count)
        for node in nodes {
            guard let text = node.text else { throw mismatch(key, "an array of strings", node) }
            texts.append(text)
        }
        return texts
    }

    /// Takes all fields that are left.
    mutating func rest() -> [JSONMember] {
        var rest: [JSONMember] = []
        for index in members.indices where !taken[index] {
            rest.append(members[index])
            taken[index] = true
        }
        return rest
    }

    /// Refuses the fields that are left.
    mutating func finish() throws(Problem) {
        guard let index = taken.firstIndex(of: false) else { return }
        let field = name(members[index].key)
        throw .invalidRequest("unknown field \"\(field)\"", field: field)
    }

    /// A field of the wrong kind.
    func mismatch(_ key: String, _ expected: String, _ node: JSONNode) -> Problem {
        .invalidRequest(
            "\(name(key)) must be \(expected), not \(node.value.kind)",
            field: name(key)
        )
    }
}
