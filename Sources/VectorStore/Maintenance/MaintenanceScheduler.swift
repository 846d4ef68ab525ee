// Background work: flushes on one thread, compactions and rebuilds on another.
//
// - Flushes never wait for a long rebuild.
// - Compactions and rebuilds follow one another, so that no two choose the same segments, and build on
//   threads of lower priority, so that searches hardly notice them. They publish on a plain one, for
//   writes wait for that.
// - A failure is kept and shown in statistics of the store; later writes try again, once a second.
// - Log files that one quiet collection holds back are freed by flushing it.

import Dispatch
import StorageIO
import Synchronization

package final class MaintenanceScheduler: Sendable {
    private let core: StoreCore
    private let flushing = DispatchQueue(label: "vectorstore.flush", qos: .utility)
    private let rewriting = DispatchQueue(label: "vectorstore.rewrite", qos: .utility)
    private struct State {
        var waitingFlushes: Set<UInt32> = []
        var waitingCompactions: Set<UInt32> = []
        var isStopped = false
        var rebuilding: Set<UInt32> = []
        /// A collection is being flushed because the log has grown long.
        var isShorteningLog = false
        var lastRetry: ContinuousClock.Instant?
        /// Rows of a collection when a rebuild that nobody asked for was given up.
        var rejectedRowCounts: [UInt32: Int] = [:]
    }
    private let state = Mutex(State())
    private let failure = Mutex<VectorStoreError?>(nil)

    package init(core: StoreCore) {
        self.core = core
    }

    /// The last background failure, until a success of the same kind of work.
    package var lastFailure: VectorStoreError? {
        failure.withLock { $0 }
    }

    /// Looks at collections that a commit has changed.
    package func didCommit(_ collections: [CollectionState]) {
        for collection in collections {
            guard let live = collection.live, let active = live.memtables.last else { continue }
            if live.memtables.count > 1, mayRetry() { scheduleFlush(collection) }
            let isFull =
                active.memtable.byteCount >= core.options.flushThresholdBytes
                || active.rowCount >= Memtable.maximumRowCount
            guard isFull else { continue }
            Flush(core: core, collection: collection).freeze()
            scheduleFlush(collection)
        }
        shortenLog()
    }

    /// Whether a flush that may have failed is worth another attempt.
    private func mayRetry() -> Bool {
        let now = ContinuousClock.now
        return state.withLock { state in
            if let last = state.lastRetry, now - last < .seconds(1) { return false }
            state.lastRetry = now
            return true
        }
    }

    /// Flushes the collection whose memtable begins first when too many log files wait for it.
    private func shortenLog() {
        let count = core.writing.withLock { $0.manifest.logFiles.count }
        guard count > core.options.maximumLogFileCount else { return }
        let isFree = state.withLock { state in
            guard !state.isShorteningLog, !state.isStopped else { return false }
            state.isShorteningLog = true
            return true
        }
        guard isFree else { return }
        let oldest = core.collections.min { Self.firstLSN(of: $0) < Self.firstLSN(of: $1) }
        flushing.async {
            if let oldest, Self.firstLSN(of: oldest) < .max {
                self.attempt { () throws(VectorStoreError) in
                    let flush = Flush(core: self.core, collection: oldest)
                    flush.freeze()
                    try flush.run()
                }
            }
            self.state.withLock { $0.isShorteningLog = false }
        }
    }

    /// The oldest change of a collection that is only in memory and in the log.
    private static func firstLSN(of collection: CollectionState) -> UInt64 {
        let held = (collection.live?.memtables ?? []).map(\.memtable.firstLSN).filter { $0 != 0 }
        return held.min() ?? .max
    }

    private func scheduleFlush(_ collection: CollectionState) {
        let isNew = state.withLock { state in
            !state.isStopped && state.waitingFlushes.insert(collection.id).inserted
        }
        guard isNew else { return }
        flushing.async {
            self.state.withLock { _ = $0.waitingFlushes.remove(collection.id) }
            self.attempt {
                () throws(VectorStoreError) in
                try Flush(core: self.core, collection: collection).run()
            }
            self.scheduleCompaction(collection)
        }
    }

    /// Looks whether segments are to be merged, or the index trained anew.
    func scheduleCompaction(_ collection: CollectionState) {
        let isNew = state.withLock { state in
            !state.isStopped && state.waitingCompactions.insert(collection.id).inserted
        }
        guard isNew else { return }
        rewriting.async {
            self.state.withLock { _ = $0.waitingCompactions.remove(collection.id) }
            self.attempt {
                () throws(VectorStoreError) in try self.rewrite(collection)
            }
        }
    }

    private func rewrite(_ collection: CollectionState) throws(VectorStoreError) {
        if core.options.automaticIndexing, needsIndex(collection) {
            do throws(VectorStoreError) {
                _ = try Rebuild(
                    core: core,
                    collection: collection,
                    options: RebuildOptions(),
                    progress: { [self] _ in !isStopped }
                ).run()
                return
            } catch {
                guard error.code == .rebuildRejected else { throw error }
                // The index in force serves on; more rows may make the difference.
                let rows = collection.live?.liveCount ?? 0
                state.withLock { $0.rejectedRowCounts[collection.id] = rows }
            }
        }
        guard core.options.automaticCompaction else { return }
        while !isStopped,
            try Compaction(core: core, collection: collection).runIfNeeded()
        {}
    }

    private var isStopped: Bool {
        state.withLock { $0.isStopped }
    }

    /// Enough rows for a first index, or four times as many as the index was trained on.
    private func needsIndex(_ collection: CollectionState) -> Bool {
        guard let live = collection.live else { return false }
        let rows = live.segments.reduce(0) { $0 + $1.liveCount }
        guard rows >= core.options.minimumIndexedRowCount else { return false }
        guard let index = live.index, let global = index.globalTable else { return true }
        if let rejected = state.withLock({ $0.rejectedRowCounts[collection.id] }),
            rows < rejected + rejected / 4
        {
            return false
        }
        return UInt64(rows) >= 4 * max(1, index.set.tables[global].trainedRowCount)
    }

    private func attempt(_ work: () throws(VectorStoreError) -> Void) {
        do throws(VectorStoreError) {
            try work()
            failure.withLock { $0 = nil }
        } catch {
            if error.code != .cancelled { failure.withLock { $0 = error } }
        }
    }

    // MARK: - Work that callers wait for

    package func flush(_ collection: CollectionState) async throws(VectorStoreError) {
        try await run(on: flushing) { [core] () throws(VectorStoreError) in
            try core.completeOpening()
            let flush = Flush(core: core, collection: collection)
            flush.freeze()
            try core.space.spendingBallast { () throws(VectorStoreError) in try flush.run() }
        }
    }

    package func compact(
        _ collection: CollectionState,
        progress: @escaping @Sendable (MaintenanceProgress) -> Bool
    ) async throws(VectorStoreError) {
        try await flush(collection)
        try await run(on: rewriting) { [core] () throws(VectorStoreError) in
            try core.space.spendingBallast { () throws(VectorStoreError) in
                try Compaction(core: core, collection: collection).runFully(progress: progress)
            }
        }
    }

    func rebuild(
        _ collection: CollectionState,
        options: RebuildOptions,
        origin: Rebuild.Origin = .training,
        progress: @escaping @Sendable (MaintenanceProgress) -> Bool
    ) async throws(VectorStoreError) -> RebuildReport {
        let isFree = state.withLock { $0.rebuilding.insert(collection.id).inserted }
        guard isFree else {
            throw VectorStoreError(
                .busy,
                "collection \(collection.configuration.name) is being rebuilt; wait for that"
            )
        }
        defer { state.withLock { _ = $0.rebuilding.remove(collection.id) } }
        try await flush(collection)
        return try await run(on: rewriting) { [core] () throws(VectorStoreError) in
            try Rebuild(
                core: core,
                collection: collection,
                options: options,
                origin: origin,
                progress: progress
            ).run()
        }
    }

    package func importRecords(
        _ collection: CollectionState,
        options: ImportOptions,
        from next: @escaping @Sendable () throws -> [Record],
        progress: @escaping @Sendable (ImportProgress) -> Bool
    ) async throws -> ImportReport {
        let result: Result<ImportReport, any Error> = await withCheckedContinuation {
            continuation in
            rewriting.async { [self] in
                let bulk = BulkImport(
                    core: core,
                    collection: collection,
                    options: options,
                    progress: { [self] in !isStopped && progress($0) }
                )
                continuation.resume(returning: Result { try bulk.run(next) })
            }
        }
        if !options.expectsIndex { scheduleCompaction(collection) }
        return try result.get()
    }

    /// Ends background work: what runs is cancelled or finished, nothing more is begun.
    package func stop() async {
        state.withLock { $0.isStopped = true }
        for queue in [flushing, rewriting] {
            await withCheckedContinuation { continuation in
                queue.async { continuation.resume() }
            }
        }
    }

    private func run<R: Sendable>(
        on queue: DispatchQueue,
        _ work: @escaping @Sendable () throws(VectorStoreError) -> R
    ) async throws(VectorStoreError) -> R {
        let result: Result<R, VectorStoreError> = await withCheckedContinuation { continuation in
            queue.async {
                do throws(VectorStoreError) {
                    continuation.resume(returning: .success(try work()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}
