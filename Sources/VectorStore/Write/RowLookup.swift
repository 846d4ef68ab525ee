package import StorageIO

extension LiveSet {
    /// The one visible row of an id.
    ///
    /// Only under the collection's lock or the store's writing lock, because memtables' maps grow
    /// under those.
    package func visibleRow(of id: RecordID) throws(CorruptionError) -> RowKey? {
        for index in memtables.indices.reversed() {
            let view = memtables[index]
            if let ordinal = view.memtable.ordinal(of: id), ordinal < view.rowCount,
                !view.tombstones.contains(ordinal)
            {
                return RowKey(store: index, ordinal: ordinal)
            }
        }
        for index in segments.indices.reversed() {
            let view = segments[index]
            if let ordinal = try view.segment.ordinal(of: id), !view.tombstones.contains(ordinal) {
                return RowKey(store: memtables.count + index, ordinal: ordinal)
            }
        }
        return nil
    }

    /// The record of a row.
    package func storedRow(_ key: RowKey) throws(CorruptionError) -> StoredRow {
        let store = store(key.store)
        let ordinal = key.ordinal
        let vector = try store.vector(at: ordinal)
        var attributes: [AttributeValue?] = []
        attributes.reserveCapacity(configuration.attributes.count)
        for column in configuration.attributes.indices {
            attributes.append(store.attribute(column, at: ordinal))
        }
        return StoredRow(
            id: try store.id(at: ordinal),
            partition: store.partition(at: ordinal),
            vector: Array(UnsafeBufferPointer(start: vector, count: configuration.dimension)),
            attributes: attributes,
            payload: try store.payload(at: ordinal)
        )
    }
}

extension LiveSet {
    /// The visible row of an id among the segments alone: what a change of that id will hide there.
    package func visibleSegmentRow(
        of id: RecordID
    ) throws(CorruptionError) -> (segment: Int, ordinal: Int)? {
        for index in segments.indices.reversed() {
            if let ordinal = try segments[index].segment.ordinal(of: id),
                !segments[index].tombstones.contains(ordinal)
            {
                return (index, ordinal)
            }
        }
        return nil
    }
}
