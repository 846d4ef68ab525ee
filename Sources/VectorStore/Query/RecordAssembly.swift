import StorageIO
import VectorMath

extension LiveSet {
    /// The record of a row, with the fields that were asked for; a vector left out is empty.
    func record(_ key: RowKey, include: IncludedFields) throws(CorruptionError) -> Record {
        let store = store(key.store)
        return Record(
            id: try store.id(at: key.ordinal),
            vector: include.contains(.vector) ? try vector(key) : [],
            partition: partition(key),
            attributes: include.contains(.attributes) ? attributes(key) : [:],
            payload: include.contains(.payload) ? try store.payload(at: key.ordinal) : nil
        )
    }

    /// The match of a scored row.
    func match(
        _ row: FoundRow,
        include: IncludedFields,
        inPartition only: String? = nil
    ) throws(CorruptionError) -> Match {
        let key = row.key
        return Match(
            id: row.id,
            distance: UnitVector.cosineDistance(fromDot: row.score),
            partition: only ?? partition(key),
            attributes: include.contains(.attributes) ? attributes(key) : [:],
            payload: include.contains(.payload)
                ? try store(key.store).payload(at: key.ordinal) : nil,
            vector: include.contains(.vector) ? try vector(key) : nil
        )
    }

    private func partition(_ key: RowKey) -> String? {
        configuration.partitionKey == nil ? nil : store(key.store).partition(at: key.ordinal)
    }

    private func attributes(_ key: RowKey) -> [String: AttributeValue] {
        let store = store(key.store)
        var values: [String: AttributeValue] = [:]
        for (column, attribute) in configuration.attributes.enumerated() {
            if let value = store.attribute(column, at: key.ordinal) {
                values[attribute.name] = value
            }
        }
        return values
    }

    private func vector(_ key: RowKey) throws(CorruptionError) -> [Float] {
        let vector = try store(key.store).vector(at: key.ordinal)
        return Array(UnsafeBufferPointer(start: vector, count: configuration.dimension))
    }
}
