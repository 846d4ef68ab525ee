// How attribute values and rows are written in logs and segments.

import StorageIO

extension AttributeValue {
    /// Tag (0 none, 1 string, 2 int64, 3 double, 4 bool), then the value.
    static func encode(_ value: AttributeValue?, into writer: inout ByteWriter) {
        switch value {
        case nil: writer.write(UInt8(0))
        case .string(let text):
            writer.write(UInt8(1))
            writer.write(string: text)
        case .int64(let number):
            writer.write(UInt8(2))
            writer.write(number)
        case .double(let number):
            writer.write(UInt8(3))
            writer.write(number)
        case .bool(let flag):
            writer.write(UInt8(4))
            writer.write(UInt8(flag ? 1 : 0))
        }
    }

    static func decode(from reader: inout ByteReader) throws(CorruptionError) -> AttributeValue? {
        let start = reader.offset
        switch try reader.read(UInt8.self) {
        case 0: return nil
        case 1: return .string(try reader.readString())
        case 2: return .int64(try reader.read())
        case 3: return .double(try reader.readDouble())
        case 4:
            let flag: UInt8 = try reader.read()
            guard flag <= 1 else {
                throw reader.invalid("bool", found: String(flag), expected: "0 or 1", at: start)
            }
            return .bool(flag == 1)
        case let tag:
            throw reader.invalid(
                "attribute tag",
                found: String(tag),
                expected: "0 to 4",
                at: start
            )
        }
    }
}

extension LogOperation {
    /// Tag, collection, id; an upsert goes on with partition, vector, attributes and payload.
    func encode(into writer: inout ByteWriter) {
        switch change {
        case .delete(let id):
            writer.write(LogOperationTag.delete)
            writer.write(collection)
            id.encode(into: &writer)
        case .upsert(let row):
            writer.write(LogOperationTag.upsert)
            writer.write(collection)
            row.id.encode(into: &writer)
            writer.write(string: row.partition)
            writer.write(UInt32(row.vector.count))
            writer.write(floats: row.vector)
            writer.write(UInt32(row.attributes.count))
            for value in row.attributes { AttributeValue.encode(value, into: &writer) }
            guard let payload = row.payload else { return writer.write(UInt32.max) }
            writer.write(UInt32(payload.count))
            writer.write(raw: payload)
        }
    }

    init(from reader: inout ByteReader) throws(CorruptionError) {
        let start = reader.offset
        let tag: UInt8 = try reader.read()
        let collection: UInt32 = try reader.read()
        switch tag {
        case LogOperationTag.delete:
            self.init(
                collection: collection,
                change: .delete(try RecordID.decode(from: &reader))
            )
        case LogOperationTag.upsert:
            self.init(
                collection: collection,
                change: .upsert(try StoredRow(from: &reader))
            )
        default:
            throw reader.invalid(
                "operation tag",
                found: String(tag),
                expected: "1 or 2",
                at: start
            )
        }
    }
}

extension StoredRow {
    fileprivate init(from reader: inout ByteReader) throws(CorruptionError) {
        let id = try RecordID.decode(from: &reader)
        let partition = try reader.readString()
        let dimension: UInt32 = try reader.read()
        let vector = try reader.readFloats(count: Int(dimension))
        let attributeCount: UInt32 = try reader.read()
        guard attributeCount <= UInt32(CollectionConfiguration.maximumAttributeCount) else {
            throw reader.invalid(
                "attribute count",
                found: String(attributeCount),
                expected: "at most \(CollectionConfiguration.maximumAttributeCount)"
            )
        }
        var attributes: [AttributeValue?] = []
        for _ in 0..<attributeCount {
            attributes.append(try AttributeValue.decode(from: &reader))
        }
        let payloadCount: UInt32 = try reader.read()
        let payload =
            payloadCount == .max ? nil : try reader.readBytes(count: Int(payloadCount))
        self.init(
            id: id,
            partition: partition,
            vector: vector,
            attributes: attributes,
            payload: payload
        )
    }
}
