// Opening a store.
//
// lock → manifest → files it names → log replay → new log file → one manifest → flush of what was
// replayed → leftovers removed; the part that writes is `RecoveryCompletion`. Nothing is deleted or cut before the new manifest is durable, so a
// crash at any point leaves either the old state or the new one, and opening again does the same work.
//
// What was replayed is written to segments, new files with pages of their own: after a crash the page
// cache may hold log bytes that the disk does not (see fsync(2) and the decision on fail-stop).

package import StorageIO

/// Opens one directory as a store.
package struct StoreOpening {
    package let fileSystem: any FileSystem
    package let paths: StorePaths
    package let options: StoreOptions

    package init(fileSystem: any FileSystem, root: String, options: StoreOptions) {
        self.fileSystem = fileSystem
        paths = StorePaths(root: root)
        self.options = options
    }

    package func open() throws(VectorStoreError) -> StoreCore {
        let isNew = try prepareDirectory()
        let lock = try takeLock()
        do throws(VectorStoreError) {
            if isNew { try createStore() }
            return try openLocked(lock)
        } catch {
            lock.release()
            throw error
        }
    }

    // MARK: - The directory

    /// - Returns: Whether the store has yet to be created.
    private func prepareDirectory() throws(VectorStoreError) -> Bool {
        guard
            let status = try io({ () throws(StorageIOError) in try fileSystem.status(paths.root) })
        else {
            guard options.createIfMissing else {
                throw VectorStoreError(
                    .notAStore,
                    "there is no store at \(paths.root); create one first"
                )
            }
            try io { () throws(StorageIOError) in try fileSystem.createDirectory(paths.root) }
            return true
        }
        guard status.kind == .directory else {
            throw VectorStoreError(.notAStore, "\(paths.root) is not a directory")
        }
        let names = try io { () throws(StorageIOError) in try fileSystem.list(paths.root) }
        if names.contains(where: { ManifestFile.number(ofName: $0) != nil }) { return false }
        try checkUnfinished(names)
        guard options.createIfMissing else {
            throw VectorStoreError(
                .notAStore,
                "\(paths.root) holds no store; create one first"
            )
        }
        return true
    }

    /// A directory without a manifest becomes a store only when it holds nothing but what a creation
    /// that was cut short leaves.
    private func checkUnfinished(_ names: [String]) throws(VectorStoreError) {
        for name in names
        where !name.hasPrefix(".tmp-") && name != "LOCK" && name != DiskSpace.ballastName {
            guard ["wal", "seg", "idx"].contains(name) else {
                throw VectorStoreError(
                    .notAStore,
                    "\(paths.root) is not a store: it holds \(name) and no manifest; choose an "
                        + "empty or new directory"
                )
            }
            let inside = try io { () throws(StorageIOError) in
                try fileSystem.list(paths.root + "/" + name)
            }
            if let file = inside.first(where: { !$0.hasPrefix(".tmp-") }) {
                throw VectorStoreError(
                    .corrupt,
                    "\(paths.root) holds \(name)/\(file) but no manifest: the manifests are "
                        + "missing. Restore the directory from a backup; nothing was changed"
                )
            }
        }
    }

    private func takeLock() throws(VectorStoreError) -> any StorageLock {
        do throws(StorageIOError) {
            return try fileSystem.lockExclusively(paths.lock)
        } catch {
            guard error.isWouldBlock else { throw VectorStoreError(io: error) }
            let owner = fileSystem.lockOwner(paths.lock) ?? "an unknown process"
            throw VectorStoreError(
                .storeLocked,
                "the store at \(paths.root) is open for writing elsewhere (\(owner)); stop that "
                    + "process or use its socket",
                cause: error
            )
        }
    }

    private func createStore() throws(VectorStoreError) {
        try io { () throws(StorageIOError) in
            for directory in [paths.logs, paths.segments, paths.indexes] {
                // What an earlier attempt left may be in the cache alone, if its sync failed, and a
                // sync now would not bring it to the disk: its names are made anew.
                if try fileSystem.status(directory) != nil {
                    for name in try fileSystem.list(directory) {
                        try fileSystem.remove(directory + "/" + name)
                    }
                    try fileSystem.removeDirectory(directory)
                }
                try fileSystem.createDirectory(directory)
            }
            try fileSystem.synchronizeDirectory(paths.root)
            try fileSystem.synchronizeDirectory(StorePaths.parent(of: paths.root))
            try ManifestFile.publish(
                Manifest(storeUUID: StoreIdentity.random()),
                in: paths.root,
                fileSystem: fileSystem
            )
        }
    }

    // MARK: - Under the lock

    private func openLocked(_ lock: any StorageLock) throws(VectorStoreError) -> StoreCore {
        var manifest = try believing { () throws(LoadError) in
            try ManifestFile.loadNewest(in: paths.root, fileSystem: fileSystem)
        }
        let collections = try believing { () throws(LoadError) in
            try StoreLoader(
                fileSystem: fileSystem,
                paths: paths,
                manifest: manifest,
                recallInterval: options.liveRecallInterval
            ).loadCollections()
        }
        let numbers = try io { () throws(StorageIOError) in try numbersInUse(manifest) }
        manifest.nextSegmentID = numbers.segment
        manifest.nextGeneration = numbers.generation
        let recovery = LogRecovery(
            fileSystem: fileSystem,
            paths: paths,
            options: options,
            manifest: manifest
        )
        let replay = try believing { () throws(LoadError) in
            try recovery.replay(into: collections)
        }
        let log = try io { () throws(StorageIOError) in
            try LogFile.unwritable(
                fileSystem.open(
                    paths.root + "/" + ManifestFile.name(number: manifest.number),
                    .read
                ),
                storeUUID: manifest.storeUUID,
                sequence: 0,
                lastLSN: replay.lastLSN
            )
        }
        let writing = WritingState(
            manifest: manifest,
            log: log,
            lastLSN: replay.lastLSN,
            knownWrites: replay.knownWrites,
            logIsSpent: true
        )
        let core = StoreCore(
            fileSystem: fileSystem,
            paths: paths,
            storeUUID: manifest.storeUUID,
            options: options,
            directoryLock: lock,
            writing: writing,
            collections: Array(collections.values)
        )
        core.recoveryReport = replay.report
        let completion = RecoveryCompletion(core: core, outcome: replay)
        core.space.noteBallast()
        do throws(VectorStoreError) {
            try core.space.spendingBallast { () throws(VectorStoreError) in try completion.run() }
        } catch {
            // A full disk does not keep a store from being searched.
            guard error.code == .diskFull, core.poison == nil else { throw error }
            core.completeLater { [weak core] () throws(VectorStoreError) in
                guard let core else { return }
                try RecoveryCompletion(core: core, outcome: replay).run()
            }
        }
        return core
    }

    /// Numbers above every one that a manifest or a file name, finished or left over, has used.
    private func numbersInUse(
        _ manifest: Manifest
    ) throws(StorageIOError) -> (segment: UInt64, generation: UInt64) {
        func next(
            _ start: UInt64,
            _ directory: String,
            suffix: String
        ) throws(StorageIOError) -> UInt64 {
            let used = try fileSystem.list(directory).compactMap {
                NumberedName.parse($0, suffix: suffix)
            }
            return max(start, (used.max() ?? 0) + 1)
        }
        return (
            try next(manifest.nextSegmentID, paths.segments, suffix: ".seg"),
            try next(manifest.nextGeneration, paths.indexes, suffix: ".cent")
        )
    }

    /// The lock on a store that exists, for reading all of it undisturbed.
    func lockExisting() throws(VectorStoreError) -> any StorageLock {
        if try prepareDirectory() {
            throw VectorStoreError(.notAStore, "there is no store at \(paths.root)")
        }
        return try takeLock()
    }

    private func io<R>(
        _ body: () throws(StorageIOError) -> R
    ) throws(VectorStoreError) -> R {
        do throws(StorageIOError) {
            return try body()
        } catch {
            throw VectorStoreError(io: error)
        }
    }

    private func believing<R>(
        _ body: () throws(LoadError) -> R
    ) throws(VectorStoreError) -> R {
        do throws(LoadError) {
            return try body()
        } catch {
            throw VectorStoreError(load: error)
        }
    }
}
