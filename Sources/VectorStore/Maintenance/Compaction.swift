// Compaction: several segments → one, without the rows that are hidden.
//
// - Size-tiered: segments whose sizes are within a factor of four form a tier; a tier of four or more
//   is merged. A segment of which a third is hidden is rewritten alone.
// - Every input block is verified as it is read, so that damage is not laundered under fresh checksums.

import StorageIO
import VectorMath

/// Chooses what to merge.
enum CompactionPolicy {
    static let tierRatio = 4.0
    static let tierCount = 4
    static let hiddenShare = 1.0 / 3
    /// Segments below this many bytes share the lowest tier.
    static let smallestTierBytes = 1 << 20
    /// Tiers above this are merged by a rebuild only.
    static let largestInputBytes: UInt64 = 8 << 30

    /// The segments to merge next, if any.
    static func choose(_ segments: [SegmentView]) -> [SegmentView]? {
        var tiers: [Int: [SegmentView]] = [:]
        for view in segments where view.segment.byteCount <= largestInputBytes {
            tiers[tier(of: view), default: []].append(view)
        }
        for (_, members) in tiers.sorted(by: { $0.key < $1.key }) where members.count >= tierCount {
            return members
        }
        return segments.first { view in
            view.segment.rowCount > 0
                && Double(view.tombstones.count)
                    >= Double(view.segment.rowCount) * hiddenShare
        }.map { [$0] }
    }

    private static func tier(of view: SegmentView) -> Int {
        var size = Double(max(view.segment.byteCount, UInt64(smallestTierBytes)))
        var tier = 0
        while size >= Double(smallestTierBytes) * tierRatio {
            size /= tierRatio
            tier += 1
        }
        return tier
    }
}

/// Merges segments of a collection under its current index.
struct Compaction {
    let core: StoreCore
    let collection: CollectionState

    /// Merges what the policy asks for; returns whether anything was merged.
    func runIfNeeded() throws(VectorStoreError) -> Bool {
        guard let live = collection.live, let chosen = CompactionPolicy.choose(live.segments) else {
            return false
        }
        return try merge(chosen) { _ in true }
    }

    /// Merges all segments into one.
    func runFully(
        progress: @escaping (MaintenanceProgress) -> Bool
    ) throws(VectorStoreError) {
        guard let live = collection.live, !live.segments.isEmpty else { return }
        let isDone =
            live.segments.count == 1 && live.segments[0].tombstones.isEmpty
            && live.segments[0].segment.indexGeneration == live.currentGeneration
        if isDone { return }
        _ = try merge(live.segments, progress: progress)
    }

    private func merge(
        _ views: [SegmentView],
        progress: @escaping (MaintenanceProgress) -> Bool
    ) throws(VectorStoreError) -> Bool {
        guard let live = collection.live else { return false }
        let replacement = SegmentReplacement(inputs: views.map { .segment($0) })
        let output = try WorkThread.inBackground { () throws(VectorStoreError) in
            try build(replacement, live: live, progress: progress)
        }
        try SegmentSwap(core: core, collection: collection).publish(
            replacement,
            output: output,
            persisted: [:]
        )
        return true
    }

    private func build(
        _ replacement: SegmentReplacement,
        live: LiveSet,
        progress: @escaping (MaintenanceProgress) -> Bool
    ) throws(VectorStoreError) -> SegmentSwap.Output {
        let sources = replacement.inputs.map(\.store)
        let generation = live.index
        let planner = RowPlanner(
            configuration: live.configuration,
            sources: sources,
            generation: generation,
            threads: core.maintenanceThreads
        )
        let plan = try convertingCorruption { () throws(CorruptionError) in
            try planner.plan(replacement.rows) {
                progress(MaintenanceProgress(phase: "assign", fraction: $0 * 0.4))
            }
        }
        guard let plan else { throw MaintenanceCancellation.error }
        var output = SegmentSwap.Output(plan: plan, segment: nil, description: nil)
        if !plan.rows.isEmpty {
            let built = try SegmentBuild(core: core, collection: collection).write(
                plan,
                sources: sources,
                generation: generation
            ) { progress(MaintenanceProgress(phase: "write", fraction: 0.4 + $0 * 0.6)) }
            guard let built else { throw MaintenanceCancellation.error }
            output.segment = built.segment
            output.description = built.description
        }
        return output
    }
}

/// What a cancelled maintenance throws.
enum MaintenanceCancellation {
    static var error: VectorStoreError {
        VectorStoreError(.cancelled, "the operation was cancelled; nothing was changed")
    }
}
