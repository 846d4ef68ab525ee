/// The second list of rows (SOAR: Sun, Guo, Kumar et al., arXiv:2404.00774).
///
/// A query for which a row's first list is misleading should find it elsewhere: the second list is the one
/// whose residual is short and has little in common with the first residual.
package struct SpillRule: Sendable {
    /// Weight of what both residuals have in common.
    package var lambda: Float = 1
    /// Nearest lists that are considered.
    package var candidateCount = 16

    package init() {}
}

extension CentroidIndex {
    /// The nearest centroid of each row, and the list that the rule chooses beside it; the same one twice
    /// when there is only one.
    ///
    /// - Shapes: `rows` is `[count × stride]`, unit length; `first` and `second` are `[count]`.
    /// - Complexity: O(count × nlist × dimension).
    package func nearestTwo(
        rows: UnsafePointer<Float>,
        stride: Int,
        count: Int,
        rule: SpillRule = SpillRule(),
        first: UnsafeMutablePointer<UInt32>,
        second: UnsafeMutablePointer<UInt32>,
        threads: Int
    ) {
        // Each worker has rows of its own.
        nonisolated(unsafe) let (rows, first, second) = (rows, first, second)
        ParallelWorkers.forEachChunk(count: count, chunk: 64, threads: threads) { range in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: range.count * nlist) { scores in
                centroids.withUnsafeBufferPointer { centroids in
                    guard let scores = scores.baseAddress, let b = centroids.baseAddress else {
                        return
                    }
                    Kernels.dotBlock(
                        a: rows + range.lowerBound * stride,
                        aStride: stride,
                        aCount: range.count,
                        b: b,
                        bStride: dimension,
                        bCount: nlist,
                        dimension: dimension,
                        into: scores,
                        leadingDimension: nlist
                    )
                    for (slot, row) in range.enumerated() {
                        let near = Self.nearest(
                            scores + slot * nlist,
                            nlist,
                            count: min(rule.candidateCount, nlist)
                        )
                        first[row] = near[0].list
                        second[row] = spill(near, centroids: b, rule: rule)
                    }
                }
            }
        }
    }

    /// The best scores, best first; of equals the smaller list first.
    private static func nearest(
        _ scores: UnsafePointer<Float>,
        _ nlist: Int,
        count: Int
    ) -> [(score: Float, list: UInt32)] {
        var best: [(score: Float, list: UInt32)] = []
        best.reserveCapacity(count + 1)
        var worst = -Float.infinity
        for list in 0..<nlist where scores[list] > worst || best.count < count {
            let score = scores[list]
            var place = best.count
            while place > 0, best[place - 1].score < score { place -= 1 }
            best.insert((score, UInt32(list)), at: place)
            if best.count > count { best.removeLast() }
            if best.count == count { worst = best[count - 1].score }
        }
        return best
    }

    private func spill(
        _ near: [(score: Float, list: UInt32)],
        centroids: UnsafePointer<Float>,
        rule: SpillRule
    ) -> UInt32 {
        let own = near[0]
        let center = centroids + Int(own.list) * dimension
        let residual = max(2 - 2 * own.score, 1e-9)
        var (best, cost) = (own.list, Float.infinity)
        for other in near.dropFirst() {
            var between: Float = 0
            Kernels.dotRows(
                query: center,
                rows: centroids + Int(other.list) * dimension,
                stride: dimension,
                count: 1,
                dimension: dimension,
                into: &between
            )
            // <x - c, x - c'> of unit vectors.
            let common = 1 - other.score - own.score + between
            let own = 2 - 2 * other.score + rule.lambda * common * common / residual
            if own < cost { (best, cost) = (other.list, own) }
        }
        return best
    }
}
