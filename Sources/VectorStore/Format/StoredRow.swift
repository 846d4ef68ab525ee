/// One record in the form in which the log and the memtable hold it: checked, and with its vector at
/// unit length.
package struct StoredRow: Sendable, Hashable {
    package var id: RecordID
    /// Empty when the collection has no partitions.
    package var partition: String
    /// `[dimension]`, unit length.
    package var vector: [Float]
    /// By declaration index; as long as the declaration.
    package var attributes: [AttributeValue?]
    package var payload: [UInt8]?

    package init(
        id: RecordID, partition: String, vector: [Float], attributes: [AttributeValue?],
        payload: [UInt8]?
    ) {
        self.id = id
        self.partition = partition
        self.vector = vector
        self.attributes = attributes
        self.payload = payload
    }
}

/// One change in the order of writing, as the log holds it. Each takes one LSN.
package enum LogOperation: Sendable, Hashable {
    case upsert(collection: UInt32, StoredRow)
    case delete(collection: UInt32, RecordID)
    case createCollection(id: UInt32, CollectionConfiguration)
    case dropCollection(id: UInt32)
}
