// Opening a store for reading, beside the process that writes it.
//
// Takes no lock and changes nothing: manifest → files it names → log replay into memory. Following the
// writer is the same once more, with the files that are open already.

import StorageIO
import Synchronization

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

    /// Brings a store that was opened so up to what the writer has done since.
    ///
    /// A search that is under way keeps what it began with.
    ///
    /// - Returns: Whether anything was new.
    func refresh(_ core: StoreCore) throws(VectorStoreError) -> Bool {
        let (seen, lsn) = core.writing.withLock { ($0.manifest.number, $0.lastLSN) }
        var known = StoreLoader.KnownFiles()
        for collection in core.collections {
            guard let live = collection.live else { continue }
            for view in live.segments { known.segments[view.segment.segmentID] = view.segment }
            known.generations.merge(live.generations) { first, _ in first }
        }
        let found = try LiveManifest(fileSystem: fileSystem, root: paths.root).with {
            (manifest) throws(LoadError) in
            let (collections, replay) = try load(manifest, known: known)
            return (manifest, collections, replay)
        }
        let (manifest, collections, replay) = found
        guard manifest.storeUUID == core.storeUUID else {
            throw VectorStoreError(
                .notAStore,
                "\(paths.root) holds another store now; open it anew"
            )
        }
        guard manifest.number != seen || replay.lastLSN != lsn else { return false }
        core.writing.withLock { state in
            state.manifest = manifest
            state.lastLSN = replay.lastLSN
            state.knownWrites = replay.knownWrites
        }
        for old in core.collections where collections[old.id] == nil { core.remove(old) }
        let open = Dictionary(core.collections.map { ($0.id, $0) }) { first, _ in first }
        for (id, collection) in collections {
            if let existing = open[id] {
                existing.replace(collection.live)
            } else {
                core.add(collection)
            }
        }
        return true
    }

    private func load(
        _ manifest: Manifest,
        known: StoreLoader.KnownFiles
    ) throws(LoadError) -> ([UInt32: CollectionState], LogRecovery.Outcome) {
        let collections = try StoreLoader(
            fileSystem: fileSystem,
            paths: paths,
            manifest: manifest,
            known: known
        ).loadCollections()
        let replay = try LogRecovery(
            fileSystem: fileSystem,
            paths: paths,
            options: options,
            manifest: manifest
        ).replay(into: collections, makesDurable: false)
        return (collections, replay)
    }

    private func core(of manifest: Manifest) throws(LoadError) -> StoreCore {
        let (collections, replay) = try load(manifest, known: StoreLoader.KnownFiles())
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
            writing: WritingState(
                manifest: manifest,
                log: log,
                lastLSN: replay.lastLSN,
                knownWrites: replay.knownWrites
            ),
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
