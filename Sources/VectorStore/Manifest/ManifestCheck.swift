// What no store can have published, though the checksum is right.
//
// Numbers are counted on from, and names and ids are keys: a manifest that breaks this is refused where it
// is read, so that nothing behind has to doubt it.

import StorageIO

extension ByteReader {
    /// Reads a number that the store counts on from; the bound leaves room for that.
    mutating func readCounter(_ field: String) throws(CorruptionError) -> UInt64 {
        let start = offset
        let number: UInt64 = try read()
        guard number < NumberedName.limit else {
            throw invalid(field, found: String(number), expected: "below 2^62", at: start)
        }
        return number
    }

    /// Refuses keys of which one comes twice.
    func requireDistinct(
        _ field: String,
        _ keys: some Sequence<some Hashable>
    ) throws(CorruptionError) {
        var seen: Set<AnyHashable> = []
        for key in keys where !seen.insert(AnyHashable(key)).inserted {
            throw invalid(field, found: "\(key) twice", expected: "each once")
        }
    }
}

extension Manifest {
    /// Refuses collections and segments that cannot stand beside each other.
    func checkKeys(at reader: ByteReader) throws(CorruptionError) {
        try reader.requireDistinct("collection id", collections.map(\.id))
        try reader.requireDistinct("collection", collections.map(\.configuration.name))
        for entry in collections {
            try reader.requireDistinct(
                "attribute of \(entry.configuration.name)",
                entry.configuration.attributes.map(\.name)
            )
        }
        try reader.requireDistinct("segment", segments.map(\.description.segmentID))
        try reader.requireDistinct("index generation", centroidSets.map(\.generation))
        try reader.requireDistinct("log file", logFiles.map(\.sequence))
    }
}
