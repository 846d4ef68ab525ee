/// Numbers of partitions: one UInt16 a row; a header of UInt32 rows and UInt32 width may go before.
package enum PartitionFile {
    /// Reads the partitions of `count` rows from a `u16bin` file.
    package static func read(_ path: String, count: Int) throws(DatasetError) -> [UInt16] {
        let file = try RawFile(path)
        guard file.format == "u16bin" else {
            throw DatasetError(path, .unknownExtension, "unknown extension; u16bin is read")
        }
        guard count > 0 else { throw DatasetError(path, .zeroRows, "no rows are asked for") }
        let hasHeader = file.byteCount == count * 2 + 8
        if hasHeader {
            let promised = Int(try file.uint32(at: 0))
            guard promised == count else {
                throw DatasetError(
                    path,
                    .sizeMismatch,
                    "the header promises another number of rows",
                    at: 0,
                    expected: count,
                    found: promised
                )
            }
        } else {
            try file.checkByteCount(count * 2, "\(count) rows")
        }
        let bytes = try file.bytes(count * 2, at: hasHeader ? 8 : 0)
        return (0..<count).map { UInt16(bytes[$0 * 2]) | UInt16(bytes[$0 * 2 + 1]) << 8 }
    }

    /// Writes the partitions without a header.
    package static func write(_ partitions: [UInt16], _ path: String) throws(DatasetError) {
        let writer = try DatasetWriter(path)
        try writer.append(partitions)
        try writer.finish()
    }
}
