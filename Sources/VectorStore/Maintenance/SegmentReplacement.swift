// Replacing stores by segments: the part that flush, compaction and rebuild share.
//
// - Inputs are chosen with their tombstones at one moment S; rows hidden at S are not copied.
// - Rows hidden between S and the swap are found by comparing tombstones, under the writing lock,
//   and are hidden in the output too: the window starts at the version that the plan read.
// - The count of live rows before and after the swap must agree, or nothing is published.

import StorageIO

/// One input of a replacement, as it was at the moment of the plan.
enum ReplacementInput {
    case memtable(MemtableView)
    case segment(SegmentView)

    var store: any RowStore {
        switch self {
        case .memtable(let view): view.memtable
        case .segment(let view): view.segment
        }
    }

    var rowCount: Int {
        switch self {
        case .memtable(let view): view.rowCount
        case .segment(let view): view.segment.rowCount
        }
    }

    var tombstones: TombstoneSet {
        switch self {
        case .memtable(let view): view.tombstones
        case .segment(let view): view.tombstones
        }
    }

    /// The tombstones now, or nil when the live set no longer has the input.
    func currentTombstones(in live: LiveSet) -> TombstoneSet? {
        switch self {
        case .memtable(let view):
            live.memtables.first { $0.memtable === view.memtable }?.tombstones
        case .segment(let view):
            live.segments.first { $0.segment === view.segment }?.tombstones
        }
    }
}

/// Rows of several stores on their way into one segment.
struct SegmentReplacement {
    let inputs: [ReplacementInput]
    /// The visible rows at the time of the plan, in the order of the inputs.
    let rows: [SegmentPlan.RowReference]

    init(inputs: [ReplacementInput]) {
        self.inputs = inputs
        var rows: [SegmentPlan.RowReference] = []
        for (source, input) in inputs.enumerated() {
            let tombstones = input.tombstones
            rows.reserveCapacity(rows.count + input.rowCount - tombstones.count)
            for ordinal in 0..<input.rowCount where !tombstones.contains(ordinal) {
                rows.append(
                    SegmentPlan.RowReference(source: UInt32(source), ordinal: UInt32(ordinal))
                )
            }
        }
        self.rows = rows
    }

    /// The rows of the output that were hidden after the plan was made.
    ///
    /// - Returns: Tombstones over the output's ordinals; nil when an input is gone.
    func tombstones(
        forOutput plan: SegmentPlan,
        in live: LiveSet
    ) -> TombstoneSet? {
        var newlyHidden: [Set<UInt32>] = []
        var any = false
        for input in inputs {
            guard let now = input.currentTombstones(in: live) else { return nil }
            let before = input.tombstones
            var hidden: Set<UInt32> = []
            if now.count != before.count {
                for ordinal in 0..<input.rowCount
                where now.contains(ordinal) && !before.contains(ordinal) {
                    hidden.insert(UInt32(ordinal))
                    any = true
                }
            }
            newlyHidden.append(hidden)
        }
        var tombstones = TombstoneSet(rowCount: plan.rows.count)
        guard any else { return tombstones }
        for (ordinal, row) in plan.rows.enumerated()
        where newlyHidden[Int(row.source)].contains(row.ordinal) {
            tombstones.insert(ordinal)
        }
        return tombstones
    }

    func contains(_ memtable: Memtable) -> Bool {
        inputs.contains {
            if case .memtable(let view) = $0 { view.memtable === memtable } else { false }
        }
    }

    func contains(_ segment: Segment) -> Bool {
        inputs.contains {
            if case .segment(let view) = $0 { view.segment === segment } else { false }
        }
    }
}
