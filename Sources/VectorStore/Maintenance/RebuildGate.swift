// Whether a new index may take the place of the one in force.
//
// - Rows spread over the collection are searched for their neighbours in the segments that are there and in
//   the one that would replace them: both hold the same rows.
// - Recall is judged by similarity, which is that of the float32 vectors in both, beside a search that
//   leaves no list out.
// - What seems to find too little is asked four times as many queries before it is believed: of a hundred
//   the mean recall is off by a hundredth by chance.
// - The searches of both take turns, and of several times each query's least counts, so that what else
//   the machine does weighs on neither. What looks too slow is measured again before it is believed.

import StorageIO
import VectorMath

/// Compares a segment under a new generation with the segments that it would replace.
struct RebuildGate {
    let live: LiveSet
    let inputs: [ReplacementInput]
    /// By how much a search may take longer in any case.
    let leewayMicroseconds: Double

    /// How many queries are asked, and how many before an objection to the recall is believed.
    static let (queryCount, mostQueryCount) = (100, 400)
    /// How often each query is asked, and how often before an objection to the time is believed.
    static let (rounds, mostRounds) = (3, 15)
    private static let k = 10
    private static let target = 0.95

    /// - Returns: nil when `goesOn` returned false.
    func compare(
        with segment: Segment,
        generation: IndexGeneration,
        goesOn: () -> Bool
    ) throws(CorruptionError) -> RebuildReport.Comparison? {
        let first = try compare(
            with: segment,
            generation: generation,
            queryCount: Self.queryCount,
            goesOn: goesOn
        )
        guard let first, findsLess(first), segment.rowCount > Self.queryCount else { return first }
        return try compare(
            with: segment,
            generation: generation,
            queryCount: Self.mostQueryCount,
            goesOn: goesOn
        )
    }

    private func compare(
        with segment: Segment,
        generation: IndexGeneration,
        queryCount: Int,
        goesOn: () -> Bool
    ) throws(CorruptionError) -> RebuildReport.Comparison? {
        let views = inputs.compactMap { input in
            if case .segment(let view) = input { view } else { nil }
        }
        let before = Searcher(live: set(of: views, live.generations, live.currentGeneration))
        let whole = SegmentView(
            segment: segment,
            tombstones: TombstoneSet(rowCount: segment.rowCount),
            persistedTombstones: nil
        )
        let after = Searcher(
            live: set(of: [whole], [generation.number: generation], generation.number)
        )
        var (old, new) = (Side(), Side())
        var queries: [CheckedQuery] = []
        let step = max(1, segment.rowCount / queryCount)
        for row in stride(from: step / 2, to: segment.rowCount, by: step) {
            guard goesOn() else { return nil }
            let vector = Array(
                UnsafeBufferPointer(
                    start: try segment.vector(at: row),
                    count: live.configuration.dimension
                )
            )
            let query = CheckedQuery(
                vector: vector,
                k: Self.k + 1,
                floor: -.infinity,
                recallTarget: Self.target
            )
            let truth = try after.searchThoroughly(query).sorted().map(\.score)
            guard let least = truth.last else { continue }
            queries.append(query)
            try old.take(query, before, reaching: least, of: truth.count)
            try new.take(query, after, reaching: least, of: truth.count)
        }
        func comparison() -> RebuildReport.Comparison {
            RebuildReport.Comparison(before: old.figures, after: new.figures)
        }
        var round = 1
        while round < Self.rounds || (round < Self.mostRounds && isSlower(comparison())) {
            for (place, query) in queries.enumerated() {
                guard goesOn() else { return nil }
                try old.repeat(query, before, place: place)
                try new.repeat(query, after, place: place)
            }
            round += 1
        }
        return comparison()
    }

    private func findsLess(_ comparison: RebuildReport.Comparison) -> Bool {
        comparison.after.recall < min(comparison.before.recall, Self.target) - 0.02
    }

    private func isSlower(_ comparison: RebuildReport.Comparison) -> Bool {
        comparison.after.p99Microseconds
            > 1.5 * comparison.before.p99Microseconds + leewayMicroseconds
    }

    private func set(
        of segments: [SegmentView],
        _ generations: [UInt64: IndexGeneration],
        _ current: UInt64
    ) -> LiveSet {
        LiveSet(
            lsn: live.lsn,
            configuration: live.configuration,
            memtables: [],
            segments: segments,
            generations: generations,
            currentGeneration: current
        )
    }

    /// What one of the two indexes showed.
    private struct Side {
        private var found = 0
        private var wanted = 0
        private var codes = 0
        private var microseconds: [Double] = []

        /// Asks a query for the first time.
        ///
        /// The row that the query was made from is among the results of both and does not count.
        mutating func take(
            _ query: CheckedQuery,
            _ searcher: Searcher,
            reaching least: Float,
            of count: Int
        ) throws(CorruptionError) {
            let start = MonotonicTime.now
            let outcome = try searcher.search(query)
            microseconds.append(MonotonicTime.now.microseconds(since: start))
            found += max(0, min(count, outcome.rows.count { $0.score >= least }) - 1)
            wanted += max(0, count - 1)
            codes += outcome.statistics.codesScanned + outcome.statistics.rowsScanned
        }

        /// Asks a query again.
        mutating func `repeat`(
            _ query: CheckedQuery,
            _ searcher: Searcher,
            place: Int
        ) throws(CorruptionError) {
            let start = MonotonicTime.now
            _ = try searcher.search(query)
            let taken = MonotonicTime.now.microseconds(since: start)
            microseconds[place] = min(microseconds[place], taken)
        }

        var figures: RebuildReport.Figures {
            let sorted = microseconds.sorted()
            let place = max(0, min(sorted.count - 1, (sorted.count * 99 + 99) / 100 - 1))
            return RebuildReport.Figures(
                recall: wanted == 0 ? 1 : Double(found) / Double(wanted),
                p99Microseconds: sorted.isEmpty ? 0 : sorted[place],
                codes: sorted.isEmpty ? 0 : Double(codes) / Double(sorted.count)
            )
        }
    }

    /// What speaks against the new index; nil when nothing does.
    ///
    /// Recall may be lower only where it reaches the target all the same. A search may take half as long
    /// again and some microseconds more: an index over more rows than the old one was trained on is not
    /// always faster for all, and small ones are quick in any case.
    func objection(to comparison: RebuildReport.Comparison) -> String? {
        let (before, after) = (comparison.before, comparison.after)
        func percent(_ recall: Double) -> String { Self.decimals(recall * 100) + " %" }
        if findsLess(comparison) {
            return "recall@\(Self.k) \(percent(after.recall)), where it is "
                + "\(percent(before.recall)) now"
        }
        if isSlower(comparison) {
            return "99 of 100 searches within \(Self.decimals(after.p99Microseconds)) µs, "
                + "where it is \(Self.decimals(before.p99Microseconds)) µs now"
        }
        return nil
    }

    private static func decimals(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
