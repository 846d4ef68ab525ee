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
        id: RecordID,
        partition: String,
        vector: [Float],
        attributes: [AttributeValue?],
        payload: [UInt8]?
    ) {
        self.id = id
        self.partition = partition
        self.vector = vector
        self.attributes = attributes
        self.payload = payload
    }
}

/// One change of one record.
package enum RowChange: Sendable, Hashable {
    case upsert(StoredRow)
    case delete(RecordID)

    package var id: RecordID {
        switch self {
        case .upsert(let row): row.id
        case .delete(let id): id
        }
    }
}

/// One change in the order of writing, as the log holds it.
///
/// Each takes one LSN.
package struct LogOperation: Sendable, Hashable {
    /// The collection's number; numbers are never used again.
    package var collection: UInt32
    package var change: RowChange

    package init(collection: UInt32, change: RowChange) {
        self.collection = collection
        self.change = change
    }
}
