/// The type of a declared attribute.
public enum AttributeType: String, Sendable, Hashable, CaseIterable {
    /// UTF-8 text.
    case string
    /// 64-bit signed integers.
    case int64
    /// 64-bit floating-point numbers, finite.
    case double
    /// True or false.
    case bool
}

/// A value of a declared attribute.
///
/// An attribute that a record lacks has no value.
public enum AttributeValue: Sendable, Hashable {
    /// UTF-8 text of at most 65,535 bytes.
    case string(String)
    /// A 64-bit signed integer.
    case int64(Int64)
    /// A finite 64-bit floating-point number.
    case double(Double)
    /// True or false.
    case bool(Bool)

    /// The type this value belongs to.
    public var type: AttributeType {
        switch self {
        case .string: .string
        case .int64: .int64
        case .double: .double
        case .bool: .bool
        }
    }

    /// The most bytes a string value may have in UTF-8.
    public static let maximumStringByteCount = 65_535
}

extension AttributeValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral
{
    /// Makes a string value.
    public init(stringLiteral value: String) {
        self = .string(value)
    }

    /// Makes an integer value.
    public init(integerLiteral value: Int64) {
        self = .int64(value)
    }

    /// Makes a floating-point value.
    public init(floatLiteral value: Double) {
        self = .double(value)
    }

    /// Makes a Boolean value.
    public init(booleanLiteral value: Bool) {
        self = .bool(value)
    }
}

extension AttributeValue: CustomStringConvertible {
    /// The value as a person would write it.
    public var description: String {
        switch self {
        case .string(let text): text
        case .int64(let number): String(number)
        case .double(let number): String(number)
        case .bool(let flag): String(flag)
        }
    }
}
