/// Partitions by the number of their rows, in ten groups of about as many partitions.
package struct PartitionDeciles: Sendable {
    /// Fewest and most rows of a partition in each group, smallest first.
    package let sizes: [ClosedRange<Int>]
    private let groups: [UInt16: Int]

    package init(partitions: [UInt16]) {
        var counts: [UInt16: Int] = [:]
        for partition in partitions { counts[partition, default: 0] += 1 }
        let ordered = counts.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
        let groupCount = min(10, ordered.count)
        var sizes: [ClosedRange<Int>] = []
        var groups: [UInt16: Int] = [:]
        for group in 0..<groupCount {
            let range =
                group * ordered.count / groupCount..<(group + 1) * ordered.count / groupCount
            sizes.append(ordered[range.lowerBound].value...ordered[range.upperBound - 1].value)
            for entry in ordered[range] { groups[entry.key] = group }
        }
        self.sizes = sizes
        self.groups = groups
    }

    /// The group of a partition; nil when it has no rows.
    package func group(of partition: UInt16) -> Int? { groups[partition] }

    /// What the queries of one group got.
    package struct Score: Sendable {
        package var group: Int
        package var sizes: ClosedRange<Int>
        package var queries = 0
        package var recall = 0.0
        package var microseconds = 0.0
    }

    /// Mean recall and time of the queries of each group that has some.
    ///
    /// - Shapes: one entry a query in all three; a query without a true neighbour has no recall.
    package func scores(
        partitions: [UInt16],
        recalls: [Double?],
        nanoseconds: [UInt64]
    ) -> [Score] {
        var scores = sizes.enumerated().map { Score(group: $0.offset, sizes: $0.element) }
        for (query, partition) in partitions.enumerated() {
            guard let group = group(of: partition), let recall = recalls[query] else { continue }
            scores[group].queries += 1
            scores[group].recall += recall
            scores[group].microseconds += Double(nanoseconds[query]) / 1_000
        }
        return scores.filter { $0.queries > 0 }.map { score in
            var score = score
            score.recall /= Double(score.queries)
            score.microseconds /= Double(score.queries)
            return score
        }
    }
}
