package import StorageIO
import Synchronization

/// One open collection: its live set, replaced as a whole by every change.
///
/// Readers take `live` under a lock that is held for the time of one reference; only the holder of
/// the store's writing lock replaces it. Ids are looked up in memtables under a lock of their own, which
/// is held while changes are applied.
package final class CollectionState: Sendable {
    package let id: UInt32
    package let configuration: CollectionConfiguration
    /// Made once: a query must not pay for the table of attributes.
    let check: QueryCheck
    package let liveRecall: LiveRecall
    private let current: Mutex<LiveSet?>
    /// Held while ids in memtables are looked up or written.
    private let identifying = Mutex<Void>(())

    package init(
        id: UInt32,
        configuration: CollectionConfiguration,
        live: LiveSet,
        recallInterval: Int
    ) {
        self.id = id
        self.configuration = configuration
        check = QueryCheck(configuration)
        liveRecall = LiveRecall(interval: recallInterval)
        current = Mutex(live)
    }

    /// The live set in force; nil after the collection was dropped or the store closed.
    package var live: LiveSet? {
        current.withLock { $0 }
    }

    /// Replaces the live set.
    ///
    /// Only under the store's writing lock.
    package func replace(_ live: LiveSet?) {
        if let live {
            liveRecall.follow(live)
        } else {
            liveRecall.stop()
        }
        current.withLock { $0 = live }
    }

    /// Looks ids up and takes the live set in one step, so that the two belong together.
    ///
    /// - Throws: `CorruptionError` when an id map cannot be believed.
    package func locate(
        _ ids: [RecordID]
    ) throws(CorruptionError) -> (live: LiveSet, keys: [RowKey?])? {
        try identifying.withLock { (_) throws(CorruptionError) in
            guard let live else { return nil }
            let keys = try live.reading { () throws(CorruptionError) in
                var keys: [RowKey?] = []
                keys.reserveCapacity(ids.count)
                for id in ids { keys.append(try live.visibleRow(of: id)) }
                return keys
            }
            return (live, keys)
        }
    }

    /// Applies changes that the log holds, in order, and publishes the result as one live set.
    ///
    /// - Parameters:
    ///   - changes: The changes with their LSNs and, looked up before they were logged, the segment
    ///     rows that they hide.
    ///   - lsn: The LSN of the new live set, above that of the one before: an LSN names one state.
    package func apply(_ changes: [LocatedChange], lsn: UInt64) {
        identifying.withLock { _ in
            guard let before = live else { return }
            precondition(lsn > before.lsn, "two live sets at LSN \(lsn)")
            var editor = LiveSetEditor(before)
            for change in changes { editor.apply(change) }
            let after = editor.finish(lsn: lsn)
            current.withLock { $0 = after }
        }
    }
}

/// A change with its place in the write order and the segment row that it hides, if any.
package struct LocatedChange: Sendable {
    package var lsn: UInt64
    package var change: RowChange
    /// Index into the live set's segments, and the ordinal there.
    package var hides: (segment: Int, ordinal: Int)?

    package init(lsn: UInt64, change: RowChange, hides: (segment: Int, ordinal: Int)?) {
        self.lsn = lsn
        self.change = change
        self.hides = hides
    }
}

/// A live set taken apart to be changed.
private struct LiveSetEditor {
    let before: LiveSet
    var memtables: [MemtableView]
    var segments: [SegmentView]

    init(_ live: LiveSet) {
        before = live
        memtables = live.memtables
        segments = live.segments
    }

    mutating func apply(_ located: LocatedChange) {
        guard let active = memtables.indices.last else { return }
        hide(located)
        let memtable = memtables[active].memtable
        if memtable.firstLSN == 0 { memtable.firstLSN = located.lsn }
        memtable.lastLSN = located.lsn
        if case .upsert(let row) = located.change {
            let ordinal = memtable.append(row, lsn: located.lsn)
            memtables[active].rowCount = ordinal + 1
        }
    }

    private mutating func hide(_ located: LocatedChange) {
        for index in memtables.indices.reversed() {
            guard let ordinal = memtables[index].memtable.ordinal(of: located.change.id) else {
                continue
            }
            if !memtables[index].tombstones.contains(ordinal) {
                memtables[index].tombstones.insert(ordinal)
                return
            }
        }
        if let row = located.hides, !segments[row.segment].tombstones.contains(row.ordinal) {
            segments[row.segment].tombstones.insert(row.ordinal)
        }
    }

    func finish(lsn: UInt64) -> LiveSet {
        LiveSet(
            lsn: lsn,
            configuration: before.configuration,
            memtables: memtables,
            segments: segments,
            generations: before.generations,
            currentGeneration: before.currentGeneration
        )
    }
}
