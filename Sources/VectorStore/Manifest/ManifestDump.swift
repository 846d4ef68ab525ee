import StorageIO

/// An annotated dump of a manifest, for people.
struct ManifestDump {
    /// The whole file.
    let bytes: [UInt8]
    /// Its name, for messages.
    let name: String

    var text: String { Self.text(bytes, file: name) }

    private static func text(_ bytes: [UInt8], file: String) -> String {
        DumpText.make(bytes, file: file) { (dump, reader) throws(CorruptionError) in
            try dump.head(&reader, magic: ManifestLayout.magicValue)
            try dump.number("compatible features", &reader, as: UInt32.self)
            try dump.number("read-only features", &reader, as: UInt32.self)
            try dump.number("incompatible features", &reader, as: UInt32.self)
            try dump.number("bytes", &reader, as: UInt64.self)
            try dump.bytes("store uuid", count: 16, &reader)
            for field in [
                "number", "previous number", "flushed LSN", "next log file", "next segment",
                "next generation",
            ] {
                try dump.number(field, &reader, as: UInt64.self)
            }
            try dump.number("next collection", &reader, as: UInt32.self)
            for _ in 0..<(try dump.number("log files", &reader, as: UInt32.self)) {
                try dump.number("  number", &reader, as: UInt64.self)
                try dump.number("  first LSN", &reader, as: UInt64.self)
            }
            for _ in 0..<(try dump.number("collections", &reader, as: UInt32.self)) {
                try collection(&dump, &reader)
            }
            for _ in 0..<(try dump.number("segments", &reader, as: UInt32.self)) {
                try segment(&dump, &reader)
            }
            for _ in 0..<(try dump.number("centroid sets", &reader, as: UInt32.self)) {
                try dump.number("  generation", &reader, as: UInt64.self)
                try dump.number("  collection", &reader, as: UInt32.self)
                try dump.number("  bytes", &reader, as: UInt64.self)
                try dump.checksum("  checksum", &reader)
            }
            try dump.trailer(bytes, &reader)
        }
    }

    private static func collection(
        _ dump: inout DumpText,
        _ reader: inout ByteReader
    ) throws(CorruptionError) {
        try dump.number("  id", &reader, as: UInt32.self)
        try dump.number("  index generation", &reader, as: UInt64.self)
        try dump.string("  name", &reader)
        try dump.number("  dimension", &reader, as: UInt32.self)
        try dump.string("  metric", &reader)
        try dump.number("  has a partition key", &reader, as: UInt8.self)
        try dump.string("  partition key", &reader)
        for _ in 0..<(try dump.number("  attributes", &reader, as: UInt32.self)) {
            try dump.string("    name", &reader)
            try dump.string("    type", &reader)
        }
    }

    private static func segment(
        _ dump: inout DumpText,
        _ reader: inout ByteReader
    ) throws(CorruptionError) {
        try dump.number("  collection", &reader, as: UInt32.self)
        for field in [
            "  index generation", "  segment", "  bytes", "  rows", "  smallest LSN",
            "  largest LSN",
        ] {
            try dump.number(field, &reader, as: UInt64.self)
        }
        try dump.checksum("  footer checksum", &reader)
        guard try dump.number("  has tombstones", &reader, as: UInt8.self) == 1 else { return }
        try dump.number("    LSN", &reader, as: UInt64.self)
        try dump.number("    bytes", &reader, as: UInt64.self)
        try dump.checksum("    checksum", &reader)
        try dump.number("    hidden rows", &reader, as: UInt64.self)
    }
}
