import StorageIO

/// Which known writes the frames of a file tell of.
///
/// One whose LSN is not reached yet was written ahead of its group and holds when the group follows: the
/// two frames were written with one call, of which a crash may have kept the first alone.
struct WritesAhead {
    private var waiting: [KnownWrite] = []

    /// - Returns: The writes that are known to be done with this frame.
    mutating func taking(
        _ frame: LogFrame,
        of file: LogReader
    ) throws(CorruptionError) -> [KnownWrite] {
        guard waiting.isEmpty else {
            let lsn = frame.firstLSN + UInt64(frame.operationCount) - 1
            guard frame.type == .batch, waiting.allSatisfy({ $0.receipt.lsn == lsn }) else {
                throw .logDamaged(
                    file: file.fileName,
                    offset: frame.offset,
                    reason: "writes up to LSN \(waiting[0].receipt.lsn) are announced, but no "
                        + "group that ends there follows"
                )
            }
            defer { waiting = [] }
            return waiting
        }
        guard frame.type == .knownWrites else { return [] }
        let knownWrites = try file.knownWrites(of: frame)
        waiting = knownWrites.filter { $0.receipt.lsn >= frame.firstLSN }
        return knownWrites.filter { $0.receipt.lsn < frame.firstLSN }
    }
}
