import VectorStore

/// The arguments of a call.
struct RestArguments: Sendable {
    /// Values by the names of arguments.
    private var values: [(name: String, node: JSONNode)]
    /// Whether they came in an address, where everything is text.
    private let areTexts: Bool

    /// The names that were given.
    var names: [String] { values.map(\.name) }

    /// Reads the body of a POST.
    init(body: [UInt8], contentType: String?, vectorArgument: String) throws(RestError) {
        switch contentType {
        case nil, "application/json", "application/vnd.pgrst.object+json":
            areTexts = false
            // PostgREST takes an empty body for a call without arguments.
            if body.isEmpty {
                values = []
                return
            }
            let node: JSONNode
            do {
                node = try JSONScanner.parse(body, vectorKey: vectorArgument)
            } catch {
                throw .invalidBody("Empty or invalid json", details: error.description)
            }
            if node.elements != nil { throw .unsupported("calling a function with an array") }
            guard let members = node.members else {
                throw .invalidBody(
                    "Empty or invalid json",
                    details: "the body must be an object of arguments, not \(node.value.kind)"
                )
            }
            values = members.map { ($0.key, $0.node) }
        case "application/x-www-form-urlencoded":
            areTexts = true
            guard let parameters = QueryString.parameters(String(decoding: body, as: UTF8.self))
            else { throw .invalidBody("Invalid form body") }
            values = parameters.map { ($0.name, JSONNode(.string($0.value))) }
        case let type?:
            throw .invalidBody("Content-Type not acceptable: \(type)")
        }
        try refuseRepeated()
    }

    /// Takes the parameters of an address that are no filters.
    init(parameters: [(name: String, value: String)]) throws(RestError) {
        areTexts = true
        values = parameters.map { ($0.name, JSONNode(.string($0.value))) }
        try refuseRepeated()
    }

    private func refuseRepeated() throws(RestError) {
        guard Set(names).count == names.count else {
            throw .invalidBody("An argument is given twice")
        }
    }

    /// The value of an argument: nil when it was left out and has no default.
    func value(_ argument: RestFunction.Argument) -> JSONNode? {
        values.first { $0.name == argument.name }?.node ?? argument.defaultValue
    }

    /// Whether a call gave an argument.
    func gives(_ argument: RestFunction.Argument) -> Bool {
        values.contains { $0.name == argument.name }
    }

    /// What a call asks for, its vector left out.
    func kind(
        of request: ServiceRequest,
        except vectorArgument: String?,
        _ scope: RowScope
    ) -> Int {
        var hasher = Hasher()
        hasher.combine(request, scope)
        for (name, value) in request.parameters where name != vectorArgument {
            hasher.combine(name)
            hasher.combine(value)
        }
        for (name, node) in values where name != vectorArgument {
            hasher.combine(name)
            // What came as text stands nowhere in the body as it is meant.
            if areTexts { hasher.combine(node.text) }
            hasher.combine(bytesOf: node, in: request.body)
        }
        return hasher.finalize()
    }

    // MARK: Types

    /// A vector: an array of numbers, or text in the forms of pgvector and of PostgreSQL's arrays.
    static func vector(_ node: JSONNode, dimension: Int) throws(RestError) -> [Float] {
        let floats: [Float]
        switch node.value {
        case .floats(let array): floats = array
        case .array(let nodes) where nodes.isEmpty: floats = []
        case .string(let text):
            var list = text
            // The JavaScript client writes arrays of a GET as {1,2,3}.
            if text.first == "{", text.last == "}" { list = "[\(text.dropFirst().dropLast())]" }
            guard let parsed = try? JSONScanner.parseFloats(list) else {
                let shown = text.count > 64 ? "\(text.prefix(61))..." : text
                throw .invalidText(shown, type: "vector")
            }
            floats = parsed
        case .null:
            throw RestError(400, "22004", "the query vector must not be null")
        default:
            throw RestError(
                400,
                "22P02",
                "invalid input syntax for type vector: \(node.value.kind)"
            )
        }
        guard !floats.isEmpty else {
            throw RestError(400, "22000", "vector must have at least 1 dimension")
        }
        guard floats.count == dimension else {
            throw RestError(
                400,
                "22000",
                "expected \(dimension) dimensions, not \(floats.count)"
            )
        }
        return floats
    }

    /// An integer, also as text.
    static func integer(_ node: JSONNode) throws(RestError) -> Int {
        if let number = node.integer { return number }
        if let number = node.number, let exact = Int(exactly: number) { return exact }
        if let text = node.text, let number = Int(text) { return number }
        throw invalid(node, type: "integer")
    }

    /// A number, also as text.
    static func number(_ node: JSONNode) throws(RestError) -> Double {
        if let number = node.number { return number }
        if let text = node.text, let number = Double(text), !number.isNaN { return number }
        throw invalid(node, type: "double precision")
    }

    /// A text; numbers are taken by their digits.
    static func text(_ node: JSONNode) throws(RestError) -> String {
        switch node.value {
        case .string(let text): return text
        case .unsigned(let number): return String(number)
        case .signed(let number): return String(number)
        default: throw invalid(node, type: "text")
        }
    }

    /// JSON, also as text of it.
    static func json(_ node: JSONNode) throws(RestError) -> JSONNode {
        guard let text = node.text else { return node }
        return try JSONContainment.parse(text)
    }

    private static func invalid(_ node: JSONNode, type: String) -> RestError {
        var writer = JSONWriter()
        writer.value(node)
        let text = node.text ?? String(decoding: writer.bytes.prefix(64), as: UTF8.self)
        return .invalidText(text, type: type)
    }
}
