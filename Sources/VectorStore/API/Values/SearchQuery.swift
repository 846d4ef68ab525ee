/// A search for the nearest records of one vector.
public struct SearchQuery: Sendable {
    /// `[dimension]`, finite and not all zero; any length, the direction counts.
    public var vector: [Float]
    /// How many matches are asked for, 1 to 10,000.
    ///
    /// Fewer come back only when fewer records match.
    public var k: Int
    /// Search only these partitions; nil searches the whole collection.
    public var partitions: [String]?
    /// Search only records that match.
    public var filter: Filter?
    /// Return only records whose cosine similarity is strictly greater.
    public var minimumSimilarity: Float?
    /// The share of the true k nearest to find, on average; 1 is exact.
    ///
    /// Above 0, at most 1.
    public var recallTarget: Double
    /// For measurements: the number of posting lists to visit, all of them, in place of what the recall
    /// target asks.
    public var nprobe: Int?
    /// What the matches carry.
    public var include: IncludedFields
    /// The time after which the best matches found so far are returned, above 0; nil for no limit.
    ///
    /// The answer's statistics say when it was reached.
    public var timeLimit: Duration?
    /// Whether the answer's statistics tell the time of each phase and the page faults.
    public var isProfiled = false

    /// The largest `k`.
    public static let maximumK = 10_000

    /// Makes a query.
    public init(
        vector: [Float],
        k: Int,
        partition: String? = nil,
        filter: Filter? = nil,
        minimumSimilarity: Float? = nil,
        recallTarget: Double = 0.95,
        nprobe: Int? = nil,
        include: IncludedFields = [.attributes, .payload],
        timeLimit: Duration? = nil
    ) {
        self.vector = vector
        self.k = k
        self.partitions = partition.map { [$0] }
        self.filter = filter
        self.minimumSimilarity = minimumSimilarity
        self.recallTarget = recallTarget
        self.nprobe = nprobe
        self.include = include
        self.timeLimit = timeLimit
    }
}

/// One record of an answer.
public struct Match: Sendable, Hashable {
    /// The record's id.
    public var id: RecordID
    /// The cosine distance, 0 to 2, computed in float32 from the stored vector.
    public var distance: Float
    /// The record's partition, if the collection has partitions.
    public var partition: String?
    /// The declared attributes, if asked for.
    public var attributes: [String: AttributeValue]
    /// The payload, if asked for and present.
    public var payload: [UInt8]?
    /// The vector at unit length, if asked for.
    public var vector: [Float]?

    /// The cosine similarity, 1 − distance.
    public var similarity: Float {
        1 - distance
    }

    /// The payload as text; bytes that are not UTF-8 are repaired.
    public var payloadText: String? {
        payload.map { String(decoding: $0, as: UTF8.self) }
    }
}

/// The answer to a search.
public struct SearchResult: Sendable {
    /// Nearest first; ties by id.
    public var matches: [Match]
    /// What the search did.
    public var statistics: SearchStatistics
}
