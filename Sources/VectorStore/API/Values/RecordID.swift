/// The caller's key of a record, echoed in the type it was given.
///
/// Two ids of different kinds are different records: `.integer(7)` is not `.string("7")`.
public enum RecordID: Hashable, Sendable {
    /// UTF-8 text of 1 to 255 bytes.
    case string(String)
    /// Any 64-bit unsigned integer.
    case integer(UInt64)
    /// A 128-bit UUID (RFC 9562).
    case uuid(RecordUUID)

    /// The most bytes a string id may have in UTF-8.
    public static let maximumStringByteCount = 255
}

extension RecordID: ExpressibleByStringLiteral {
    /// Makes a string id.
    public init(stringLiteral value: String) {
        self = .string(value)
    }
}

extension RecordID: ExpressibleByIntegerLiteral {
    /// Makes an integer id.
    public init(integerLiteral value: UInt64) {
        self = .integer(value)
    }
}

extension RecordID: CustomStringConvertible {
    /// The id as a person would write it, without its kind.
    public var description: String {
        switch self {
        case .string(let text): text
        case .integer(let number): String(number)
        case .uuid(let uuid): uuid.description
        }
    }
}

extension RecordID {
    /// Whether two ids are of one kind and hold the same bytes: text that only looks the same, such as
    /// a letter with an accent and its decomposed form, makes two ids.
    public static func == (lhs: RecordID, rhs: RecordID) -> Bool {
        switch (lhs, rhs) {
        case (.integer(let left), .integer(let right)): left == right
        case (.uuid(let left), .uuid(let right)): left == right
        case (.string(let left), .string(let right)): left.utf8.elementsEqual(right.utf8)
        default: false
        }
    }

    /// Hashes the kind and the bytes.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .integer(let number):
            hasher.combine(0)
            hasher.combine(number)
        case .uuid(let uuid):
            hasher.combine(1)
            hasher.combine(uuid)
        case .string(let text):
            hasher.combine(2)
            var text = text
            text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }
}

extension RecordID: Comparable {
    /// The total order that breaks ties between equal distances: integers, then UUIDs, then strings
    /// by their UTF-8 bytes.
    public static func < (lhs: RecordID, rhs: RecordID) -> Bool {
        switch (lhs, rhs) {
        case (.integer(let left), .integer(let right)): left < right
        case (.uuid(let left), .uuid(let right)): left < right
        case (.string(let left), .string(let right)):
            left.utf8.lexicographicallyPrecedes(right.utf8)
        default: lhs.rank < rhs.rank
        }
    }

    private var rank: Int {
        switch self {
        case .integer: 0
        case .uuid: 1
        case .string: 2
        }
    }
}

/// A UUID as two big-endian halves, without Foundation (RFC 9562, section 4).
public struct RecordUUID: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The first eight bytes, most significant first.
    public var high: UInt64
    /// The last eight bytes, most significant first.
    public var low: UInt64

    /// Makes a UUID from its halves.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads the 36-character form `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`, in either case.
    public init?(_ text: String) {
        let characters = Array(text.utf8)
        guard characters.count == 36 else { return nil }
        var halves: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for (position, character) in characters.enumerated() {
            if position == 8 || position == 13 || position == 18 || position == 23 {
                guard character == UInt8(ascii: "-") else { return nil }
                continue
            }
            let digit: UInt64
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt64(character - 48)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = UInt64(character - 87)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = UInt64(character - 55)
            default: return nil
            }
            if digits < 16 {
                halves.0 = halves.0 << 4 | digit
            } else {
                halves.1 = halves.1 << 4 | digit
            }
            digits += 1
        }
        self.init(high: halves.0, low: halves.1)
    }

    /// The 36-character form in lower case.
    public var description: String {
        var text = ""
        text.reserveCapacity(36)
        for position in 0..<32 {
            if position == 8 || position == 12 || position == 16 || position == 20 { text += "-" }
            let half = position < 16 ? high : low
            let digit = Int(half >> UInt64(60 - 4 * (position % 16)) & 15)
            text += String(digit, radix: 16)
        }
        return text
    }

    /// Byte order, most significant first.
    public static func < (lhs: RecordUUID, rhs: RecordUUID) -> Bool {
        (lhs.high, lhs.low) < (rhs.high, rhs.low)
    }
}
