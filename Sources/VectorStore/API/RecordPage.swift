import StorageIO

/// One page of a scan whose records are read piece by piece, all of them as of the moment of the page.
///
/// It takes a few dozen bytes a record, and it keeps everything that the collection was in that moment: files that a
/// compaction has replaced since, and memtables that a flush has. Let go of it when it was read.
public struct RecordPage: Sendable {
    /// Pass it to the next call; nil when this is the last page.
    public let nextCursor: String?
    private let live: LiveSet
    private let keys: [RowKey]
    private let include: IncludedFields

    init(live: LiveSet, keys: [RowKey], nextCursor: String?, include: IncludedFields) {
        self.live = live
        self.keys = keys
        self.nextCursor = nextCursor
        self.include = include
    }

    /// How many records the page has.
    public var count: Int { keys.count }

    /// Reads some of its records; blocks.
    ///
    /// - Parameter range: Within 0 to `count`.
    /// - Throws: `corruption` when a row cannot be read.
    public func records(_ range: Range<Int>) throws(VectorStoreError) -> [Record] {
        try convertingCorruption { () throws(CorruptionError) in
            try live.reading { () throws(CorruptionError) in
                var records: [Record] = []
                records.reserveCapacity(range.count)
                for key in keys[range] { records.append(try live.record(key, include: include)) }
                return records
            }
        }
    }
}
