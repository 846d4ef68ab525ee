package import StorageIO
import VectorMath

/// A store: one directory of collections, open for reading and writing by this process alone.
///
/// Every method may be called from any thread. Searches and other reads work on a snapshot and run on
/// the calling thread; writes return when they are durable.
public final class VectorDatabase: Sendable {
    private let core: StoreCore
    private let committer: Committer
    private let scheduler: MaintenanceScheduler
    private let scrubbing: Scrub
    private let follower: Follower

    private init(core: StoreCore) {
        self.core = core
        follower = Follower(core: core)
        let scheduler = MaintenanceScheduler(core: core)
        self.scheduler = scheduler
        committer = Committer(core: core) { scheduler.didCommit($0) }
        scrubbing = Scrub(core: core)
        scrubbing.start()
    }

    /// Opens the store in `path`, recovering what the last process left.
    ///
    /// - Parameters:
    ///   - path: A directory on a local file system; it is created when it does not exist, its parent
    ///     must.
    ///   - options: How to open it.
    /// - Throws: `storeLocked` when another process has it open, `notAStore`, `corrupt` or
    ///   `formatTooNew` when its files cannot be used; nothing is changed then.
    public static func open(
        at path: String,
        options: StoreOptions = StoreOptions()
    ) async throws(VectorStoreError) -> VectorDatabase {
        try open(at: path, options: options, fileSystem: PosixFileSystem())
    }

    /// Opens a store on a given file system.
    package static func open(
        at path: String,
        options: StoreOptions,
        fileSystem: any FileSystem
    ) throws(VectorStoreError) -> VectorDatabase {
        let opening = StoreOpening(
            fileSystem: access(fileSystem, options),
            root: path,
            options: options
        )
        return VectorDatabase(core: try opening.open())
    }

    /// Opens the store in `path` as it is now, for reading only, whether or not a process writes it.
    ///
    /// Nothing in the directory is changed, not even the lock. What is written later is seen after
    /// `refresh()`, or by itself with `StoreOptions.followMilliseconds`. It holds every write that was acknowledged before, and may hold one whose
    /// acknowledgement was under way.
    ///
    /// - Throws: `notAStore`, `corrupt` or `formatTooNew` when the files cannot be used.
    public static func openForReading(
        at path: String,
        options: StoreOptions = StoreOptions()
    ) async throws(VectorStoreError) -> VectorDatabase {
        try openForReading(at: path, options: options, fileSystem: PosixFileSystem())
    }

    /// Opens a store of a given file system for reading only.
    package static func openForReading(
        at path: String,
        options: StoreOptions,
        fileSystem: any FileSystem
    ) throws(VectorStoreError) -> VectorDatabase {
        let opening = ReadOnlyOpening(
            fileSystem: access(fileSystem, options),
            root: path,
            options: options
        )
        let store = VectorDatabase(core: try opening.open())
        if options.followMilliseconds > 0 {
            store.follower.start(milliseconds: options.followMilliseconds)
        }
        return store
    }

    private static func access(
        _ fileSystem: any FileSystem,
        _ options: StoreOptions
    ) -> any FileSystem {
        options.segmentAccess == .read ? ReadingFileSystem(fileSystem) : fileSystem
    }

    /// Brings a store that is open for reading up to what its writer has done since; elsewhere it does
    /// nothing.
    ///
    /// It may show a write whose acknowledgement is under way. Segments that stay are not read again;
    /// the log is read from the last flush on, so once a second is a good pace and a thousand times is
    /// not.
    ///
    /// - Returns: Whether anything was new.
    @discardableResult
    public func refresh() throws(VectorStoreError) -> Bool {
        try checkOpen()
        guard core.poison?.code == .readOnly else { return false }
        return try follower.refreshNow()
    }

    /// The directory.
    public var path: String { core.paths.root }

    // MARK: - Collections

    /// Creates a collection; returns the existing one if it has the same configuration.
    ///
    /// - Throws: `invalidConfiguration`, or `collectionExists` when the name is taken by a collection
    ///   of another configuration.
    @discardableResult
    public func createCollection(
        _ configuration: CollectionConfiguration
    ) async throws(VectorStoreError) -> VectorCollection {
        try ConfigurationCheck.check(configuration)
        return collection(try Catalogue(core: core).create(configuration))
    }

    /// Creates a collection; returns the existing one if it has the same configuration.
    ///
    /// - Throws: As `createCollection(_:)`.
    @discardableResult
    public func createCollection(
        _ name: String,
        dimension: Int,
        partitionKey: String? = nil,
        attributes: KeyValuePairs<String, AttributeType> = [:]
    ) async throws(VectorStoreError) -> VectorCollection {
        try await createCollection(
            CollectionConfiguration(
                name: name,
                dimension: dimension,
                partitionKey: partitionKey,
                attributes: attributes.map { AttributeDeclaration($0.key, $0.value) }
            )
        )
    }

    /// The collection of this name.
    ///
    /// - Throws: `unknownCollection` when there is none.
    public func collection(_ name: String) throws(VectorStoreError) -> VectorCollection {
        try checkOpen()
        guard let state = core.collection(named: name) else { throw unknown(name) }
        return collection(state)
    }

    /// All collections' configurations, by name.
    public func collections() throws(VectorStoreError) -> [CollectionConfiguration] {
        try checkOpen()
        return core.collections.map(\.configuration)
    }

    /// Removes a collection and its records.
    ///
    /// - Throws: `unknownCollection` when there is none of this name.
    public func dropCollection(_ name: String) async throws(VectorStoreError) {
        try checkOpen()
        guard let state = core.collection(named: name) else { throw unknown(name) }
        try Catalogue(core: core).drop(state)
    }

    private func collection(_ state: CollectionState) -> VectorCollection {
        VectorCollection(
            core: core,
            state: state,
            committer: committer,
            scheduler: scheduler
        )
    }

    private func unknown(_ name: String) -> VectorStoreError {
        let known = core.collections.map(\.configuration.name).joined(separator: ", ")
        return VectorStoreError(
            .unknownCollection,
            "there is no collection \(name); the store has "
                + (known.isEmpty ? "none yet" : known),
            field: "collection"
        )
    }

    private func checkOpen() throws(VectorStoreError) {
        if core.isClosed {
            throw VectorStoreError(.closed, "the store is closed; open it again")
        }
    }

    // MARK: - State and end

    /// The state of the store and of every collection.
    public func statistics() throws(VectorStoreError) -> StoreStatistics {
        try checkOpen()
        return StoreReport(
            core: core,
            maintenanceFailure: scheduler.lastFailure,
            scrub: scrubbing.status,
            follow: follower.status
        ).statistics()
    }

    /// Reads every file of the open store once and compares it with its checksums, while reads and
    /// writes go on.
    ///
    /// A pass runs by itself once a week, see `StoreOptions.scrubBytesPerSecond`.
    ///
    /// - Parameter bytesPerSecond: No faster than this; nil for as fast as the disk gives it.
    public func scrub(
        bytesPerSecond: Int? = nil
    ) async throws(VectorStoreError) -> ScrubStatus {
        try checkOpen()
        return await scrubbing.run(bytesPerSecond: bytesPerSecond)
    }

    /// The last failure of work in the background, until the same work succeeds.
    public var lastMaintenanceFailure: VectorStoreError? { scheduler.lastFailure }

    /// Flushes memtables to segments, seals the log and lets go of the directory.
    ///
    /// Safe to call twice.
    ///
    /// - Throws: What hindered the flush; the directory is let go of all the same, and the log holds
    ///   what was not flushed.
    public func close() async throws(VectorStoreError) {
        guard !core.isClosed else { return }
        committer.close()
        scrubbing.stop()
        follower.stop()
        await scheduler.stop()
        try StoreClosing(core: core).run()
    }

    // MARK: - Copies

    /// Copies the store as it is now to `target`, while reads and writes go on.
    ///
    /// - Throws: As `copy(from:to:)`.
    public func snapshot(to target: String) async throws(VectorStoreError) {
        try checkOpen()
        if StoreArchive.isName(target) {
            return try StoreArchive(fileSystem: core.fileSystem)
                .write(from: core.paths.root, to: target)
        }
        try StoreCopy(fileSystem: core.fileSystem, source: core.paths.root, target: target).run()
    }

    /// Copies the store in `source`, open elsewhere or not, to `target`: a snapshot, or the way back
    /// from one.
    ///
    /// The copy is a store of its own, verified in full. It holds every write that was acknowledged
    /// before the call. An interrupted copy is refused when it is opened.
    ///
    /// A path that ends with `.tar.lz4`, on either side, is an archive in one file: tar in an LZ4 frame. While
    /// one is written, a copy lies beside it, under its name and `.partial`.
    ///
    /// - Throws: `notAStore` when `target` exists and is not an empty directory; `corrupt` when a file
    ///   of the source is damaged.
    public static func copy(
        from source: String,
        to target: String
    ) async throws(VectorStoreError) {
        let archive = StoreArchive(fileSystem: PosixFileSystem())
        switch (StoreArchive.isName(source), StoreArchive.isName(target)) {
        case (true, true):
            throw VectorStoreError(
                .notAStore,
                "\(source) is an archive already; copy the file, or restore it to a directory"
            )
        case (true, false): return try archive.read(from: source, to: target)
        case (false, true): return try archive.write(from: source, to: target)
        case (false, false): break
        }
        try StoreCopy(fileSystem: PosixFileSystem(), source: source, target: target).run()
    }

    /// Makes a new store in `target` of the last moment of the damaged store in `source` that is whole;
    /// nobody may have the source open for writing, and it stays as it is.
    ///
    /// What is kept is kept as it was, with its index and its LSNs: the newest manifest whose files are
    /// all whole, and the log from there up to the first damage. What that gives up is in the report.
    ///
    /// - Parameters:
    ///   - manifest: The number of the manifest to go back to; nil for the newest that is whole.
    ///   - acceptsLoss: Without it nothing is written when anything would be given up.
    /// - Throws: `corrupt` when no moment is whole (restore a snapshot, or salvage), `notAStore` when
    ///   `target` is not new or empty, `storeLocked` when the source is open.
    public static func repair(
        from source: String,
        to target: String,
        manifest: UInt64? = nil,
        acceptsLoss: Bool = false
    ) async throws(VectorStoreError) -> RepairReport {
        try StoreRepair(
            fileSystem: PosixFileSystem(),
            source: source,
            target: target,
            manifestNumber: manifest,
            acceptsLoss: acceptsLoss
        ).run()
    }

    /// Makes a new store in `target` of whatever can still be read of the damaged store in `source`,
    /// which nobody may have open for writing and which stays as it is.
    ///
    /// A last resort, when there is no backup: what could not be read is missing, in part changes of
    /// one batch, and where tombstones were lost deleted records are back. The report says so.
    ///
    /// - Parameter manifest: The number of the manifest to begin with; nil for the newest that can be
    ///   believed. Naming an older one undoes what was published after it.
    /// - Throws: `notAStore` when `target` is not new or empty, `corrupt` when no manifest can be read.
    public static func salvage(
        from source: String,
        to target: String,
        manifest: UInt64? = nil
    ) async throws(VectorStoreError) -> SalvageReport {
        try await Salvage(
            fileSystem: PosixFileSystem(),
            source: source,
            target: target,
            manifestNumber: manifest
        ).run()
    }

    // MARK: - Without opening

    /// Reads every file of the store in `path`, which no process may have open for writing, and
    /// checks every checksum and cross-reference.
    ///
    /// - Returns: What was read, with every problem that was found.
    /// - Throws: `storeLocked` when the store is open, `notAStore` when there is none.
    public static func verify(
        at path: String,
        progress: (@Sendable (Double) -> Void)? = nil
    ) throws(VectorStoreError) -> VerificationReport {
        try StoreVerification(fileSystem: PosixFileSystem(), root: path).run(progress: progress)
    }

    /// An annotated dump of one file of a store, for people: a manifest, log file, segment,
    /// centroid set or tombstone bitmap.
    ///
    /// - Throws: `notAStore` when the file is none of these.
    public static func inspect(file path: String) throws(VectorStoreError) -> String {
        try FileInspection(fileSystem: PosixFileSystem()).dump(path)
    }

    /// The instruction set that distance kernels use on this machine: `avx512`, `avx2`, `neon` or
    /// `scalar`.
    public static var kernelTier: String { Kernels.tier.name }
}
