/// A comparison in the domain of one column's type, so that evaluating it converts nothing.
///
/// Numbers are exact: a bound of the other number type was moved to the nearest value of the
/// column's type that decides the same, never rounded.
enum ColumnTest: Sendable, Hashable {
    /// `lower ... upper`; none when `lower` is above `upper`.
    case int64(lower: Int64, upper: Int64)
    /// Rising.
    case int64In([Int64])
    case double(lower: Double, upper: Double)
    /// Rising.
    case doubleIn([Double])
    case bool(matchesFalse: Bool, matchesTrue: Bool)
    case string(StringRange)
    /// Rising by bytes.
    case stringIn([[UInt8]])

    /// Strings between two bounds by their UTF-8 bytes; a missing bound is no bound.
    struct StringRange: Sendable, Hashable {
        var lower: [UInt8]?
        var includesLower = false
        var upper: [UInt8]?
        var includesUpper = false
    }

    /// How a value stands to the one given.
    enum Relation {
        case greater, greaterOrEqual, less, lessOrEqual
    }

    // MARK: - Ranges

    static func int64(_ relation: Relation, _ bound: Int64) -> ColumnTest {
        switch relation {
        case .greater:
            bound == .max ? .int64(lower: 1, upper: 0) : .int64(lower: bound + 1, upper: .max)
        case .greaterOrEqual: .int64(lower: bound, upper: .max)
        case .less:
            bound == .min ? .int64(lower: 1, upper: 0) : .int64(lower: .min, upper: bound - 1)
        case .lessOrEqual: .int64(lower: .min, upper: bound)
        }
    }

    /// Integers against a double: the bound moves to the next integer inside.
    static func int64(_ relation: Relation, _ bound: Double) -> ColumnTest {
        if let whole = Int64(exactly: bound) { return int64(relation, whole) }
        switch relation {
        case .greater, .greaterOrEqual:
            guard bound < 0x1p63 else { return .int64(lower: 1, upper: 0) }
            guard bound >= -0x1p63 else { return .int64(lower: .min, upper: .max) }
            return .int64(lower: Int64(bound.rounded(.up)), upper: .max)
        case .less, .lessOrEqual:
            guard bound >= -0x1p63 else { return .int64(lower: 1, upper: 0) }
            guard bound < 0x1p63 else { return .int64(lower: .min, upper: .max) }
            return .int64(lower: .min, upper: Int64(bound.rounded(.down)))
        }
    }

    static func double(_ relation: Relation, _ bound: Double) -> ColumnTest {
        switch relation {
        case .greater: .double(lower: bound.nextUp, upper: .infinity)
        case .greaterOrEqual: .double(lower: bound, upper: .infinity)
        case .less: .double(lower: -.infinity, upper: bound.nextDown)
        case .lessOrEqual: .double(lower: -.infinity, upper: bound)
        }
    }

    /// Doubles against an integer that no double equals: the bound moves to the next double inside.
    static func double(_ relation: Relation, _ bound: Int64) -> ColumnTest {
        let nearest = Double(bound)
        if Double(exactly: bound) != nil { return double(relation, nearest) }
        // 2^63 is not an Int64, and above every one.
        let isAbove = Int64(exactly: nearest).map { $0 > bound } ?? true
        switch relation {
        case .greater, .greaterOrEqual:
            return double(isAbove ? .greaterOrEqual : .greater, nearest)
        case .less, .lessOrEqual:
            return double(isAbove ? .less : .lessOrEqual, nearest)
        }
    }

    static func string(_ relation: Relation, _ bound: [UInt8]) -> ColumnTest {
        switch relation {
        case .greater: .string(StringRange(lower: bound))
        case .greaterOrEqual: .string(StringRange(lower: bound, includesLower: true))
        case .less: .string(StringRange(upper: bound))
        case .lessOrEqual: .string(StringRange(upper: bound, includesUpper: true))
        }
    }

    // MARK: - Values

    @inline(__always)
    static func contains(_ values: [Int64], _ value: Int64) -> Bool {
        let place = firstIndex(in: values.count) { values[$0] >= value }
        return place < values.count && values[place] == value
    }

    @inline(__always)
    static func contains(_ values: [Double], _ value: Double) -> Bool {
        let place = firstIndex(in: values.count) { values[$0] >= value }
        return place < values.count && values[place] == value
    }

    static func contains(_ values: [[UInt8]], _ value: UnsafeRawBufferPointer) -> Bool {
        let place = firstIndex(in: values.count) { compare(value, values[$0]) <= 0 }
        return place < values.count && compare(value, values[place]) == 0
    }

    /// The first index at which a condition holds that stays true once it is.
    @inline(__always)
    private static func firstIndex(in count: Int, where condition: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if condition(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private static func compare(_ value: UnsafeRawBufferPointer, _ other: [UInt8]) -> Int {
        other.withUnsafeBytes { compareBytes(value, $0) }
    }

    /// Whether a string's bytes pass a string test.
    func matches(_ value: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .stringIn(let values): return Self.contains(values, value)
        case .string(let range):
            if let lower = range.lower {
                let order = Self.compare(value, lower)
                if order < 0 || (order == 0 && !range.includesLower) { return false }
            }
            if let upper = range.upper {
                let order = Self.compare(value, upper)
                if order > 0 || (order == 0 && !range.includesUpper) { return false }
            }
            return true
        default: return false
        }
    }

    /// Whether a value of the column's type passes.
    func matches(_ value: AttributeValue) -> Bool {
        switch (self, value) {
        case (.int64(let lower, let upper), .int64(let number)):
            return number >= lower && number <= upper
        case (.int64In(let values), .int64(let number)): return Self.contains(values, number)
        case (.double(let lower, let upper), .double(let number)):
            return number >= lower && number <= upper
        case (.doubleIn(let values), .double(let number)): return Self.contains(values, number)
        case (.bool(let matchesFalse, let matchesTrue), .bool(let flag)):
            return flag ? matchesTrue : matchesFalse
        case (.string, .string(var text)), (.stringIn, .string(var text)):
            return text.withUTF8 { matches(UnsafeRawBufferPointer($0)) }
        default: return false
        }
    }
}
