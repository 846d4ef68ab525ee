// Rebuild: new centroids, a new index generation, one manifest.
//
// - Readers and writers go on. What is in memtables stays there; callers flush first, on the one thread
//   that flushes. Rows that are flushed meanwhile keep their old lists until the next
//   compaction; rows that are hidden meanwhile are hidden in the new segment too.
// - What is about to take the place of an index is first held against it on the same rows; see
//   RebuildGate.
// - Memory is bounded by `StoreOptions.memoryLimitBytes`: the training sample takes what some 64 bytes a
//   row leave of it, half at the most; vectors are streamed from the mapped segments.

import StorageIO
import VectorMath

/// Trains an index on the live rows of a collection and rewrites them under it.
struct Rebuild {
    let core: StoreCore
    let collection: CollectionState
    let options: RebuildOptions
    var origin = Origin.training
    let progress: (MaintenanceProgress) -> Bool

    /// Where the centroids come from.
    enum Origin {
        case training
        /// The generation that the last rebuild replaced.
        case previousGeneration
    }

    private final class Stopwatch {
        var phases: [RebuildReport.Phase] = []
        private var last = ContinuousClock.now

        func lap(_ name: String) {
            let now = ContinuousClock.now
            let (seconds, attoseconds) = (now - last).components
            phases.append(
                RebuildReport.Phase(
                    name: name,
                    seconds: Double(seconds) + Double(attoseconds) * 1e-18
                )
            )
            last = now
        }
    }

    /// What is ready to be published.
    private struct Built {
        var replacement: SegmentReplacement
        var set: CentroidSet
        var output: SegmentSwap.Output
        var comparison: RebuildReport.Comparison?
    }

    func run() throws(VectorStoreError) -> RebuildReport {
        let watch = Stopwatch()
        let built = try WorkThread.inBackground { () throws(VectorStoreError) in
            try build(watch)
        }
        _ = report("publish", 0.99)
        try SegmentSwap(core: core, collection: collection).publish(
            built.replacement,
            output: built.output,
            persisted: [:]
        )
        watch.lap("publish")
        _ = report("publish", 1)
        return RebuildReport(
            generation: built.output.generation?.index.number ?? 0,
            rowCount: built.output.plan.rows.count,
            nlist: built.set.tables.first { $0.isGlobal }?.nlist ?? 0,
            indexedPartitionCount: built.set.tables.filter { !$0.isGlobal }.count,
            seconds: watch.phases,
            comparison: built.comparison
        )
    }

    private func build(_ watch: Stopwatch) throws(VectorStoreError) -> Built {
        guard let live = collection.live else { throw MaintenanceCancellation.error }
        let replacement = SegmentReplacement(inputs: live.segments.map { .segment($0) })
        let sources = replacement.inputs.map(\.store)
        watch.lap("plan")

        var set = try centroids(replacement, live: live, sources: sources)
        watch.lap("train")

        let generation = set.tables.isEmpty ? nil : IndexGeneration(set)
        let planner = RowPlanner(
            configuration: live.configuration,
            sources: sources,
            generation: generation,
            threads: core.maintenanceThreads
        )
        let plan = try convertingCorruption { () throws(CorruptionError) in
            try planner.plan(replacement.rows) { report("assign", 0.4 + 0.15 * $0) }
        }
        guard let plan else { throw MaintenanceCancellation.error }
        watch.lap("assign")

        if let generation {
            try calibrate(&set, generation: generation, plan: plan, sources: sources)
        }
        let calibrated = set.tables.isEmpty ? nil : IndexGeneration(set)
        watch.lap("calibrate")

        var output = SegmentSwap.Output(plan: plan, segment: nil, description: nil)
        if !plan.rows.isEmpty {
            let built = try SegmentBuild(core: core, collection: collection).write(
                plan,
                sources: sources,
                generation: calibrated,
                isCalibrated: true
            ) { report("write", 0.7 + 0.27 * $0) }
            guard let built else { throw MaintenanceCancellation.error }
            output.segment = built.segment
            output.description = built.description
        }
        watch.lap("write")
        var comparison: RebuildReport.Comparison?
        do throws(VectorStoreError) {
            if origin == .training, let segment = output.segment, let calibrated {
                comparison = try compare(segment, calibrated, with: replacement, in: live)
            }
            watch.lap("compare")
            if let calibrated { output.generation = (calibrated, try persist(set)) }
        } catch {
            SegmentSwap(core: core, collection: collection).discard(output)
            throw error
        }
        return Built(
            replacement: replacement,
            set: set,
            output: output,
            comparison: comparison
        )
    }

    /// The tables of the new generation, not calibrated yet; none when there is too little to index.
    private func centroids(
        _ replacement: SegmentReplacement,
        live: LiveSet,
        sources: [any RowStore]
    ) throws(VectorStoreError) -> CentroidSet {
        let number = core.takeGeneration()
        if origin == .previousGeneration {
            guard let previous = live.previousGeneration, var set = live.generations[previous]?.set
            else {
                throw VectorStoreError(
                    .invalidQuery,
                    "collection \(collection.configuration.name) has no earlier index to go back to; "
                        + "one is kept from each rebuild to the next"
                )
            }
            set.generation = number
            // Or the next flush would find that the collection has outgrown it, and train anew.
            for table in set.tables.indices where set.tables[table].isGlobal {
                set.tables[table].trainedRowCount = UInt64(replacement.rows.count)
            }
            return set
        }
        let scopes = scopes(replacement.rows, sources: sources, configuration: live.configuration)
        var tables: [CentroidTable] = []
        for (index, scope) in scopes.enumerated() {
            let base = 0.4 * Double(index) / Double(scopes.count)
            tables.append(
                try train(scope, sources: sources, dimension: live.configuration.dimension) {
                    report("train", base + 0.4 * $0 / Double(scopes.count))
                }
            )
        }
        return CentroidSet(
            generation: number,
            collectionID: collection.id,
            dimension: live.configuration.dimension,
            seed: options.seed,
            tables: tables
        )
    }

    /// Holds what was built against what is there; a worse index is given up.
    private func compare(
        _ segment: Segment,
        _ generation: IndexGeneration,
        with replacement: SegmentReplacement,
        in live: LiveSet
    ) throws(VectorStoreError) -> RebuildReport.Comparison? {
        guard live.index?.globalTable != nil else { return nil }
        let gate = RebuildGate(
            live: live,
            inputs: replacement.inputs,
            leewayMicroseconds: core.options.rebuildLeewayMicroseconds
        )
        let comparison = try convertingCorruption { () throws(CorruptionError) in
            try gate.compare(with: segment, generation: generation) { report("compare", 0.98) }
        }
        guard let comparison else { throw MaintenanceCancellation.error }
        guard !options.isForced, let reason = gate.objection(to: comparison) else {
            return comparison
        }
        throw VectorStoreError(
            .rebuildRejected,
            "the new index would be worse: \(reason); the index in force is kept (force publishes the "
                + "new one all the same)"
        )
    }

    private func report(_ phase: String, _ fraction: Double) -> Bool {
        progress(MaintenanceProgress(phase: phase, fraction: fraction))
    }

    // MARK: - Calibration and publication

    private func calibrate(
        _ set: inout CentroidSet,
        generation: IndexGeneration,
        plan: SegmentPlan,
        sources: [any RowStore]
    ) throws(VectorStoreError) {
        let calibration = Calibration(
            dimension: set.dimension,
            sources: sources,
            rotation: generation.rotation,
            threads: core.maintenanceThreads
        )
        for table in set.tables.indices {
            let isLast = Double(table + 1) / Double(set.tables.count)
            let (rows, lists) = Self.assigned(table, of: set, plan: plan)
            let curve = try convertingCorruption { () throws(CorruptionError) in
                try calibration.measure(
                    rows: rows,
                    lists: lists,
                    second: set.tables[table].isGlobal ? plan.secondLists : nil,
                    index: generation.tables[table],
                    heldOut: generation.heldOut(fromTable: table),
                    seed: options.seed &+ UInt64(table)
                ) { _ in report("calibrate", 0.55 + 0.15 * isLast) }
            }
            guard let curve else { throw MaintenanceCancellation.error }
            set.tables[table].calibration = curve
        }
    }

    /// The rows under a table, in the plan's order, with their lists.
    private static func assigned(
        _ table: Int,
        of set: CentroidSet,
        plan: SegmentPlan
    ) -> ([SegmentPlan.RowReference], [UInt32]) {
        if set.tables[table].isGlobal, let global = plan.globalLists {
            return (plan.rows, global.assignments)
        }
        guard let partition = plan.partitions.first(where: { $0.centroidTable == table }) else {
            return ([], [])
        }
        var lists: [UInt32] = []
        lists.reserveCapacity(partition.rows.count)
        for (list, count) in (partition.listCounts ?? []).enumerated() {
            lists += repeatElement(UInt32(list), count: Int(count))
        }
        return (Array(plan.rows[partition.rows]), lists)
    }

    private func persist(_ set: CentroidSet) throws(VectorStoreError) -> Manifest.CentroidEntry {
        do throws(StorageIOError) {
            return try CentroidFile.write(
                set,
                storeUUID: core.storeUUID,
                directory: core.paths.indexes,
                fileSystem: core.fileSystem
            )
        } catch {
            throw core.failed(error)
        }
    }
}
