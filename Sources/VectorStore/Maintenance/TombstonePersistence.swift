import StorageIO

/// Makes tombstones durable as new files; nothing names them yet.
struct TombstonePersistence {
    let core: StoreCore

    func write(
        _ tombstones: TombstoneSet,
        of segment: Segment,
        lsn: UInt64
    ) throws(VectorStoreError) -> Manifest.TombstoneEntry {
        do throws(StorageIOError) {
            return try TombstoneFile.write(
                tombstones,
                rowCount: segment.rowCount,
                segmentID: segment.segmentID,
                lsn: lsn,
                storeUUID: core.storeUUID,
                directory: core.paths.segments,
                fileSystem: core.fileSystem
            )
        } catch {
            throw core.failed(error)
        }
    }

    /// Writes the tombstones of every segment whose durable ones are behind.
    func writeChanged(
        in live: LiveSet
    ) throws(VectorStoreError) -> [UInt64: Manifest.TombstoneEntry] {
        var entries: [UInt64: Manifest.TombstoneEntry] = [:]
        for view in live.segments
        where view.tombstones.count != (view.persistedTombstones.map { Int($0.count) } ?? 0) {
            entries[view.segment.segmentID] = try write(
                view.tombstones,
                of: view.segment,
                lsn: live.lsn
            )
        }
        return entries
    }
}

extension StoreCore {
    /// The public form of a disk failure outside the log: a full disk and a failed read leave the
    /// store as it is, a failed sync stops it.
    func failed(_ error: StorageIOError) -> VectorStoreError {
        if error.operation == .synchronize { poison(because: error) }
        return VectorStoreError(io: error)
    }
}
