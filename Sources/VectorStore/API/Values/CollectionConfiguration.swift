/// How vectors of a collection are compared.
public enum Metric: String, Sendable, Hashable {
    /// Cosine distance, 1 − cosine, 0 (same direction) to 2 (opposite).
    case cosine
}

/// One declared attribute of a collection.
public struct AttributeDeclaration: Sendable, Hashable {
    /// The name, 1 to 255 bytes of UTF-8.
    public var name: String
    /// The type every value must have.
    public var type: AttributeType

    /// Declares an attribute.
    public init(_ name: String, _ type: AttributeType) {
        self.name = name
        self.type = type
    }
}

/// What a collection is: fixed when it is created.
public struct CollectionConfiguration: Sendable, Hashable {
    /// Letters, digits, `_`, `-` and `.`, 1 to 128 bytes, not starting with `.` or `-`.
    public var name: String
    /// Floats in every vector, 1 to 16,000.
    public var dimension: Int
    /// How vectors are compared.
    public var metric: Metric
    /// The name under which records carry their partition (say `creator_id`), or nil when the
    /// collection has no partitions.
    ///
    /// Rows of one partition lie together on disk.
    public var partitionKey: String?
    /// The attributes that filters may name, in the order they were declared.
    public var attributes: [AttributeDeclaration]

    /// The largest dimension of a collection.
    public static let maximumDimension = 16_000
    /// The most bytes a partition may have in UTF-8.
    public static let maximumPartitionByteCount = 255
    /// The most attributes a collection may declare.
    public static let maximumAttributeCount = 256

    /// Describes a collection.
    public init(
        name: String,
        dimension: Int,
        metric: Metric = .cosine,
        partitionKey: String? = nil,
        attributes: [AttributeDeclaration] = []
    ) {
        self.name = name
        self.dimension = dimension
        self.metric = metric
        self.partitionKey = partitionKey
        self.attributes = attributes
    }
}
