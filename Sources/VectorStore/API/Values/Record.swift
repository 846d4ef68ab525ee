/// One row of a collection.
public struct Record: Sendable, Hashable {
    /// The caller's key.
    ///
    /// An upsert replaces the record that has it.
    public var id: RecordID
    /// `[dimension]`, finite and not all zero.
    ///
    /// Stored at unit length, which is what reads return.
    public var vector: [Float]
    /// The partition; nil exactly when the collection has no partition key.
    public var partition: String?
    /// Values of declared attributes.
    public var attributes: [String: AttributeValue]
    /// Bytes that are stored and returned as they are, by convention JSON; at most 8 MiB.
    public var payload: [UInt8]?

    /// The largest payload in bytes.
    public static let maximumPayloadByteCount = 8 << 20

    /// Makes a record.
    public init(
        id: RecordID,
        vector: [Float],
        partition: String? = nil,
        attributes: [String: AttributeValue] = [:],
        payload: [UInt8]? = nil
    ) {
        self.id = id
        self.vector = vector
        self.partition = partition
        self.attributes = attributes
        self.payload = payload
    }

    /// Makes a record whose payload is text, by convention JSON.
    public init(
        id: RecordID,
        vector: [Float],
        partition: String? = nil,
        attributes: [String: AttributeValue] = [:],
        payload: String
    ) {
        self.init(
            id: id,
            vector: vector,
            partition: partition,
            attributes: attributes,
            payload: Array(payload.utf8)
        )
    }
}

/// A change to a record that keeps its vector.
public struct RecordPatch: Sendable, Hashable {
    /// The record to change; it must exist.
    public var id: RecordID
    /// Attributes to set; a nil value removes the attribute; others stay.
    public var attributes: [String: AttributeValue?]
    /// The new payload; `.some(nil)` removes it, nil keeps it.
    public var payload: [UInt8]??
    /// The new partition, or nil to keep it.
    public var partition: String?
    /// The new id (the record is re-keyed, carrying its vector), or nil to keep it.
    public var newID: RecordID?

    /// Makes a patch.
    public init(
        id: RecordID,
        attributes: [String: AttributeValue?] = [:],
        payload: [UInt8]?? = nil,
        partition: String? = nil,
        newID: RecordID? = nil
    ) {
        self.id = id
        self.attributes = attributes
        self.payload = payload
        self.partition = partition
        self.newID = newID
    }
}

/// Which parts of a record an answer carries beside id, partition and similarity.
public struct IncludedFields: OptionSet, Sendable, Hashable {
    /// The raw bits.
    public let rawValue: UInt8

    /// Makes a set from raw bits.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// The declared attributes.
    public static let attributes = IncludedFields(rawValue: 1)
    /// The payload.
    public static let payload = IncludedFields(rawValue: 2)
    /// The vector, at unit length.
    public static let vector = IncludedFields(rawValue: 4)
}
