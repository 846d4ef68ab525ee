/// How much of the truth was found.
package enum Recall {
    /// found ∩ true / k over the first k of both; with fewer than k true neighbours, over those.
    package static func at(_ k: Int, found: [Int], truth: [Int]) -> Double {
        let expected = Set(truth.prefix(k))
        guard !expected.isEmpty else { return 1 }
        return Double(expected.intersection(found.prefix(k)).count) / Double(expected.count)
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
    ) -> Double {
        let expected = truth.prefix(k)
        guard let last = expected.last else { return 1 }
        let near = Set(found.prefix(k).filter { $0.similarity >= last - tolerance }.map(\.row))
        return Double(min(near.count, expected.count)) / Double(expected.count)
    }
}
