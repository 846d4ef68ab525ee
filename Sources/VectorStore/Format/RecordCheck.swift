import VectorMath

/// Checks what callers hand in against a collection's configuration.
///
/// Nothing is changed here.
struct RecordCheck {
    let configuration: CollectionConfiguration
    private let columns: [String: Int]

    init(_ configuration: CollectionConfiguration) {
        self.configuration = configuration
        columns = Dictionary(
            uniqueKeysWithValues: configuration.attributes.enumerated().map { ($1.name, $0) }
        )
    }

    /// The most records of one batch.
    static let maximumBatchCount = 65_536
    /// The most bytes of one batch as the log holds it, so that one frame holds any batch.
    static let maximumBatchByteCount = 14 << 20

    func rows(_ records: [Record]) throws(VectorStoreError) -> [StoredRow] {
        try checkCount(records.count)
        var seen: [RecordID: Int] = [:]
        seen.reserveCapacity(records.count)
        var rows: [StoredRow] = []
        rows.reserveCapacity(records.count)
        var byteCount = 0
        for (row, record) in records.enumerated() {
            if let first = seen.updateValue(row, forKey: record.id) {
                throw VectorStoreError(
                    .duplicateID,
                    "row \(row): id \(record.id) is in row \(first) of the same batch; "
                        + "send each id once",
                    row: row,
                    field: "id"
                )
            }
            let stored = try self.row(record, number: row)
            byteCount += stored.logByteCount
            try check(byteCount: byteCount, row: row)
            rows.append(stored)
        }
        return rows
    }

    /// One record, called `number` in errors.
    func row(_ record: Record, number: Int) throws(VectorStoreError) -> StoredRow {
        try check(id: record.id, row: number)
        let stored = StoredRow(
            id: record.id,
            partition: try partition(record.partition, row: number),
            vector: try unitVector(record.vector, row: number, field: "vector"),
            attributes: try attributes(record.attributes, row: number),
            payload: record.payload
        )
        try check(payload: record.payload, row: number)
        return stored
    }

    func checkCount(_ count: Int) throws(VectorStoreError) {
        guard count <= Self.maximumBatchCount else {
            throw VectorStoreError(
                .batchTooLarge,
                "\(count) records in one batch; send at most \(Self.maximumBatchCount)"
            )
        }
    }

    func check(byteCount: Int, row: Int) throws(VectorStoreError) {
        guard byteCount <= Self.maximumBatchByteCount else {
            throw VectorStoreError(
                .batchTooLarge,
                "the batch is larger than \(Self.maximumBatchByteCount) bytes at row \(row); "
                    + "send fewer records at a time",
                row: row
            )
        }
    }

    func check(id: RecordID, row: Int?) throws(VectorStoreError) {
        guard case .string(let text) = id else { return }
        let count = text.utf8.count
        guard count > 0, count <= RecordID.maximumStringByteCount else {
            throw VectorStoreError(
                .invalidID,
                "\(prefix(row))the id has \(count) bytes; a string id has 1 to "
                    + "\(RecordID.maximumStringByteCount)",
                row: row,
                field: "id"
            )
        }
    }

    func check(payload: [UInt8]?, row: Int) throws(VectorStoreError) {
        guard let count = payload?.count, count > Record.maximumPayloadByteCount else { return }
        throw VectorStoreError(
            .payloadTooLarge,
            "row \(row): the payload has \(count) bytes; the limit is "
                + "\(Record.maximumPayloadByteCount)",
            row: row,
            field: "payload"
        )
    }

    /// The partition as it is stored: empty when the collection has no partition key.
    func partition(_ partition: String?, row: Int?) throws(VectorStoreError) -> String {
        guard let key = configuration.partitionKey else {
            if partition == nil { return "" }
            throw VectorStoreError(
                .invalidPartition,
                "\(prefix(row))collection \(configuration.name) has no partition key, but a "
                    + "partition is given; leave it out",
                row: row,
                field: "partition"
            )
        }
        guard let partition else {
            throw VectorStoreError(
                .invalidPartition,
                "\(prefix(row))the partition `\(key)` is missing",
                row: row,
                field: key
            )
        }
        let count = partition.utf8.count
        guard count > 0, count <= CollectionConfiguration.maximumPartitionByteCount else {
            throw VectorStoreError(
                .invalidPartition,
                "\(prefix(row))the partition `\(key)` has \(count) bytes; it takes 1 to "
                    + "\(CollectionConfiguration.maximumPartitionByteCount)",
                row: row,
                field: key
            )
        }
        return partition
    }

    /// The vector at unit length.
    func unitVector(
        _ vector: [Float],
        row: Int?,
        field: String
    ) throws(VectorStoreError) -> [Float] {
        guard vector.count == configuration.dimension else {
            throw VectorStoreError(
                .dimensionMismatch,
                "\(prefix(row))the vector has \(vector.count) floats; collection "
                    + "\(configuration.name) has dimension \(configuration.dimension)",
                row: row,
                field: field
            )
        }
        do throws(NormalisationFailure) {
            return try UnitVector.normalised(vector)
        } catch {
            throw refusal(of: vector, error, row: row, field: field)
        }
    }

    private func refusal(
        of vector: [Float],
        _ failure: NormalisationFailure,
        row: Int?,
        field: String
    ) -> VectorStoreError {
        switch failure {
        case .notFinite(let position):
            return VectorStoreError(
                .vectorNotFinite,
                "\(prefix(row))float \(position) of the vector is \(vector[position]); every "
                    + "float must be finite",
                row: row,
                field: field
            )
        case .zero:
            return VectorStoreError(
                .zeroVector,
                "\(prefix(row))the vector is all zero and has no direction",
                row: row,
                field: field
            )
        }
    }

    private func attributes(
        _ given: [String: AttributeValue],
        row: Int
    ) throws(VectorStoreError) -> [AttributeValue?] {
        var values = [AttributeValue?](repeating: nil, count: configuration.attributes.count)
        for (name, value) in given {
            values[try column(name, row: row)] = try checked(value, name: name, row: row)
        }
        return values
    }

    func column(_ name: String, row: Int) throws(VectorStoreError) -> Int {
        if let column = columns[name] { return column }
        let known = configuration.attributes.map(\.name).joined(separator: ", ")
        throw VectorStoreError(
            .unknownAttribute,
            "row \(row): attribute `\(name)` is not declared; collection "
                + "\(configuration.name) declares \(known.isEmpty ? "none" : known)",
            row: row,
            field: name
        )
    }

    func checked(
        _ value: AttributeValue,
        name: String,
        row: Int
    ) throws(VectorStoreError) -> AttributeValue {
        guard let column = columns[name] else { return value }
        let declared = configuration.attributes[column].type
        switch (declared, value) {
        case (.double, .int64(let number)):
            if let exact = Double(exactly: number) { return .double(exact) }
        case (.double, .double(let number)) where !number.isFinite:
            throw VectorStoreError(
                .invalidAttribute,
                "row \(row): attribute `\(name)` is \(number)",
                row: row,
                field: name
            )
        case (.string, .string(let text))
        where text.utf8.count > AttributeValue.maximumStringByteCount:
            throw VectorStoreError(
                .invalidAttribute,
                "row \(row): attribute `\(name)` has \(text.utf8.count) bytes; the limit is "
                    + "\(AttributeValue.maximumStringByteCount)",
                row: row,
                field: name
            )
        case (let type, let value) where type == value.type:
            return value
        default:
            break
        }
        throw VectorStoreError(
            .invalidAttribute,
            "row \(row): attribute `\(name)` is declared \(declared.rawValue), the value is "
                + value.type.rawValue,
            row: row,
            field: name
        )
    }

    private func prefix(_ row: Int?) -> String {
        row.map { "row \($0): " } ?? ""
    }
}

extension StoredRow {
    /// About the bytes that the row takes in the log.
    var logByteCount: Int {
        var count = 64 + vector.count * 4 + partition.utf8.count + (payload?.count ?? 0)
        for value in attributes {
            if case .string(let text)? = value { count += text.utf8.count }
            count += 10
        }
        return count + 260
    }
}

extension RecordCheck {
    /// Patches with their names and values checked.
    func patches(_ patches: [RecordPatch]) throws(VectorStoreError) -> [CheckedPatch] {
        try checkCount(patches.count)
        var seen: Set<RecordID> = []
        var checked: [CheckedPatch] = []
        for (row, patch) in patches.enumerated() {
            try check(id: patch.id, row: row)
            if let newID = patch.newID { try check(id: newID, row: row) }
            let ids = patch.newID.map { $0 == patch.id ? [$0] : [patch.id, $0] } ?? [patch.id]
            for id in ids where !seen.insert(id).inserted {
                throw VectorStoreError(
                    .duplicateID,
                    "row \(row): id \(id) is named twice in the batch",
                    row: row,
                    field: "id"
                )
            }
            if let payload = patch.payload { try check(payload: payload, row: row) }
            var attributes: [(column: Int, value: AttributeValue?)] = []
            for (name, value) in patch.attributes {
                let column = try column(name, row: row)
                let value = try value.map { value throws(VectorStoreError) in
                    try self.checked(value, name: name, row: row)
                }
                attributes.append((column, value))
            }
            checked.append(
                CheckedPatch(
                    id: patch.id,
                    attributes: attributes,
                    payload: patch.payload,
                    partition: try patch.partition.map { name throws(VectorStoreError) in
                        try partition(name, row: row)
                    },
                    newID: patch.newID
                )
            )
        }
        return checked
    }
}

/// A patch whose names and values were checked.
struct CheckedPatch: Sendable {
    var id: RecordID
    /// Column and value; nil removes the value.
    var attributes: [(column: Int, value: AttributeValue?)]
    var payload: [UInt8]??
    var partition: String?
    var newID: RecordID?
}
