/// How much of the truth was found.
package enum Recall {
    /// found ∩ true / k over the first k of both; with fewer than k true neighbours, over those.
    ///
    /// - Returns: Nil without a true neighbour: where there is nothing to find, nothing was found well.
    package static func at(_ k: Int, found: [Int], truth: [Int]) -> Double? {
        let expected = Set(truth.prefix(k))
        guard !expected.isEmpty else { return nil }
        return Double(expected.intersection(found.prefix(k)).count) / Double(expected.count)
    }

    /// The mean over the queries that have a true neighbour; nil when none has.
    package static func mean(_ k: Int, found: [[Int]], truth: TruthFile) -> Double? {
        let each = found.enumerated().compactMap { query, rows in
            at(k, found: rows, truth: truth[query])
        }
        return each.isEmpty ? nil : each.reduce(0, +) / Double(each.count)
    }

    /// As `at(_:found:truth:)`, but a row that is as near as the last true neighbour counts although
    /// the truth names another of the same distance.
    ///
    /// `found` has exact similarities, `truth` those of the true neighbours, falling; a row counts when
    /// it lies no more than `tolerance` below the last.
    package static func atWithTies(
        _ k: Int,
        found: [(row: Int, similarity: Double)],
        truth: [Double],
        tolerance: Double = 1e-6
    ) -> Double? {
        let expected = truth.prefix(k)
        guard let last = expected.last else { return nil }
        let near = Set(found.prefix(k).filter { $0.similarity >= last - tolerance }.map(\.row))
        return Double(min(near.count, expected.count)) / Double(expected.count)
    }
}
