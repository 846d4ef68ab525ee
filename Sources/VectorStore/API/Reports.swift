/// What an acknowledged write did.
public struct WriteReceipt: Sendable, Hashable {
    /// The position in the write order of the last change; a search whose `lsn` is at least this sees it.
    public var lsn: UInt64
    /// Records written, or deleted records that existed.
    public var count: Int
    /// Whether this write was done before, under the same id, and not again.
    public var isRepeated = false
}

/// One page of a scan.
public struct ScanPage: Sendable {
    /// Records in a fixed order that has no meaning.
    public var records: [Record]
    /// Pass it to the next call; nil when this was the last page.
    public var nextCursor: String?
}

/// A running maintenance task's state, between 0 and 1.
public struct MaintenanceProgress: Sendable, Hashable {
    /// What is being done: `train`, `assign`, `calibrate`, `write`, `compare`, `publish`.
    public var phase: String
    /// The share of the whole task that is done.
    public var fraction: Double
}

/// What a rebuild did.
public struct RebuildReport: Sendable, Hashable {
    /// The number of the new index generation.
    public var generation: UInt64
    /// Live rows in it.
    public var rowCount: Int
    /// Posting lists over the whole collection; 0 when it is small enough to be searched exactly.
    public var nlist: Int
    /// Partitions that received posting lists of their own.
    public var indexedPartitionCount: Int
    /// Seconds by phase, in order.
    public var seconds: [Phase]
    /// The new index beside the one it replaced; nil when there was none.
    public var comparison: Comparison?

    /// Two indexes over the same rows.
    public struct Comparison: Sendable, Hashable {
        /// The index that was in force.
        public var before: Figures
        /// The new one.
        public var after: Figures
    }

    /// What searches for the neighbours of some rows showed, at a recall target of 0.95.
    public struct Figures: Sendable, Hashable {
        /// Recall@10.
        public var recall: Double
        /// The time in microseconds that 99 of 100 searches do not exceed.
        public var p99Microseconds: Double
        /// Codes and vectors that a search looks at, on average.
        public var codes: Double
    }

    /// A phase and its time.
    public struct Phase: Sendable, Hashable {
        /// The phase's name.
        public var name: String
        /// Its time in seconds.
        public var seconds: Double
    }
}

/// The state of one collection.
public struct CollectionStatistics: Sendable {
    /// The collection's configuration.
    public var configuration: CollectionConfiguration
    /// Records that a search can find.
    public var rowCount: Int
    /// Rows in segments that newer writes or deletes hide.
    public var deletedRowCount: Int
    /// Rows that are in memory and in the log only.
    public var memtableRowCount: Int
    /// Segment files.
    public var segmentCount: Int
    /// Bytes of segment files.
    public var segmentByteCount: UInt64
    /// The index generation; 0 when there is no index.
    public var indexGeneration: UInt64
    /// Posting lists over the whole collection.
    public var nlist: Int
    /// Partitions with posting lists of their own.
    public var indexedPartitionCount: Int
    /// Distinct partitions.
    public var partitionCount: Int
    /// Recall of the latest searches through posting lists, by the share of rows that their filters let
    /// pass; empty until some were measured.
    public var liveRecall: [LiveRecallReport] = []
    /// The share by which a rebuild would shorten the average search over the whole collection, 0 to 1,
    /// as reckoned from the sizes of posting lists; nil without an index over the whole.
    public var rebuildSavings: Double?
}

/// The state of the store.
public struct StoreStatistics: Sendable {
    /// The directory.
    public var path: String
    /// The store's own number: 32 hexadecimal digits, which copies of a store share.
    public var storeID: String
    /// The position of the last acknowledged change.
    public var lsn: UInt64
    /// The number of the manifest in force.
    public var manifestNumber: UInt64
    /// Bytes of log files.
    public var logByteCount: UInt64
    /// One entry a collection, by name.
    public var collections: [CollectionStatistics]
    /// What the last open had to do.
    public var recovery: RecoveryReport
    /// Why background work failed last, until work of that kind succeeds.
    public var maintenanceFailure: String?
    /// Whether writes are refused until there is more space on the disk; searches and deletes go on.
    public var isDiskFull: Bool
    /// What the last scrub found.
    public var scrub: ScrubStatus
    /// How a store that is open for reading keeps up with its writer.
    public var follow: FollowStatus
}

/// What a store that follows its writer has seen.
public struct FollowStatus: Sendable, Hashable {
    /// How often something new was found and read.
    public var refreshCount = 0
    /// Why the last look failed, nil when it did not.
    ///
    /// Searches go on with what was read before.
    public var failure: String?
}

/// What reading all files of an open store found.
public struct ScrubStatus: Sendable, Hashable {
    /// Passes that came to their end since the store was opened.
    public var passCount = 0
    /// Files read in the last pass.
    public var fileCount = 0
    /// Bytes read in the last pass.
    public var byteCount: UInt64 = 0
    /// Each problem of the last pass with file, offset and both values; empty when all was well.
    public var problems: [String] = []
}

/// What opening a store did.
public struct RecoveryReport: Sendable, Hashable {
    /// Batches replayed from the log.
    public var replayedBatchCount: Int
    /// Changes replayed from the log.
    public var replayedOperationCount: Int
    /// Bytes of an unfinished, never acknowledged tail that were dropped.
    public var discardedByteCount: UInt64
    /// Leftover files that were removed.
    public var removedFileCount: Int
    /// Whether the store had been closed properly.
    public var wasClean: Bool
}

/// What could be read of a damaged store.
public struct SalvageReport: Sendable {
    /// The manifest that was begun with.
    public var manifestNumber: UInt64
    /// Records in the new store.
    public var recordCount = 0
    /// Rows that the manifest counts and that could not be read.
    public var lostRowCount = 0
    /// Each problem with file, offset and both values.
    public var problems: [String] = []
}

/// What mending a damaged store takes, or took.
public struct RepairReport: Sendable {
    /// The manifest that the new store goes back to.
    public var manifestNumber: UInt64 = 0
    /// The position of the last change in the new store.
    public var lsn: UInt64 = 0
    /// Changes beyond `lsn` that the log tells of and that are given up.
    public var lostChangeCount: UInt64 = 0
    /// Each damage that was found, with file, offset and both values; empty when there is none.
    public var problems: [String] = []
    /// What is given up, a sentence each; empty when nothing is.
    public var losses: [String] = []
    /// Whether the new store was written: not when there is no damage, nor when something would be given
    /// up and that was not agreed to.
    public var isWritten = false
}

/// What a verification found.
public struct VerificationReport: Sendable {
    /// Files read in full.
    public var fileCount: Int
    /// Bytes read.
    public var byteCount: UInt64
    /// Each problem with file, offset and both values; empty when all is well.
    public var problems: [String]
}
