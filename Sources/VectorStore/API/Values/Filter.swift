/// A condition on declared attributes.
///
/// A record without a value for an attribute matches no comparison with it; `not` turns that round,
/// so `not(equal("lang", "en"))` matches a record without `lang`. Numbers compare across `int64` and
/// `double`; strings compare by their UTF-8 bytes.
public indirect enum Filter: Sendable, Hashable {
    /// The attribute has this value.
    case equal(String, AttributeValue)
    /// The attribute has one of these values; none matches nothing.
    case isIn(String, [AttributeValue])
    /// The attribute is larger than the value.
    case greater(String, AttributeValue)
    /// The attribute is larger than the value or equal.
    case greaterOrEqual(String, AttributeValue)
    /// The attribute is smaller than the value.
    case less(String, AttributeValue)
    /// The attribute is smaller than the value or equal.
    case lessOrEqual(String, AttributeValue)
    /// All of them; an empty list matches everything.
    case and([Filter])
    /// Any of them; an empty list matches nothing.
    case or([Filter])
    /// The opposite.
    case not(Filter)

    /// The deepest nesting that is accepted.
    public static let maximumDepth = 32
    /// The most comparisons (values of `isIn` counted one by one) that are accepted.
    public static let maximumComparisonCount = 10_000
}
