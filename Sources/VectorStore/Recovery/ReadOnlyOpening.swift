// Opening a store for reading, beside the process that writes it.
//
// Takes no lock and changes nothing: manifest → files it names → log replay into memory.

import StorageIO

/// Opens one directory as a store that refuses writes.
struct ReadOnlyOpening {
    let fileSystem: any FileSystem
    let paths: StorePaths
    let options: StoreOptions

    init(fileSystem: any FileSystem, root: String, options: StoreOptions) {
        self.fileSystem = fileSystem
        paths = StorePaths(root: root)
        self.options = options
    }

    func open() throws(VectorStoreError) -> StoreCore {
        let live = LiveManifest(fileSystem: fileSystem, root: paths.root)
        let core: StoreCore = try live.with { (manifest) throws(LoadError) -> StoreCore in
            try self.core(of: manifest)
        }
        core.makeReadOnly()
        return core
    }

    private func core(of manifest: Manifest) throws(LoadError) -> StoreCore {
        let collections = try StoreLoader(fileSystem: fileSystem, paths: paths, manifest: manifest)
            .loadCollections()
        let replay = try LogRecovery(
            fileSystem: fileSystem,
            paths: paths,
            options: options,
            manifest: manifest
        ).replay(into: collections, makesDurable: false)
        let sequence = manifest.logFiles.last?.sequence
        let name =
            sequence.map { paths.logs + "/" + LogFile.name(sequence: $0) }
            ?? paths.root + "/" + ManifestFile.name(number: manifest.number)
        let file = try loading { () throws(StorageIOError) in try fileSystem.open(name, .read) }
        let log = LogFile.unwritable(
            file,
            storeUUID: manifest.storeUUID,
            sequence: sequence ?? 0,
            lastLSN: replay.lastLSN
        )
        let core = StoreCore(
            fileSystem: fileSystem,
            paths: paths,
            storeUUID: manifest.storeUUID,
            options: options,
            directoryLock: NoLock(),
            writing: WritingState(manifest: manifest, log: log, lastLSN: replay.lastLSN),
            collections: Array(collections.values)
        )
        core.recoveryReport = replay.report
        return core
    }
}

/// What a reader holds.
private final class NoLock: StorageLock {
    func release() {}
}
