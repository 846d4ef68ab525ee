import StorageIO

/// Begins new log files.
///
/// A new file is made durable, then named by a manifest, then written to: a listed file that is
/// missing is damage, and an unlisted one holds nothing but known writes that the others hold too.
struct LogRotation {
    let core: StoreCore

    func rotateIfNeeded(_ state: inout WritingState) throws(VectorStoreError) {
        guard state.logIsSpent || state.log.ownByteCount >= UInt64(core.options.logFileByteCount)
        else { return }
        try rotate(&state)
    }

    func rotate(_ state: inout WritingState) throws(VectorStoreError) {
        if !state.logIsSpent {
            do throws(StorageIOError) {
                try state.log.seal()
            } catch {
                if error.isNoSpace, error.operation != .synchronize {
                    state.logIsSpent = true
                } else {
                    core.poison(because: error)
                }
                throw VectorStoreError(io: error)
            }
        }
        let sequence = state.manifest.nextLogSequence
        let created: LogFile
        do throws(StorageIOError) {
            created = try LogFile.create(
                fileSystem: core.fileSystem,
                directory: core.paths.logs,
                storeUUID: core.storeUUID,
                sequence: sequence,
                firstLSN: state.lastLSN + 1,
                predecessor: state.log.summary,
                knownWrites: state.knownWrites.all
            )
        } catch {
            if error.leavesDiskUnknown { core.poison(because: error) }
            abandon(sequence, &state)
            throw VectorStoreError(io: error)
        }
        let entry = Manifest.LogEntry(sequence: sequence, firstLSN: state.lastLSN + 1)
        do throws(VectorStoreError) {
            try Publication(core: core).publish(&state) { manifest in
                manifest.logFiles.append(entry)
                manifest.nextLogSequence = sequence + 1
                manifest.dropFlushedLogs()
            }
        } catch {
            abandon(sequence, &state)
            throw error
        }
        state.log = created
        state.logIsSpent = false
    }

    /// Gives up a new file that no manifest names: its number is not used again, and its bytes are
    /// given back, so that attempts on a full disk do not fill it further.
    private func abandon(_ sequence: UInt64, _ state: inout WritingState) {
        state.logIsSpent = true
        state.manifest.nextLogSequence = sequence + 1
        guard core.poison == nil else { return }
        ObsoleteFiles(fileSystem: core.fileSystem, paths: core.paths)
            .removeUnnamed(core.paths.logs + "/" + LogFile.name(sequence: sequence))
    }
}
