/// What a search did.
public struct SearchStatistics: Sendable, Hashable {
    /// How the answer was found.
    public enum Mode: String, Sendable, Hashable {
        /// Every matching row was compared.
        case exact
        /// Codes or int8 rows were looked at first: of the posting lists nearest to the query, of whole
        /// partitions, or of many rows that no flush has written yet.
        case probed
    }

    /// How far the answer can be relied on.
    public enum Exactness: Sendable, Hashable {
        /// Nothing nearer exists.
        case exact
        /// Something nearer may exist; `estimatedRecall` says how often.
        case estimated
        /// The search ended before it had looked at what it had planned to.
        case truncated(Truncation)
    }

    /// Why a search ended early.
    public enum Truncation: String, Sendable, Hashable {
        /// The query's time limit.
        case timeLimit = "time_limit"
    }

    /// How the answer was found.
    public var mode: Mode
    /// How far the answer can be relied on.
    public var exactness: Exactness
    /// Posting lists in the index used; 0 when none was.
    public var nlist: Int
    /// Posting lists that the recall target asked for, at the most: a search ends when a third of them in a
    /// row changed nothing.
    public var nprobe: Int
    /// Posting lists looked at, those of every segment counted.
    public var listsScanned = 0
    /// Blocks of 32 codes looked at.
    public var blocksScanned = 0
    /// Rows that were looked at by their one-bit codes.
    public var codesScanned = 0
    /// Rows that were looked at by their int8 vectors.
    public var byteRowsScanned = 0
    /// Rows whose exact distance was computed.
    public var rowsScanned: Int
    /// The expected share of the true k nearest in the answer, from calibration; 1 when exact.
    public var estimatedRecall: Double
    /// The position in the write order that the answer reflects.
    public var lsn: UInt64
    /// The time of each phase; nil unless the query asked for it.
    public var profile: SearchProfile?
}

/// Where the time of one search went.
public struct SearchProfile: Sendable, Hashable {
    /// Choosing what to look at, microseconds.
    public var plan = 0.0
    /// Comparing rows in memory that are in no segment yet, microseconds.
    public var memtable = 0.0
    /// Rotating the query and ranking centroids, microseconds.
    public var rank = 0.0
    /// Looking at codes and int8 rows, microseconds.
    public var scan = 0.0
    /// Comparing float32 rows, microseconds.
    public var compare = 0.0
    /// Putting matches in order, ids looked up, microseconds.
    public var order = 0.0
    /// Reading what the matches carry, microseconds.
    public var read = 0.0
    /// Page faults of the thread that needed no disk.
    public var minorFaults = 0
    /// Page faults of the thread that waited for the disk.
    public var majorFaults = 0

    /// The sum of all phases, microseconds.
    public var total: Double { plan + memtable + rank + scan + compare + order + read }

    /// The phases and their microseconds, in their order.
    public var phases: [(name: String, microseconds: Double)] {
        [
            ("plan", plan), ("memtable", memtable), ("rank", rank), ("scan", scan),
            ("compare", compare), ("order", order), ("read", read),
        ]
    }
}
