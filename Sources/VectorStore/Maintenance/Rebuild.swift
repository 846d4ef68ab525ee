// Rebuild: new centroids, a new index generation, one manifest.
//
// - Readers and writers go on. What is in memtables stays there; callers flush first, on the one thread
//   that flushes. Rows that are flushed meanwhile keep their old lists until the next
//   compaction; rows that are hidden meanwhile are hidden in the new segment too.
// - Memory is bounded by `StoreOptions.memoryLimitBytes`: the training sample takes what some 64 bytes a
//   row leave of it, half at the most; vectors are streamed from the mapped segments.

import StorageIO
import VectorMath

/// Trains an index on the live rows of a collection and rewrites them under it.
struct Rebuild {
    let core: StoreCore
    let collection: CollectionState
    let options: RebuildOptions
    let progress: (MaintenanceProgress) -> Bool

    /// Bytes of bookkeeping a row: references, lists and their order.
    private static let bookkeepingByteCount = 64

    /// What training may take of the limit when `rowCount` rows are rebuilt.
    static func sampleByteCount(limit: Int, rowCount: Int) -> Int {
        max(16 << 20, min(limit / 2, limit - rowCount * bookkeepingByteCount - limit / 8))
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

    /// One table to be trained.
    private struct Scope {
        var partition: String?
        var rows: [SegmentPlan.RowReference]
        var nlist: Int
    }

    /// Posting lists for a collection of `rowCount` rows.
    ///
    /// About 6·√n, and lists of 48 to 64 rows: blocks of 32 codes are not mostly padding, and a
    /// million rows are not in lists so long that few of them cost more than they tell apart.
    static func defaultNlist(rowCount: Int) -> Int {
        let rows = Double(rowCount)
        let wanted = min(max(6 * rows.squareRoot(), rows / 64), rows / 48)
        return max(16, min(65_536, Int(wanted / 16) * 16))
    }

    func run() throws(VectorStoreError) -> RebuildReport {
        let watch = Stopwatch()
        guard let live = collection.live else { throw MaintenanceCancellation.error }
        let replacement = SegmentReplacement(inputs: live.segments.map { .segment($0) })
        let sources = replacement.inputs.map(\.store)
        watch.lap("plan")

        let scopes = scopes(replacement.rows, sources: sources, configuration: live.configuration)
        let number = core.takeGeneration()
        var tables: [CentroidTable] = []
        for (index, scope) in scopes.enumerated() {
            let base = 0.4 * Double(index) / Double(scopes.count)
            tables.append(
                try train(scope, sources: sources, dimension: live.configuration.dimension) {
                    report("train", base + 0.4 * $0 / Double(scopes.count))
                }
            )
        }
        watch.lap("train")

        var set = CentroidSet(
            generation: number,
            collectionID: collection.id,
            dimension: live.configuration.dimension,
            seed: options.seed,
            tables: tables
        )
        let generation = scopes.isEmpty ? nil : IndexGeneration(set)
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
        let calibrated = scopes.isEmpty ? nil : IndexGeneration(set)
        watch.lap("calibrate")

        var output = SegmentSwap.Output(plan: plan, segment: nil, description: nil)
        if !plan.rows.isEmpty {
            let built = try SegmentBuild(core: core, collection: collection).write(
                plan,
                sources: sources,
                generation: calibrated,
                isCalibrated: true
            ) { report("write", 0.7 + 0.29 * $0) }
            guard let built else { throw MaintenanceCancellation.error }
            output.segment = built.segment
            output.description = built.description
        }
        if let calibrated { output.generation = (calibrated, try persist(set)) }
        watch.lap("write")
        _ = report("publish", 0.99)
        try SegmentSwap(core: core, collection: collection).publish(
            replacement,
            output: output,
            persisted: [:]
        )
        watch.lap("publish")
        _ = report("publish", 1)
        return RebuildReport(
            generation: calibrated?.number ?? 0,
            rowCount: plan.rows.count,
            nlist: set.tables.first { $0.isGlobal }?.nlist ?? 0,
            indexedPartitionCount: set.tables.filter { !$0.isGlobal }.count,
            seconds: watch.phases
        )
    }

    private func report(_ phase: String, _ fraction: Double) -> Bool {
        progress(MaintenanceProgress(phase: phase, fraction: fraction))
    }

    // MARK: - What is trained

    private func scopes(
        _ rows: [SegmentPlan.RowReference],
        sources: [any RowStore],
        configuration: CollectionConfiguration
    ) -> [Scope] {
        var scopes: [Scope] = []
        let minimum = core.options.minimumIndexedRowCount
        if rows.count >= max(minimum, 2) || (options.nlist != nil && rows.count > 1) {
            let nlist = options.nlist ?? Self.defaultNlist(rowCount: rows.count)
            scopes.append(Scope(partition: nil, rows: rows, nlist: min(nlist, rows.count)))
        }
        guard configuration.partitionKey != nil else { return scopes }
        var members: [PartitionName: [SegmentPlan.RowReference]] = [:]
        for row in rows {
            let key = PartitionName(sources[Int(row.source)].partition(at: Int(row.ordinal)))
            members[key, default: []].append(row)
        }
        for (key, rows) in members.sorted(by: { $0.key < $1.key })
        where rows.count >= max(minimum, 2) {
            scopes.append(
                Scope(
                    partition: key.text,
                    rows: rows,
                    nlist: Self.defaultNlist(rowCount: rows.count)
                )
            )
        }
        return scopes
    }

    private func train(
        _ scope: Scope,
        sources: [any RowStore],
        dimension: Int,
        progress: @escaping (Double) -> Bool
    ) throws(VectorStoreError) -> CentroidTable {
        var options = KMeansOptions(nlist: scope.nlist, dimension: dimension)
        options.seed = self.options.seed
        options.threads = core.maintenanceThreads
        options.maximumSampleByteCount = Self.sampleByteCount(
            limit: core.options.memoryLimitBytes,
            rowCount: scope.rows.count
        )
        var failure: CorruptionError?
        let rows = scope.rows
        let centroids = KMeans.train(
            count: rows.count,
            options: options,
            loadRows: { ordinals, target in
                for (slot, ordinal) in ordinals.enumerated() {
                    let row = rows[ordinal]
                    do throws(CorruptionError) {
                        let vector = try sources[Int(row.source)].vector(at: Int(row.ordinal))
                        (target + slot * dimension).update(from: vector, count: dimension)
                    } catch {
                        failure = error
                        (target + slot * dimension).update(repeating: 0, count: dimension)
                    }
                }
            },
            progress: progress
        )
        if let failure { throw VectorStoreError(corruption: failure) }
        guard let centroids else { throw MaintenanceCancellation.error }
        return CentroidTable(
            partition: scope.partition,
            nlist: centroids.count / dimension,
            centroids: centroids,
            trainedRowCount: UInt64(rows.count),
            calibration: RecallCurve.exact(nlist: centroids.count / dimension)
        )
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
