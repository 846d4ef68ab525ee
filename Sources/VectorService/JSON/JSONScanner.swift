// The reader of request bodies.
//
// - It accepts RFC 8259 and nothing more, refuses repeated keys, and names the byte it stumbled over.
// - Its stack is bounded by `maximumDepth`, its memory by the text and `maximumNodeCount`.
// - An array of numbers under a vector key becomes `[Float]` without one box a number; each float is
//   the one nearest to the decimal text.

/// Reads one JSON text from bytes.
package struct JSONScanner {
    /// The deepest nesting of arrays and objects that is accepted.
    package static let maximumDepth = 64
    /// The most values in one text; floats under a vector key are not counted.
    package static let maximumNodeCount = 1_000_000

    /// The text; `parse` keeps it alive for as long as the scanner.
    let bytes: UnsafeRawBufferPointer
    var position = 0
    var nodeCount = 0
    let vectorKey: String?

    private init(_ bytes: UnsafeRawBufferPointer, vectorKey: String?) {
        self.bytes = bytes
        self.vectorKey = vectorKey
    }

    /// Reads the only value of a text.
    ///
    /// - Parameters:
    ///   - bytes: The text, UTF-8.
    ///   - vectorKey: The key under which an array of numbers becomes `floats`.
    package static func parse(
        _ bytes: [UInt8],
        vectorKey: String? = "vector"
    ) throws(JSONError) -> JSONNode {
        try bytes.span.withUnsafeBytes { (bytes) throws(JSONError) in
            var scanner = JSONScanner(bytes, vectorKey: vectorKey)
            return try scanner.parseDocument()
        }
    }

    /// Reads an array of numbers and nothing else, as in the text form of a vector.
    package static func parseFloats(_ text: String) throws(JSONError) -> [Float]? {
        let bytes = Array(text.utf8)
        return try bytes.span.withUnsafeBytes { (bytes) throws(JSONError) in
            var scanner = JSONScanner(bytes, vectorKey: nil)
            scanner.skipSpace()
            guard scanner.peek() == UInt8(ascii: "["), let floats = try scanner.parseFloats() else {
                return nil
            }
            scanner.skipSpace()
            return scanner.position == bytes.count ? floats : nil
        }
    }

    /// Whether bytes are one JSON text.
    package static func isValid(_ bytes: [UInt8]) -> Bool {
        (try? parse(bytes, vectorKey: nil)) != nil
    }

    mutating func parseDocument() throws(JSONError) -> JSONNode {
        skipSpace()
        let node = try parseValue(depth: 0, isVector: false)
        skipSpace()
        guard position == bytes.count else { throw error("unexpected text after the value") }
        return node
    }

    private mutating func parseValue(depth: Int, isVector: Bool) throws(JSONError) -> JSONNode {
        nodeCount += 1
        guard nodeCount <= Self.maximumNodeCount else { throw error("too many values") }
        let start = position
        let value: JSONValue
        switch peek() {
        case UInt8(ascii: "{"): value = try parseObject(depth: depth + 1)
        case UInt8(ascii: "["):
            if isVector, let floats = try parseFloats() {
                value = .floats(floats)
            } else {
                value = try parseArray(depth: depth + 1)
            }
        case UInt8(ascii: "\""): value = .string(try parseString())
        case UInt8(ascii: "t"): value = try parseWord("true", .bool(true))
        case UInt8(ascii: "f"): value = try parseWord("false", .bool(false))
        case UInt8(ascii: "n"): value = try parseWord("null", .null)
        case let character? where Self.startsNumber(character): value = try parseNumber()
        case nil: throw error("unexpected end")
        default: throw error("unexpected character")
        }
        return JSONNode(value, range: start..<position)
    }

    private mutating func parseObject(depth: Int) throws(JSONError) -> JSONValue {
        guard depth <= Self.maximumDepth else { throw error("nested too deeply") }
        position += 1
        var members: [JSONMember] = []
        var seen = Set<String>()
        skipSpace()
        if consume(UInt8(ascii: "}")) { return .object([]) }
        while true {
            skipSpace()
            guard peek() == UInt8(ascii: "\"") else { throw error("expected a key") }
            let keyStart = position
            let key = try parseString()
            // Few keys are compared one by one, many through a set, so that the time stays linear.
            let isRepeated: Bool
            if members.count < 16 {
                isRepeated = members.contains { $0.key == key }
            } else {
                if seen.isEmpty { seen = Set(members.map(\.key)) }
                isRepeated = !seen.insert(key).inserted
            }
            if isRepeated {
                position = keyStart
                throw error("repeated key \"\(key)\"")
            }
            skipSpace()
            guard consume(UInt8(ascii: ":")) else { throw error("expected ':'") }
            skipSpace()
            let node = try parseValue(depth: depth, isVector: key == vectorKey)
            members.append(JSONMember(key: key, node: node))
            skipSpace()
            if consume(UInt8(ascii: ",")) { continue }
            guard consume(UInt8(ascii: "}")) else { throw error("expected ',' or '}'") }
            return .object(members)
        }
    }

    private mutating func parseArray(depth: Int) throws(JSONError) -> JSONValue {
        guard depth <= Self.maximumDepth else { throw error("nested too deeply") }
        position += 1
        var nodes: [JSONNode] = []
        skipSpace()
        if consume(UInt8(ascii: "]")) { return .array([]) }
        while true {
            skipSpace()
            nodes.append(try parseValue(depth: depth, isVector: false))
            skipSpace()
            if consume(UInt8(ascii: ",")) { continue }
            guard consume(UInt8(ascii: "]")) else { throw error("expected ',' or ']'") }
            return .array(nodes)
        }
    }

    private mutating func parseWord(
        _ word: StaticString,
        _ value: JSONValue
    ) throws(JSONError) -> JSONValue {
        guard bytes.count - position >= word.utf8CodeUnitCount else {
            throw error("unexpected end")
        }
        for index in 0..<word.utf8CodeUnitCount
        where byte(position + index) != word.utf8Start[index] {
            throw error("unexpected word")
        }
        position += word.utf8CodeUnitCount
        return value
    }

    // MARK: Bytes

    func byte(_ offset: Int) -> UInt8 {
        bytes[offset]
    }

    static func startsNumber(_ character: UInt8) -> Bool {
        character == UInt8(ascii: "-") || character &- UInt8(ascii: "0") <= 9
    }

    func peek() -> UInt8? {
        position < bytes.count ? byte(position) : nil
    }

    mutating func consume(_ expected: UInt8) -> Bool {
        guard peek() == expected else { return false }
        position += 1
        return true
    }

    mutating func skipSpace() {
        while position < bytes.count {
            switch byte(position) {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    func error(_ reason: String) -> JSONError {
        JSONError(reason: reason, offset: position)
    }
}
