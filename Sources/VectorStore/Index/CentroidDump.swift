import StorageIO

/// An annotated dump of a centroid file, for people.
struct CentroidDump {
    /// The whole file.
    let bytes: [UInt8]
    /// Its name, for messages.
    let name: String

    var text: String { Self.text(bytes, file: name) }

    private static func text(_ bytes: [UInt8], file: String) -> String {
        DumpText.make(bytes, file: file) { (dump, reader) throws(CorruptionError) in
            try dump.head(&reader, magic: CentroidLayout.magicValue)
            try dump.number("features", &reader, as: UInt32.self)
            try dump.bytes("store uuid", count: 16, &reader)
            try dump.number("generation", &reader, as: UInt64.self)
            try dump.number("collection", &reader, as: UInt32.self)
            try dump.number("dimension", &reader, as: UInt32.self)
            try dump.number("seed", &reader, as: UInt64.self)
            let tables: UInt32 = try dump.number("tables", &reader)
            try dump.number("directory bytes", &reader, as: UInt32.self)
            for _ in 0..<tables { try table(&dump, &reader) }
            let start = reader.offset
            guard reader.remaining >= 4 else {
                throw reader.invalid(
                    "centroids",
                    found: "\(reader.remaining) bytes",
                    expected: "4 or more"
                )
            }
            _ = try reader.readBytes(count: reader.remaining - 4)
            dump.line(start, "centroids", "\(reader.offset - start) bytes with padding")
            try dump.trailer(bytes, &reader)
        }
    }

    private static func table(
        _ dump: inout DumpText,
        _ reader: inout ByteReader
    ) throws(CorruptionError) {
        try dump.number("  flags", &reader, as: UInt32.self)
        try dump.string("  partition", &reader)
        try dump.number("  nlist", &reader, as: UInt32.self)
        try dump.number("  trained rows", &reader, as: UInt64.self)
        try dump.number("  centroids at", &reader, as: UInt64.self)
        for _ in 0..<(try dump.number("  curves", &reader, as: UInt32.self)) {
            try dump.number("    k", &reader, as: UInt32.self)
            for _ in 0..<(try dump.number("    points", &reader, as: UInt32.self)) {
                let offset = reader.offset
                let nprobe: UInt32 = try reader.read()
                let recall = Float(bitPattern: try reader.read(UInt32.self))
                dump.line(offset, "      nprobe \(nprobe)", "recall \(recall)")
            }
        }
    }
}
