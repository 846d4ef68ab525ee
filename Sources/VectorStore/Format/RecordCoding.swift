// How ids, attribute values and rows are written in logs and segments.

import StorageIO

extension RecordID {
    private static let stringTag: UInt8 = 1
    private static let integerTag: UInt8 = 2
    private static let uuidTag: UInt8 = 3

    /// Tag, then: string, UInt8 count and UTF-8; integer, UInt64; UUID, 16 bytes in text order.
    package func encode(into writer: inout ByteWriter) {
        switch self {
        case .string(let text):
            writer.write(Self.stringTag)
            writer.write(UInt8(text.utf8.count))
            writer.write(raw: Array(text.utf8))
        case .integer(let number):
            writer.write(Self.integerTag)
            writer.write(number)
        case .uuid(let uuid):
            writer.write(Self.uuidTag)
            writer.write(uuid.high.byteSwapped)
            writer.write(uuid.low.byteSwapped)
        }
    }

    package init(from reader: inout ByteReader) throws(CorruptionError) {
        let start = reader.offset
        switch try reader.read(UInt8.self) {
        case Self.stringTag:
            let count = try reader.read(UInt8.self)
            guard count > 0 else {
                throw reader.invalid("id", found: "no bytes", expected: "1 to 255", at: start)
            }
            self = .string(try reader.readString(count: Int(count)))
        case Self.integerTag: self = .integer(try reader.read())
        case Self.uuidTag:
            let high: UInt64 = try reader.read()
            let low: UInt64 = try reader.read()
            self = .uuid(RecordUUID(high: high.byteSwapped, low: low.byteSwapped))
        case let tag:
            throw reader.invalid("id tag", found: String(tag), expected: "1 to 3", at: start)
        }
    }

    /// The encoded bytes.
    package var encoded: [UInt8] {
        var writer = ByteWriter()
        encode(into: &writer)
        return writer.bytes
    }

    /// A 64-bit hash of the encoded bytes, part of the format: FNV-1a, then the finaliser of
    /// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), which spreads the low bits.
    package var stableHash: UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func mix(_ byte: UInt8) {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
        }
        switch self {
        case .string(let text):
            mix(Self.stringTag)
            mix(UInt8(truncatingIfNeeded: text.utf8.count))
            for byte in text.utf8 { mix(byte) }
        case .integer(let number):
            mix(Self.integerTag)
            withUnsafeBytes(of: number.littleEndian) { for byte in $0 { mix(byte) } }
        case .uuid(let uuid):
            mix(Self.uuidTag)
            withUnsafeBytes(of: uuid.high.bigEndian) { for byte in $0 { mix(byte) } }
            withUnsafeBytes(of: uuid.low.bigEndian) { for byte in $0 { mix(byte) } }
        }
        hash = (hash ^ (hash >> 30)) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ (hash >> 27)) &* 0x94D0_49BB_1331_11EB
        return hash ^ (hash >> 31)
    }
}

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
                "attribute tag", found: String(tag), expected: "0 to 4", at: start)
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
                collection: collection, change: .delete(try RecordID(from: &reader)))
        case LogOperationTag.upsert:
            self.init(
                collection: collection, change: .upsert(try StoredRow(from: &reader)))
        default:
            throw reader.invalid(
                "operation tag", found: String(tag), expected: "1 or 2", at: start)
        }
    }
}

extension StoredRow {
    fileprivate init(from reader: inout ByteReader) throws(CorruptionError) {
        let id = try RecordID(from: &reader)
        let partition = try reader.readString()
        let dimension: UInt32 = try reader.read()
        let vector = try reader.readFloats(count: Int(dimension))
        let attributeCount: UInt32 = try reader.read()
        guard attributeCount <= UInt32(CollectionConfiguration.maximumAttributeCount) else {
            throw reader.invalid(
                "attribute count", found: String(attributeCount),
                expected: "at most \(CollectionConfiguration.maximumAttributeCount)")
        }
        var attributes: [AttributeValue?] = []
        for _ in 0..<attributeCount {
            attributes.append(try AttributeValue.decode(from: &reader))
        }
        let payloadCount: UInt32 = try reader.read()
        let payload =
            payloadCount == .max ? nil : try reader.readBytes(count: Int(payloadCount))
        self.init(
            id: id, partition: partition, vector: vector, attributes: attributes,
            payload: payload)
    }
}
