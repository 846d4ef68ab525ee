/// When a write is acknowledged.
public enum Durability: Sendable, Hashable {
    /// After fdatasync(2) of the log: it survives power loss. The default.
    case sync
    /// After the log write: it survives the death of the process, and power loss may take back the
    /// writes of about the last so many milliseconds.
    case relaxed(milliseconds: Int)
}

/// How segments are read.
public enum SegmentAccess: Sendable, Hashable {
    /// Mapped into memory; the system keeps as much of them as it has room for. The default.
    case mapped
    /// Read block by block when first needed, with the same answers. A block that was read stays in
    /// memory until its segment is replaced. For file systems whose mappings cannot be trusted.
    case read
}

/// How a store is opened.
public struct StoreOptions: Sendable {
    /// Create the store when the directory is empty or absent.
    public var createIfMissing = true
    /// When writes are acknowledged.
    public var durability = Durability.sync
    /// How segments are read.
    public var segmentAccess = SegmentAccess.mapped
    /// A memtable of at least this many bytes is flushed to a segment.
    public var flushThresholdBytes = 64 << 20
    /// A log file of at least this many bytes is sealed and a new one begun.
    public var logFileByteCount = 64 << 20
    /// Beyond this many log files the collection that holds the oldest one back is flushed in the
    /// background, however little it has in memory.
    public var maximumLogFileCount = 4
    /// Merge segments in the background.
    public var automaticCompaction = true
    /// Build the first index, and rebuild it after fourfold growth, in the background.
    public var automaticIndexing = true
    /// Rows below which a collection or a partition is searched exactly rather than indexed.
    public var minimumIndexedRowCount = 32_768
    /// With less than this many bytes free on the disk, writes are refused until twice as many are.
    ///
    /// Deletes go on. Nil takes 256 MiB, or a twentieth of a smaller disk.
    public var minimumFreeByteCount: UInt64?
    /// Bytes set aside on the disk, which deletes and one compaction may use when it is full.
    ///
    /// Nil takes 32 MiB, or a twentieth of a smaller disk.
    public var ballastByteCount: UInt64?
    /// All files are read once a week in the background, no faster than this; 0 for never.
    ///
    /// What was found is in the statistics.
    public var scrubBytesPerSecond = 20 << 20
    /// One search in so many is answered a second time without leaving anything out, in the
    /// background, to measure recall as it is; 0 for none.
    public var liveRecallInterval = 256
    /// A store that is open for reading looks so often for what its writer has done; 0 for never.
    ///
    /// A look at unchanged files costs microseconds; one that finds something reads the log from the
    /// last flush on.
    public var followMilliseconds = 0
    /// Threads for training, assignment and exact scans of maintenance; 0 takes one a core.
    public var maintenanceThreadCount = 0

    /// Bytes that a rebuild, a compaction or an import may take; at least 64 MiB.
    ///
    /// Counted are the training sample, rows on their way into a segment, and some 64 bytes a row of the
    /// collection. Mapped files, which the system may drop at any time, and the memtables of writes are
    /// not.
    public var memoryLimitBytes = 1 << 30

    /// After so long without a write, a mark in the log says that the last frame was complete.
    package var idleMarkMilliseconds = 50

    /// By how much a search may take longer after a rebuild without being an objection to it.
    package var rebuildLeewayMicroseconds = 100.0

    /// The defaults.
    public init() {}
}

/// How an index is built.
public struct RebuildOptions: Sendable {
    /// What `nlist` may be.
    public static let nlistRange = 1...1 << 20

    /// Posting lists over the whole collection; nil chooses from the number of rows.
    public var nlist: Int?
    /// The seed of sampling and training: the same rows and seed give the same centroids.
    public var seed: UInt64 = 42
    /// Whether the new index takes the place of the one in force even if it finds less or takes longer.
    public var isForced = false

    /// The defaults.
    public init() {}

    /// Refuses what no rebuild can do.
    ///
    /// - Throws: `invalidQuery` that names the field.
    public func check() throws(VectorStoreError) {
        if let nlist, !Self.nlistRange.contains(nlist) {
            throw VectorStoreError(
                .invalidQuery,
                "nlist is \(nlist); it must be \(Self.nlistRange.lowerBound) to "
                    + "\(Self.nlistRange.upperBound)",
                field: "nlist"
            )
        }
    }
}
