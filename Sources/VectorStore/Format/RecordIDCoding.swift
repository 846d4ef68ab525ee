// How a record's id is written: a tag, then the value.
//
//   tag 1  string   u8 byte count (1…255), UTF-8
//   tag 2  integer  u64, little-endian
//   tag 3  uuid     16 bytes, most significant first (RFC 9562)
//
// Log, segments and cursors share these bytes and the hash over them; both are frozen.

package import StorageIO

/// The tags of the kinds of ids.
///
/// A retired tag keeps its line.
enum RecordIDTag {
    static let string: UInt8 = 1
    static let integer: UInt8 = 2
    static let uuid: UInt8 = 3
}

extension RecordID {
    /// Appends the id's bytes.
    ///
    /// - Precondition: a string id has at most 255 bytes; checked when a batch is accepted.
    package func encode(into writer: inout ByteWriter) {
        switch self {
        case .string(let text):
            precondition(text.utf8.count <= RecordID.maximumStringByteCount)
            writer.write(RecordIDTag.string)
            writer.write(UInt8(text.utf8.count))
            writer.bytes.append(contentsOf: text.utf8)
        case .integer(let number):
            writer.write(RecordIDTag.integer)
            writer.write(number)
        case .uuid(let uuid):
            writer.write(RecordIDTag.uuid)
            writer.write(uuid.high.byteSwapped)
            writer.write(uuid.low.byteSwapped)
        }
    }

    /// The id that fills these bytes; nil when they are none, of which a reader tells more.
    static func decode(_ bytes: UnsafeRawBufferPointer) -> RecordID? {
        guard let tag = bytes.first else { return nil }
        switch tag {
        case RecordIDTag.integer where bytes.count == 9:
            return .integer(
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 1, as: UInt64.self))
            )
        case RecordIDTag.uuid where bytes.count == 17:
            let high = bytes.loadUnaligned(fromByteOffset: 1, as: UInt64.self)
            let low = bytes.loadUnaligned(fromByteOffset: 9, as: UInt64.self)
            return .uuid(RecordUUID(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low)))
        case RecordIDTag.string where bytes.count > 2 && Int(bytes[1]) == bytes.count - 2:
            let text = UnsafeRawBufferPointer(rebasing: bytes[2...])
            return String(validating: text, as: UTF8.self).map { .string($0) }
        default:
            return nil
        }
    }

    /// Reads one id and moves past it.
    package static func decode(from reader: inout ByteReader) throws(CorruptionError) -> RecordID {
        let start = reader.offset
        let tag: UInt8 = try reader.read()
        switch tag {
        case RecordIDTag.string:
            let count: UInt8 = try reader.read()
            guard count > 0 else {
                throw reader.invalid("id byte count", found: "0", expected: "1 to 255", at: start)
            }
            return .string(try reader.readString(count: Int(count)))
        case RecordIDTag.integer:
            return .integer(try reader.read())
        case RecordIDTag.uuid:
            let high: UInt64 = try reader.read()
            let low: UInt64 = try reader.read()
            return .uuid(RecordUUID(high: high.byteSwapped, low: low.byteSwapped))
        default:
            throw reader.invalid("id tag", found: String(tag), expected: "1, 2 or 3", at: start)
        }
    }

    /// The bytes that `encode` appends.
    package var encodedBytes: [UInt8] {
        var writer = ByteWriter()
        encode(into: &writer)
        return writer.bytes
    }

    /// A fixed 64-bit hash of the encoded bytes, part of the format and of scan cursors.
    ///
    /// FNV-1a, then the finaliser of MurmurHash3, which spreads it over all bits. It never changes.
    package var stableHash: UInt64 {
        RecordID.stableHash(ofEncoded: encodedBytes)
    }

    static func stableHash(ofEncoded bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        hash = (hash ^ hash >> 33) &* 0xFF51_AFD7_ED55_8CCD
        hash = (hash ^ hash >> 33) &* 0xC4CE_B9FE_1A85_EC53
        return hash ^ hash >> 33
    }
}
