import StorageIO

/// An annotated dump of a tombstone file, for people.
struct TombstoneDump {
    /// The whole file.
    let bytes: [UInt8]
    /// Its name, for messages.
    let name: String

    var text: String { Self.text(bytes, file: name) }

    private static func text(_ bytes: [UInt8], file: String) -> String {
        DumpText.make(bytes, file: file) { (dump, reader) throws(CorruptionError) in
            try dump.head(&reader, magic: TombstoneLayout.magicValue)
            try dump.number("features", &reader, as: UInt32.self)
            try dump.bytes("store uuid", count: 16, &reader)
            try dump.number("segment", &reader, as: UInt64.self)
            try dump.number("LSN", &reader, as: UInt64.self)
            let rows: UInt64 = try dump.number("rows", &reader)
            try dump.number("hidden rows", &reader, as: UInt64.self)
            let (start, words) = (reader.offset, rows / 64 + (rows % 64 == 0 ? 0 : 1))
            guard words <= UInt64(reader.remaining / 8) else {
                throw reader.invalid(
                    "bitmap",
                    found: "\(reader.remaining) bytes",
                    expected: "\(words) words"
                )
            }
            var count = 0
            for _ in 0..<words { count += try reader.read(UInt64.self).nonzeroBitCount }
            dump.line(start, "bitmap", "\(words) words, \(count) bits set")
            try dump.trailer(bytes, &reader)
        }
    }
}
