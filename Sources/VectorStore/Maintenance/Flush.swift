// Flush: memtable → segment.
//
// The active memtable is frozen under the writing lock; commits go on into a new one. The segment,
// and the tombstones that its time laid on older segments, become durable; one manifest names them
// and moves `flushedLSN` past them.

import StorageIO
import Synchronization

/// Writes the frozen memtables of a collection to one segment.
struct Flush {
    let core: StoreCore
    let collection: CollectionState

    /// Freezes the active memtable if it holds anything.
    func freeze() {
        core.writing.withLock { _ in freezeActive() }
    }

    private func freezeActive() {
        guard let live = collection.live, let active = live.memtables.last,
            active.memtable.firstLSN != 0
        else { return }
        collection.replace(
            live.with(memtables: live.memtables + [MemtableView(empty: live.configuration)])
        )
    }

    /// Freezes and flushes while the caller holds the writing lock: no write comes between.
    ///
    /// A flush of the same memtables that is under way finds them gone and begins again.
    func run(holding state: inout WritingState) throws(VectorStoreError) {
        freezeActive()
        try runOnce { (replacement, output, persisted) throws(VectorStoreError) in
            try SegmentSwap(core: core, collection: collection).publish(
                replacement,
                output: output,
                persisted: persisted,
                state: &state
            )
        }
    }

    /// Flushes every frozen memtable.
    ///
    /// Does nothing when there is none. Begins again when a rebuild retires the index meanwhile.
    func run() throws(VectorStoreError) {
        var attempt = 0
        while true {
            do throws(VectorStoreError) {
                return try runOnce { (replacement, output, persisted) throws(VectorStoreError) in
                    try SegmentSwap(core: core, collection: collection).publish(
                        replacement,
                        output: output,
                        persisted: persisted
                    )
                }
            } catch {
                attempt += 1
                guard error.code == .busy, attempt < Self.maximumAttempts else { throw error }
            }
        }
    }

    /// Rebuilds that may come between before a flush gives up.
    private static let maximumAttempts = 8

    private typealias Publish = (
        SegmentReplacement,
        SegmentSwap.Output,
        [UInt64: Manifest.TombstoneEntry]
    ) throws(VectorStoreError) -> Void

    private func runOnce(_ publish: Publish) throws(VectorStoreError) {
        guard let live = collection.live else { return }
        let frozen = live.memtables.dropLast()
        guard !frozen.isEmpty else { return }
        let replacement = SegmentReplacement(inputs: frozen.map { .memtable($0) })
        let generation = live.index
        let sources = replacement.inputs.map(\.store)
        let planner = RowPlanner(
            configuration: live.configuration,
            sources: sources,
            generation: generation,
            threads: core.maintenanceThreads
        )
        let plan = try convertingCorruption { () throws(CorruptionError) in
            try planner.plan(replacement.rows) { _ in true }
        }
        guard let plan else { return }
        var output = SegmentSwap.Output(plan: plan, segment: nil, description: nil)
        if !plan.rows.isEmpty {
            let built = try SegmentBuild(core: core, collection: collection).write(
                plan,
                sources: sources,
                generation: generation
            ) { _ in true }
            output.segment = built?.segment
            output.description = built?.description
        }
        // Tombstones as of now cover every change of the frozen memtables' time.
        let persisted = try TombstonePersistence(core: core).writeChanged(
            in: collection.live ?? live
        )
        try publish(replacement, output, persisted)
    }
}

/// Runs `body` and gives its corruption errors their public form.
func convertingCorruption<R>(
    _ body: () throws(CorruptionError) -> R
) throws(VectorStoreError) -> R {
    do throws(CorruptionError) {
        return try body()
    } catch {
        throw VectorStoreError(corruption: error)
    }
}
