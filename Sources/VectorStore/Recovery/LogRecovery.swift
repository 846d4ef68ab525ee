import StorageIO

/// Applies what the log holds beyond the manifest.
struct LogRecovery {
    let fileSystem: any FileSystem
    let paths: StorePaths
    let options: StoreOptions
    let manifest: Manifest

    struct Outcome {
        var lastLSN: UInt64
        var lastFile: LogFileSummary?
        var report: RecoveryReport
        var knownWrites: KnownWrites
    }

    func replay(
        into collections: [UInt32: CollectionState],
        makesDurable: Bool = true
    ) throws(LoadError) -> Outcome {
        var knownWrites = KnownWrites()
        let summary = try LogReplay(
            fileSystem: fileSystem,
            directory: paths.logs,
            storeUUID: manifest.storeUUID
        ).replay(
            files: manifest.logFiles.map(\.sequence),
            after: manifest.flushedLSN,
            makesDurable: makesDurable,
            knownWrites: { for write in $0 { knownWrites.remember(write) } }
        ) {
            (firstLSN, operations) throws(LoadError) in
            try apply(operations, firstLSN: firstLSN, to: collections)
        }
        let lastLSN = max(summary.lastLSN, manifest.flushedLSN)
        return Outcome(
            lastLSN: lastLSN,
            lastFile: summary.lastFile,
            report: RecoveryReport(
                replayedBatchCount: summary.batchCount,
                replayedOperationCount: summary.operationCount,
                discardedByteCount: summary.discardedByteCount,
                removedFileCount: 0,
                wasClean: summary.isSealed
            ),
            knownWrites: knownWrites
        )
    }

    /// Applies one frame.
    ///
    /// Changes of collections that were dropped since are passed over: ids of collections are never
    /// used again.
    private func apply(
        _ operations: [LogOperation],
        firstLSN: UInt64,
        to collections: [UInt32: CollectionState]
    ) throws(LoadError) {
        var changes: [UInt32: [LocatedChange]] = [:]
        for (index, operation) in operations.enumerated() {
            // What is in segments already, of a frame that is not as a whole.
            guard firstLSN + UInt64(index) > manifest.flushedLSN else { continue }
            guard let live = collections[operation.collection]?.live else { continue }
            let change = operation.change
            if case .upsert(let row) = change { try check(row, against: live.configuration) }
            do throws(CorruptionError) {
                changes[operation.collection, default: []].append(
                    LocatedChange(
                        lsn: firstLSN + UInt64(index),
                        change: change,
                        hides: try live.visibleSegmentRow(of: change.id)
                    )
                )
            } catch {
                throw .corruption(error)
            }
        }
        for (id, changes) in changes {
            guard let last = changes.last else { continue }
            try believing { () throws(CorruptionError) in
                try collections[id]?.live?.checkReadable()
            }
            collections[id]?.apply(changes, lsn: last.lsn)
            if let collection = collections[id] { rotateMemtable(collection) }
        }
    }

    /// A row that a commit of this collection cannot have written is damage.
    private func check(
        _ row: StoredRow,
        against configuration: CollectionConfiguration
    ) throws(LoadError) {
        guard row.vector.count == configuration.dimension,
            row.attributes.count == configuration.attributes.count,
            row.partition.isEmpty == (configuration.partitionKey == nil)
        else {
            throw .corruption(
                .logDamaged(
                    file: "wal",
                    offset: 0,
                    reason: "the row \(row.id) has \(row.vector.count) floats and "
                        + "\(row.attributes.count) attributes, collection \(configuration.name) "
                        + "has dimension \(configuration.dimension) and "
                        + "\(configuration.attributes.count) attributes"
                )
            )
        }
    }

    /// Begins a new memtable when the newest is full, as a commit would.
    private func rotateMemtable(_ collection: CollectionState) {
        guard let live = collection.live, let active = live.memtables.last?.memtable,
            active.byteCount >= options.flushThresholdBytes
                || active.rowCount >= Memtable.maximumRowCount
        else { return }
        collection.replace(
            live.with(memtables: live.memtables + [MemtableView(empty: live.configuration)])
        )
    }
}
