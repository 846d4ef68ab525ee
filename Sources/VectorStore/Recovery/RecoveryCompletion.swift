// The end of opening a store, which needs space on the disk: a new log file, a manifest that names it,
// segments of what was replayed, and the removal of leftovers.
//
// - Until it is done the store answers searches and takes no write; everything that opening found is
//   in memory, and the files are as they were.
// - It may be repeated: an attempt that failed leaves nothing that the next one minds.

import StorageIO
import Synchronization

struct RecoveryCompletion: Sendable {
    let core: StoreCore
    let outcome: LogRecovery.Outcome

    /// - Throws: `diskFull` when it is worth another attempt later; any other error ends the opening.
    func run() throws(VectorStoreError) {
        if core.writing.withLock({ $0.logIsSpent }) { try beginLog() }
        let obsolete = ObsoleteFiles(fileSystem: core.fileSystem, paths: core.paths)
        // Before the flush, which must not find files that an earlier attempt left half durable.
        sweep(obsolete)
        if outcome.report.replayedOperationCount > 0 {
            for collection in core.collections {
                let flush = Flush(core: core, collection: collection)
                flush.freeze()
                try flush.run()
            }
        }
        sweep(obsolete)
        core.space.makeBallast()
    }

    private func sweep(_ obsolete: ObsoleteFiles) {
        let removed = core.writing.withLock { obsolete.sweep(keeping: $0.manifest) }
        core.recoveryReport.removedFileCount += removed
    }

    /// Makes a new log file and names it in a manifest, before its first frame.
    ///
    /// When nothing was replayed, the old files have done their work.
    private func beginLog() throws(VectorStoreError) {
        try core.writing.withLock { (state) throws(VectorStoreError) in
            let sequence = try nextSequence(after: state.manifest.nextLogSequence)
            let created: LogFile
            do throws(StorageIOError) {
                created = try LogFile.create(
                    fileSystem: core.fileSystem,
                    directory: core.paths.logs,
                    storeUUID: core.storeUUID,
                    sequence: sequence,
                    firstLSN: state.lastLSN + 1,
                    predecessor: outcome.lastFile,
                    knownWrites: state.knownWrites.all
                )
            } catch {
                if error.leavesDiskUnknown { core.poison(because: error) }
                throw VectorStoreError(io: error)
            }
            let entry = Manifest.LogEntry(sequence: sequence, firstLSN: state.lastLSN + 1)
            let lastLSN = state.lastLSN
            do throws(VectorStoreError) {
                try Publication(core: core).publish(&state) { manifest in
                    if outcome.report.replayedOperationCount == 0 {
                        manifest.logFiles = []
                        manifest.flushedLSN = lastLSN
                    }
                    manifest.logFiles.append(entry)
                    manifest.nextLogSequence = sequence + 1
                }
            } catch {
                if core.poison == nil {
                    ObsoleteFiles(fileSystem: core.fileSystem, paths: core.paths)
                        .removeUnnamed(core.paths.logs + "/" + LogFile.name(sequence: sequence))
                }
                throw error
            }
            state.log = created
            state.logIsSpent = false
        }
    }

    /// A number above every one that a file, finished or left over, has used.
    private func nextSequence(after start: UInt64) throws(VectorStoreError) -> UInt64 {
        do throws(StorageIOError) {
            let used = try core.fileSystem.list(core.paths.logs).compactMap {
                NumberedName.parse($0, suffix: ".wal")
            }
            return max(start, (used.max() ?? 0) + 1)
        } catch {
            throw VectorStoreError(io: error)
        }
    }
}
