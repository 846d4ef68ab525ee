/// Writes JSON text.
///
/// The caller opens and closes objects and arrays in order; commas are the writer's business.
package struct JSONWriter: Sendable {
    /// The text so far, UTF-8.
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// Makes an empty text.
    package init() {}

    /// Writes `{`, what `body` writes, and `}`.
    package mutating func object<Failure: Error>(
        _ body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        separate()
        bytes.append(UInt8(ascii: "{"))
        needsComma = false
        try body(&self)
        bytes.append(UInt8(ascii: "}"))
        needsComma = true
    }

    /// Writes `[`, what `body` writes, and `]`.
    package mutating func array<Failure: Error>(
        _ body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        separate()
        bytes.append(UInt8(ascii: "["))
        needsComma = false
        try body(&self)
        bytes.append(UInt8(ascii: "]"))
        needsComma = true
    }

    /// Writes the key of the value that comes next.
    package mutating func key(_ key: String) {
        separate()
        appendQuoted(key)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes a string.
    package mutating func value(_ text: String) {
        separate()
        appendQuoted(text)
        needsComma = true
    }

    /// Writes an integer.
    package mutating func value(_ number: some BinaryInteger) {
        raw(String(number))
    }

    /// Writes the shortest decimal that reads back as the same float64; not finite becomes `null`.
    package mutating func value(_ number: Double) {
        raw(number.isFinite ? number.description : "null")
    }

    /// Writes the shortest decimal that reads back as the same float32; not finite becomes `null`.
    package mutating func value(_ number: Float) {
        raw(number.isFinite ? number.description : "null")
    }

    /// Writes `true` or `false`.
    package mutating func value(_ flag: Bool) {
        raw(flag ? "true" : "false")
    }

    /// Writes `null`.
    package mutating func null() {
        raw("null")
    }

    /// Writes bytes that are one JSON value already.
    package mutating func embed(_ json: some Sequence<UInt8>) {
        separate()
        bytes.append(contentsOf: json)
        needsComma = true
    }

    /// Writes a scanned value anew.
    package mutating func value(_ node: JSONNode) {
        switch node.value {
        case .null: null()
        case .bool(let flag): value(flag)
        case .unsigned(let number): value(number)
        case .signed(let number): value(number)
        case .double(let number): value(number)
        case .string(let text): value(text)
        case .floats(let floats): array { for float in floats { $0.value(float) } }
        case .array(let nodes): array { for node in nodes { $0.value(node) } }
        case .object(let members):
            object {
                for member in members {
                    $0.key(member.key)
                    $0.value(member.node)
                }
            }
        }
    }

    private mutating func raw(_ text: String) {
        separate()
        bytes.append(contentsOf: text.utf8)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func appendQuoted(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        defer { bytes.append(UInt8(ascii: "\"")) }
        // Most texts need no escape.
        let isPlain =
            text.utf8.withContiguousStorageIfAvailable { text in
                let isPlain = text.allSatisfy {
                    $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
                }
                if isPlain { bytes.append(contentsOf: text) }
                return isPlain
            } ?? false
        if isPlain { return }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0A: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "n")])
            case 0x0D: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "r")])
            case 0x09: bytes.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "t")])
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            default: bytes.append(byte)
            }
        }
    }
}

extension JSONWriter {
    /// Writes a member whose value is a string.
    package mutating func member(_ key: String, _ text: String) {
        self.key(key)
        value(text)
    }

    /// Writes a member whose value is an integer.
    package mutating func member(_ key: String, _ number: some BinaryInteger) {
        self.key(key)
        value(number)
    }

    /// Writes a member whose value is a number.
    package mutating func member(_ key: String, _ number: Double) {
        self.key(key)
        value(number)
    }

    /// Writes a member whose value is a number.
    package mutating func member(_ key: String, _ number: Float) {
        self.key(key)
        value(number)
    }

    /// Writes a member whose value is `true` or `false`.
    package mutating func member(_ key: String, _ flag: Bool) {
        self.key(key)
        value(flag)
    }

    /// The text of one object.
    package static func text<Failure: Error>(
        _ body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) -> [UInt8] {
        var writer = JSONWriter()
        writer.bytes.reserveCapacity(1_024)
        try writer.object(body)
        return writer.bytes
    }
}
