// The state of an open store.
//
// - `writing` is the one lock that orders changes: the committer holds it from the log to the live
//   sets, a publisher holds it from the last look at tombstones to the swap.
// - Readers never take it. They take a collection's live set.
// - After a failed sync the store is poisoned for ever: nothing is acknowledged again.

package import StorageIO
package import Synchronization
import VectorMath

/// Where the files of a store are.
package struct StorePaths: Sendable {
    package let root: String

    package init(root: String) { self.root = root }

    package var lock: String { root + "/LOCK" }
    package var logs: String { root + "/wal" }
    package var segments: String { root + "/seg" }
    package var indexes: String { root + "/idx" }

    /// The directory that names a file or directory.
    static func parent(of path: String) -> String {
        var parts = path.split(separator: "/", omittingEmptySubsequences: true)
        guard !parts.isEmpty else { return "/" }
        parts.removeLast()
        if path.hasPrefix("/") { return "/" + parts.joined(separator: "/") }
        return parts.isEmpty ? "." : parts.joined(separator: "/")
    }
}

/// What the holder of the writing lock owns.
package struct WritingState {
    /// The manifest in force.
    package var manifest: Manifest
    package var log: LogFile
    /// The LSN of the last change that was applied.
    package var lastLSN: UInt64
    /// The writes that were done under an id.
    package var knownWrites = KnownWrites()
    /// Set when the log file in use must not be appended to any more.
    package var logIsSpent = false
}

/// An open store below its public face.
package final class StoreCore: Sendable {
    package let fileSystem: any FileSystem
    package let paths: StorePaths
    package let storeUUID: [UInt8]
    package let options: StoreOptions
    package let directoryLock: any StorageLock
    package let writing: Mutex<WritingState>
    package let space: DiskSpace
    private let catalogue: Mutex<[String: CollectionState]>
    private let nextSegmentID: Atomic<UInt64>
    private let nextGeneration: Atomic<UInt64>
    private let failure = Mutex<VectorStoreError?>(nil)
    private let closed = Atomic(false)
    private let owedWork = Mutex<OwedWork?>(nil)
    private let owesWork = Atomic<Bool>(false)
    private let recovery = Mutex(
        RecoveryReport(
            replayedBatchCount: 0,
            replayedOperationCount: 0,
            discardedByteCount: 0,
            removedFileCount: 0,
            wasClean: true
        )
    )

    package init(
        fileSystem: any FileSystem,
        paths: StorePaths,
        storeUUID: [UInt8],
        options: StoreOptions,
        directoryLock: any StorageLock,
        writing: WritingState,
        collections: [CollectionState]
    ) {
        self.fileSystem = fileSystem
        self.paths = paths
        self.storeUUID = storeUUID
        self.options = options
        self.directoryLock = directoryLock
        space = DiskSpace(fileSystem: fileSystem, root: paths.root, options: options)
        nextSegmentID = Atomic(writing.manifest.nextSegmentID)
        nextGeneration = Atomic(writing.manifest.nextGeneration)
        self.writing = Mutex(writing)
        catalogue = Mutex(
            Dictionary(uniqueKeysWithValues: collections.map { ($0.configuration.name, $0) })
        )
    }

    // MARK: - Collections

    package func collection(named name: String) -> CollectionState? {
        catalogue.withLock { $0[name] }
    }

    package var collections: [CollectionState] {
        catalogue.withLock { $0.values.sorted { $0.configuration.name < $1.configuration.name } }
    }

    package func add(_ collection: CollectionState) {
        catalogue.withLock { $0[collection.configuration.name] = collection }
    }

    package func remove(_ collection: CollectionState) {
        catalogue.withLock { $0[collection.configuration.name] = nil }
        collection.replace(nil)
    }

    /// What opening the store did; set once, before the store is handed out.
    package var recoveryReport: RecoveryReport {
        get { recovery.withLock { $0 } }
        set { recovery.withLock { $0 = newValue } }
    }

    /// Threads for work in the background.
    package var maintenanceThreads: Int {
        options.maintenanceThreadCount > 0
            ? options.maintenanceThreadCount : ParallelWorkers.coreCount
    }

    /// The next number of a segment.
    ///
    /// A number that is lost to a failure is never used again while the store is open; the next
    /// open goes on after the highest number it finds.
    package func takeSegmentID() -> UInt64 {
        nextSegmentID.wrappingAdd(1, ordering: .relaxed).oldValue
    }

    package var nextSegmentIDToTake: UInt64 { nextSegmentID.load(ordering: .relaxed) }
    package var nextGenerationToTake: UInt64 { nextGeneration.load(ordering: .relaxed) }

    /// The next number of an index generation.
    package func takeGeneration() -> UInt64 {
        nextGeneration.wrappingAdd(1, ordering: .relaxed).oldValue
    }

    /// The receipt of a write that was done under an id.
    package func receipt(of id: WriteID, in collection: UInt32) -> WriteReceipt? {
        writing.withLock { $0.knownWrites.receipt(of: id, in: collection) }
    }

    /// Whether `close` was called.
    ///
    /// Every search asks; the writing lock, which is held over syncs, would keep it waiting.
    package var isClosed: Bool {
        closed.load(ordering: .acquiring)
    }

    /// Says so, from now on; only under the writing lock.
    package func close() {
        closed.store(true, ordering: .releasing)
    }

    package func checkWritable() throws(VectorStoreError) {
        if isClosed {
            throw VectorStoreError(.closed, "the store is closed; open it again")
        }
        if let poison { throw poison }
    }

    /// Refuses every write from the start: another process may write, this one reads.
    package func makeReadOnly() {
        failure.withLock { first in
            first = VectorStoreError(
                .readOnly,
                "the store at \(paths.root) is open for reading only; write through the process "
                    + "that has it open"
            )
        }
    }

    // MARK: - Opened on a full disk

    /// What opening could not write for want of space, to be tried again before anything is written.
    package typealias OwedWork = @Sendable () throws(VectorStoreError) -> Void

    package func completeLater(_ work: @escaping OwedWork) {
        owedWork.withLock { $0 = work }
        owesWork.store(true, ordering: .releasing)
    }

    /// Does what opening still owes.
    ///
    /// Not under the writing lock, which the work takes.
    ///
    /// - Throws: `diskFull` while there is still no room.
    package func completeOpening() throws(VectorStoreError) {
        guard owesWork.load(ordering: .acquiring) else { return }
        try owedWork.withLock { (work) throws(VectorStoreError) in
            try work?()
            work = nil
            owesWork.store(false, ordering: .releasing)
        }
    }

    // MARK: - Fail-stop

    /// The error that every write meets after a failed sync, if one failed.
    package var poison: VectorStoreError? {
        failure.withLock { $0 }
    }

    /// Stops the store for writes: what is on disk can no longer be told.
    ///
    /// See fsync(2).
    package func poison(because error: any Error) {
        failure.withLock { first in
            guard first == nil else { return }
            first = VectorStoreError(
                .storePoisoned,
                "a disk operation failed (\(error)), so no further write is accepted; check the "
                    + "disk, then close the store and open it anew",
                cause: error
            )
        }
    }
}
