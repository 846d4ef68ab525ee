// The live set: what a collection consists of, as a value in memory.
//
// - Immutable: every commit, flush, compaction and rebuild makes a new one.
// - Each live record is exactly one visible row of exactly one store; every older row of its id is
//   hidden by a tombstone.
// - A reader that holds a live set holds its files' mappings; their names may be gone.

import StorageIO

/// A segment with the rows that are hidden in it.
package struct SegmentView: Sendable {
    package var segment: Segment
    package var tombstones: TombstoneSet
    /// What the manifest says of the hidden rows; nil when it names no tombstone file.
    package var persistedTombstones: Manifest.TombstoneEntry?

    /// Visible rows.
    package var liveCount: Int { segment.rowCount - tombstones.count }
}

/// A memtable as far as a snapshot may read it.
package struct MemtableView: Sendable {
    package var memtable: Memtable
    package var rowCount: Int
    package var tombstones: TombstoneSet

    package init(memtable: Memtable, rowCount: Int, tombstones: TombstoneSet) {
        self.memtable = memtable
        self.rowCount = rowCount
        self.tombstones = tombstones
    }

    /// A new memtable without rows.
    package init(empty configuration: CollectionConfiguration) {
        self.init(
            memtable: Memtable(dimension: configuration.dimension),
            rowCount: 0,
            tombstones: TombstoneSet(rowCount: 0)
        )
    }

    /// Visible rows.
    package var liveCount: Int { rowCount - tombstones.count }
}

/// The files and memtables of one collection at one LSN.
package final class LiveSet: Sendable {
    package let lsn: UInt64
    package let configuration: CollectionConfiguration
    /// Oldest first; the last one takes new rows.
    package let memtables: [MemtableView]
    /// By segment id.
    package let segments: [SegmentView]
    /// The centroid sets that segments refer to and the one before them, by generation.
    package let generations: [UInt64: IndexGeneration]
    /// The generation that new segments are assigned under; 0 when there is none.
    package let currentGeneration: UInt64

    package init(
        lsn: UInt64,
        configuration: CollectionConfiguration,
        memtables: [MemtableView],
        segments: [SegmentView],
        generations: [UInt64: IndexGeneration],
        currentGeneration: UInt64
    ) {
        self.lsn = lsn
        self.configuration = configuration
        self.memtables = memtables
        self.segments = segments
        self.generations = generations
        self.currentGeneration = currentGeneration
    }

    /// The same live set with other memtables.
    package func with(memtables: [MemtableView]) -> LiveSet {
        LiveSet(
            lsn: lsn,
            configuration: configuration,
            memtables: memtables,
            segments: segments,
            generations: generations,
            currentGeneration: currentGeneration
        )
    }

    /// Records that a search can find.
    package var liveCount: Int {
        memtables.reduce(0) { $0 + $1.liveCount } + segments.reduce(0) { $0 + $1.liveCount }
    }

    /// The generation of the index in force.
    package var index: IndexGeneration? {
        generations[currentGeneration]
    }

    /// The generation that was in force before this one, if it is kept.
    package var previousGeneration: UInt64? {
        generations.keys.filter { $0 != currentGeneration }.max()
    }

    /// The store of a row key: memtables come first, then segments.
    package func store(_ index: Int) -> any RowStore {
        index < memtables.count
            ? memtables[index].memtable : segments[index - memtables.count].segment
    }

    /// The segment that is this store; nil for a memtable.
    func segment(ofStore index: Int) -> Segment? {
        index < memtables.count ? nil : segments[index - memtables.count].segment
    }

    package func isHidden(store index: Int, ordinal: Int) -> Bool {
        index < memtables.count
            ? memtables[index].tombstones.contains(ordinal)
            : segments[index - memtables.count].tombstones.contains(ordinal)
    }
}

/// Names one row of one store of a live set in 64 bits.
package struct RowKey: Hashable, Sendable {
    package var raw: UInt64

    package init(raw: UInt64) { self.raw = raw }

    package init(store: Int, ordinal: Int) {
        raw = UInt64(store) << 32 | UInt64(ordinal)
    }

    package var store: Int { Int(raw >> 32) }
    package var ordinal: Int { Int(raw & 0xFFFF_FFFF) }
}
