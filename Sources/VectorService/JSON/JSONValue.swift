/// A JSON value with the place it came from.
package struct JSONNode: Sendable, Equatable {
    /// The value.
    package var value: JSONValue
    /// The bytes of the value in the scanned text, without white space around them.
    package var range: Range<Int>

    /// Makes a node.
    package init(_ value: JSONValue, range: Range<Int> = 0..<0) {
        self.value = value
        self.range = range
    }
}

/// A JSON value (RFC 8259) as this service needs it.
package enum JSONValue: Sendable, Equatable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// An integer without sign, fraction and exponent that fits in 64 bits.
    case unsigned(UInt64)
    /// A negative integer that fits in 64 bits.
    case signed(Int64)
    /// Any other number.
    case double(Double)
    /// A string, its escapes resolved.
    case string(String)
    /// An array of numbers that stood under one of the scanner's vector keys.
    case floats([Float])
    /// An array.
    case array([JSONNode])
    /// An object, its members in the order they were written, no key twice.
    case object([JSONMember])

    /// The kind of value, as an error message names it.
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a Boolean"
        case .unsigned, .signed, .double: "a number"
        case .string: "a string"
        case .floats, .array: "an array"
        case .object: "an object"
        }
    }
}

/// A key of an object and its value.
package struct JSONMember: Sendable, Equatable {
    /// The key, its escapes resolved.
    package var key: String
    /// The value.
    package var node: JSONNode

    /// Makes a member.
    package init(key: String, node: JSONNode) {
        self.key = key
        self.node = node
    }
}

extension JSONNode {
    /// The value of a key, if this is an object that has it.
    package subscript(_ key: String) -> JSONNode? {
        guard case .object(let members) = value else { return nil }
        return members.first { $0.key == key }?.node
    }

    /// The elements, if this is an array.
    package var elements: [JSONNode]? {
        switch value {
        case .array(let nodes): nodes
        case .floats(let floats): floats.map { JSONNode(.double(Double($0))) }
        default: nil
        }
    }

    /// The text, if this is a string.
    package var text: String? {
        guard case .string(let text) = value else { return nil }
        return text
    }

    /// The number as floating point, if this is a number.
    package var number: Double? {
        switch value {
        case .unsigned(let number): Double(number)
        case .signed(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }

    /// The number, if this is an integer that fits.
    package var integer: Int? {
        switch value {
        case .unsigned(let number): Int(exactly: number)
        case .signed(let number): Int(exactly: number)
        default: nil
        }
    }

    /// The members, if this is an object.
    package var members: [JSONMember]? {
        guard case .object(let members) = value else { return nil }
        return members
    }
}

/// Why a text is not JSON, or not JSON that is accepted here.
package struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong.
    package var reason: String
    /// The byte at which it is wrong, 0-based.
    package var offset: Int

    /// Reason and place.
    package var description: String {
        "\(reason) at byte \(offset)"
    }
}
