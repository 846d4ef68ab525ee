package import StorageIO

/// Reads the log files that a manifest lists, oldest first.
package struct LogReplay {
    private let fileSystem: any FileSystem
    private let directory: String
    private let storeUUID: [UInt8]

    /// What was read.
    package struct Summary: Sendable {
        /// The last LSN in the files; 0 when there are none.
        package var lastLSN: UInt64 = 0
        package var batchCount = 0
        package var operationCount = 0
        package var discardedByteCount: UInt64 = 0
        /// Whether the last file was sealed, or there is none.
        package var isSealed = true
        package var lastFile: LogFileSummary?
    }

    package init(fileSystem: any FileSystem, directory: String, storeUUID: [UInt8]) {
        self.fileSystem = fileSystem
        self.directory = directory
        self.storeUUID = storeUUID
    }

    /// - Parameters:
    ///   - files: Sequence numbers, in order.
    ///   - lsn: Groups whose changes are all at or before this LSN are passed over.
    ///   - makesDurable: Whether an open end is synced, so that a successor may vouch for it. Not where
    ///     nothing is written after.
    ///   - knownWrites: Takes what was done under an id, also in groups that are passed over.
    ///   - body: Takes the first LSN and the changes of each other group.
    package func replay(
        files: [UInt64],
        after lsn: UInt64,
        makesDurable: Bool = true,
        knownWrites: ([KnownWrite]) -> Void = { _ in },
        _ body: (UInt64, [LogOperation]) throws(LoadError) -> Void
    ) throws(LoadError) -> Summary {
        var summary = Summary()
        var current = try files.first.map { sequence throws(LoadError) in try reader(sequence) }
        if let first = current, first.header.firstLSN > lsn + 1 {
            throw .corruption(
                .logDamaged(
                    file: first.fileName,
                    offset: UInt64(LogHeaderLayout.firstLSN),
                    reason: "the log begins at LSN \(first.header.firstLSN), the manifest needs "
                        + "\(lsn + 1)"
                )
            )
        }
        for index in files.indices {
            guard let file = current else { break }
            let next = index + 1 < files.count ? try header(files[index + 1]) : nil
            let end = try file.read(successor: next, knownWrites: knownWrites) {
                frame throws(LoadError) in
                let last = frame.firstLSN + UInt64(frame.operationCount) - 1
                guard last > lsn else { return }
                let operations: [LogOperation]
                do throws(CorruptionError) {
                    operations = try file.operations(of: frame)
                } catch {
                    throw .corruption(error)
                }
                summary.batchCount += 1
                summary.operationCount += operations.count
                try body(frame.firstLSN, operations)
            }
            summary.lastLSN = max(summary.lastLSN, end.summary.lastLSN)
            summary.discardedByteCount += end.discardedByteCount
            summary.isSealed = end.isSealed
            summary.lastFile = end.summary
            if let next, next.firstLSN != end.summary.lastLSN + 1 {
                throw .corruption(
                    .logDamaged(
                        file: "wal/" + LogFile.name(sequence: next.sequence),
                        offset: UInt64(LogHeaderLayout.firstLSN),
                        reason: "the file begins at LSN \(next.firstLSN), the one before "
                            + "ends at \(end.summary.lastLSN)"
                    )
                )
            }
            if makesDurable, next == nil, !end.isSealed { try file.synchronize() }
            current = next == nil ? nil : try reader(files[index + 1])
        }
        return summary
    }

    private func header(_ sequence: UInt64) throws(LoadError) -> LogHeader {
        try LogReader.header(
            fileSystem: fileSystem,
            directory: directory,
            storeUUID: storeUUID,
            sequence: sequence
        )
    }

    private func reader(_ sequence: UInt64) throws(LoadError) -> LogReader {
        try LogReader(
            fileSystem: fileSystem,
            directory: directory,
            storeUUID: storeUUID,
            sequence: sequence
        )
    }
}
