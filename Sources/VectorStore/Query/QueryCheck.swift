import VectorMath

/// Checks a search against the collection's configuration.
struct QueryCheck {
    private let configuration: CollectionConfiguration
    let records: RecordCheck

    init(_ configuration: CollectionConfiguration) {
        self.configuration = configuration
        records = RecordCheck(configuration)
    }

    func check(_ query: SearchQuery) throws(VectorStoreError) -> CheckedQuery {
        guard (1...SearchQuery.maximumK).contains(query.k) else {
            throw invalid("k", "k is \(query.k); it must be 1 to \(SearchQuery.maximumK)")
        }
        guard query.recallTarget > 0, query.recallTarget <= 1 else {
            throw invalid(
                "recallTarget",
                "the recall target is \(query.recallTarget); it must be above 0 and at most 1"
            )
        }
        if let nprobe = query.nprobe, nprobe < 1 {
            throw invalid("nprobe", "nprobe is \(nprobe); it must be at least 1")
        }
        if let floor = query.minimumSimilarity, !floor.isFinite {
            throw invalid("minimumSimilarity", "the minimum similarity is \(floor)")
        }
        if let limit = query.timeLimit, limit <= .zero {
            throw invalid("timeLimit", "the time limit is \(limit); it must be above 0")
        }
        return CheckedQuery(
            vector: try records.unitVector(query.vector, row: nil, field: "vector"),
            k: query.k,
            partitions: try partitions(query.partitions),
            filter: try program(query.filter),
            floor: query.minimumSimilarity ?? -.infinity,
            recallTarget: query.recallTarget,
            nprobe: query.nprobe,
            deadline: query.timeLimit.map { MonotonicTime.now.advanced(by: $0) },
            clock: query.isProfiled ? PhaseClock() : nil
        )
    }

    func program(_ filter: Filter?) throws(VectorStoreError) -> FilterProgram? {
        guard let filter else { return nil }
        return try FilterProgram(filter, attributes: configuration.attributes)
    }

    /// Distinct partitions, checked.
    func partitions(_ partitions: [String]?) throws(VectorStoreError) -> [String]? {
        guard let partitions else { return nil }
        if partitions.count == 1 { return [try records.partition(partitions[0], row: nil)] }
        var seen: Set<PartitionName> = []
        var checked: [String] = []
        for partition in partitions {
            let name = try records.partition(partition, row: nil)
            if seen.insert(PartitionName(name)).inserted { checked.append(name) }
        }
        return checked
    }

    private func invalid(_ field: String, _ message: String) -> VectorStoreError {
        VectorStoreError(.invalidQuery, message, field: field)
    }
}
