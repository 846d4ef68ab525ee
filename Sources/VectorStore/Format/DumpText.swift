import StorageIO

/// Lines of an annotated dump: offset, field, value.
struct DumpText {
    private(set) var text = ""

    mutating func line(_ offset: UInt64, _ field: String, _ value: String) {
        let number = String(offset)
        text += String(repeating: " ", count: max(0, 12 - number.count)) + number + "  "
        text += field + String(repeating: " ", count: max(0, 28 - field.count)) + "  " + value
        text += "\n"
    }

    /// Names the damage that ends a dump.
    mutating func damage(_ error: CorruptionError) {
        text += "DAMAGED: " + error.description + "\n"
    }

    /// Reads a number and writes its line.
    @discardableResult
    mutating func number<T: FixedWidthInteger>(
        _ field: String,
        _ reader: inout ByteReader,
        as type: T.Type = T.self
    ) throws(CorruptionError) -> T {
        let offset = reader.offset
        let value: T = try reader.read()
        line(offset, field, String(value))
        return value
    }

    @discardableResult
    mutating func string(
        _ field: String,
        _ reader: inout ByteReader
    ) throws(CorruptionError) -> String {
        let offset = reader.offset
        let value = try reader.readString()
        line(offset, field, "\"" + value + "\"")
        return value
    }

    mutating func checksum(
        _ field: String,
        _ reader: inout ByteReader
    ) throws(CorruptionError) {
        let offset = reader.offset
        line(offset, field, "0x" + String(try reader.read(UInt32.self), radix: 16))
    }

    mutating func bytes(
        _ field: String,
        count: Int,
        _ reader: inout ByteReader
    ) throws(CorruptionError) {
        let offset = reader.offset
        let bytes = try reader.readBytes(count: count)
        line(
            offset,
            field,
            bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        )
    }

    /// Dumps `bytes` by `body`, up to the damage if there is any.
    static func make(
        _ bytes: [UInt8],
        file: String,
        _ body: (inout DumpText, inout ByteReader) throws(CorruptionError) -> Void
    ) -> String {
        var dump = DumpText()
        bytes.withUnsafeBytes { buffer in
            var reader = ByteReader(buffer, file: file)
            do throws(CorruptionError) {
                try body(&dump, &reader)
            } catch {
                dump.damage(error)
            }
        }
        return dump.text
    }

    /// Magic and version of a file of ours.
    mutating func head(_ reader: inout ByteReader, magic: UInt64) throws(CorruptionError) {
        let found: UInt64 = try reader.read()
        guard found == magic else {
            throw .badMagic(file: reader.fileName, offset: 0, expected: magic, found: found)
        }
        line(0, "magic", "0x" + String(found, radix: 16))
        try number("major version", &reader, as: UInt16.self)
        try number("minor version", &reader, as: UInt16.self)
    }

    /// The last four bytes against what they should be.
    mutating func trailer(_ bytes: [UInt8], _ reader: inout ByteReader) throws(CorruptionError) {
        let offset = reader.offset
        let stored: UInt32 = try reader.read()
        let computed = CRC32C.checksum(Array(bytes[..<Int(offset)]))
        guard stored == computed else {
            throw .checksumMismatch(
                file: reader.fileName,
                offset: offset,
                expected: computed,
                found: stored
            )
        }
        line(offset, "checksum", "0x" + String(stored, radix: 16) + ", right")
        guard reader.remaining == 0 else {
            throw reader.invalid(
                "length",
                found: "\(reader.remaining) bytes more",
                expected: "the end"
            )
        }
    }
}
