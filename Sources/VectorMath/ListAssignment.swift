// The posting lists of rows: the nearest centroid, and a second list for rows near a border.
//
// - Candidates come from int8 scores; among all whose score could be the best but for rounding, float32
//   decides. Up to `ByteLists.flatCount` lists the answer is that of comparing with every centroid in
//   float32; beyond, that of comparing with the centroids of the nearest groups.
// - The second list is SOAR's (Sun et al., NeurIPS 2023, arXiv:2404.00774): it minimises
//   |x - c'|² + λ⟨r, x - c'⟩² / |r|² with r = x - c, so that a query for which the first list is badly
//   ranked finds the row in the second.

import CVectorKernels

/// Centroids ready for the assignment of many rows.
package struct ListAssignment: Sendable {
    package let nlist: Int
    package let dimension: Int
    private let centroids: [Float]
    private let lists: ByteLists

    /// Candidates for the second list.
    package static let secondCandidateCount = 16
    /// Standard deviations of the difference of two rounded scores that float32 is to settle.
    private static let deviations: Float = 7

    /// - Parameter centroids: `[nlist × dimension]`, unit length.
    package init(centroids: [Float], nlist: Int, dimension: Int, threads: Int) {
        self.init(
            centroids: centroids,
            nlist: nlist,
            dimension: dimension,
            threads: threads,
            flatCount: ByteLists.flatCount
        )
    }

    init(centroids: [Float], nlist: Int, dimension: Int, threads: Int, flatCount: Int) {
        self.centroids = centroids
        self.nlist = nlist
        self.dimension = dimension
        lists = ByteLists(
            centroids,
            nlist: nlist,
            dimension: dimension,
            threads: threads,
            flatCount: flatCount
        )
    }

    /// Finds the nearest list of each row, by dot product, of equals the smaller; and a second list by
    /// SOAR's loss among the 16 nearest.
    ///
    /// - Shapes: `rows` is `[count × stride]`, unit length; `first` and `second` are `[count]`. With one
    ///   list, both are that list.
    /// - Parameters:
    ///   - second: Nil when no second list is wanted.
    ///   - lambda: The weight of what both residuals have in common; 1 to 2.
    /// - Complexity: O(count × min(nlist, 17·√nlist) × dimension) int8 products.
    package func assign(
        rows: UnsafePointer<Float>,
        stride: Int,
        count: Int,
        first: UnsafeMutablePointer<UInt32>,
        second: UnsafeMutablePointer<UInt32>? = nil,
        lambda: Float = 1,
        threads: Int
    ) {
        // Each worker has rows of its own.
        nonisolated(unsafe) let (rows, first, second) = (rows, first, second)
        ParallelWorkers.forEachChunk(count: count, chunk: lists.chunkRowCount, threads: threads) {
            range in
            let bytes = RoundedRows(count: range.count, dimension: dimension)
            let wanted = second == nil ? 1 : min(Self.secondCandidateCount + 1, nlist)
            var errors = [Float](repeating: 0, count: range.count)
            for row in 0..<range.count {
                errors[row] = bytes.set(row, to: rows + (range.lowerBound + row) * stride)
            }
            var ranking = Ranking(capacity: nlist)
            lists.forEachScored(rows: bytes.bytes, count: range.count) { row, scores in
                let vector = rows + (range.lowerBound + row) * stride
                ranking.fill(
                    scores,
                    wanted: wanted,
                    slack: slack(error: errors[row], step: bytes.steps[row]),
                    vector: vector,
                    centroids: centroids,
                    dimension: dimension
                )
                first[range.lowerBound + row] = ranking.nearest.list
                if let second {
                    second[range.lowerBound + row] = soar(ranking, lambda: lambda)
                }
            }
        }
    }

    /// How far the score of the best list may fall behind by rounding.
    private func slack(error: Float, step: Float) -> Int32 {
        let deviation = (error * error + lists.error * lists.error).squareRoot()
        let unit = step * lists.step
        guard unit > 0 else { return 0 }
        let slack: Float = Self.deviations * deviation / Float(dimension).squareRoot() / unit
        return Int32(min(slack, 1_073_741_824))
    }

    private func soar(_ ranking: Ranking, lambda: Float) -> UInt32 {
        let nearest = ranking.nearest
        let residual = max(0, 2 - 2 * nearest.similarity)
        var best = nearest.list
        var least = Float.infinity
        centroids.withUnsafeBufferPointer { centroids in
            guard let base = centroids.baseAddress else { return }
            let own = base + Int(nearest.list) * dimension
            ranking.withOthers(Self.secondCandidateCount) { others, similarities in
                withUnsafeTemporaryAllocation(of: Float.self, capacity: others.count) { between in
                    guard let between = between.baseAddress, let ordinals = others.baseAddress
                    else { return }
                    Kernels.dotGather(
                        query: own,
                        base: base,
                        stride: dimension,
                        ordinals: ordinals,
                        count: others.count,
                        dimension: dimension,
                        into: between
                    )
                    for (slot, list) in others.enumerated() {
                        let distance = 2 - 2 * similarities[slot]
                        let along = 1 - similarities[slot] - nearest.similarity + between[slot]
                        var loss = distance
                        if residual > 1e-6 { loss += lambda * along * along / residual }
                        if loss < least || (loss == least && list < best) {
                            least = loss
                            best = list
                        }
                    }
                }
            }
        }
        return best
    }
}

/// The candidates of one row with their exact similarities, nearest first.
private struct Ranking {
    private var places: [UInt32]
    private var lists: [UInt32] = []
    private var similarities: [Float] = []

    init(capacity: Int) {
        places = [UInt32](repeating: 0, count: capacity + 16)
    }

    var nearest: (list: UInt32, similarity: Float) { (lists[0], similarities[0]) }

    mutating func fill(
        _ scores: ListScores,
        wanted: Int,
        slack: Int32,
        vector: UnsafePointer<Float>,
        centroids: [Float],
        dimension: Int
    ) {
        let found = vk_i8_reach(scores.scores, scores.count, wanted, slack, &places)
        lists.removeAll(keepingCapacity: true)
        for slot in 0..<found { lists.append(scores.list(at: Int(places[slot]))) }
        similarities = [Float](unsafeUninitializedCapacity: found) { target, filled in
            filled = found
            guard let target = target.baseAddress else { return }
            centroids.withUnsafeBufferPointer { centroids in
                guard let base = centroids.baseAddress else { return }
                Kernels.dotGather(
                    query: vector,
                    base: base,
                    stride: dimension,
                    ordinals: lists,
                    count: found,
                    dimension: dimension,
                    into: target
                )
            }
        }
        // Few: an insertion sort.
        for end in 1..<max(1, found) {
            var at = end
            while at > 0, precedes(at, at - 1) {
                lists.swapAt(at, at - 1)
                similarities.swapAt(at, at - 1)
                at -= 1
            }
        }
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        similarities[left] > similarities[right]
            || (similarities[left] == similarities[right] && lists[left] < lists[right])
    }

    /// The nearest after the first.
    func withOthers(
        _ count: Int,
        _ body: (UnsafeBufferPointer<UInt32>, UnsafePointer<Float>) -> Void
    ) {
        let count = min(count, lists.count - 1)
        guard count > 0 else { return }
        lists.withUnsafeBufferPointer { lists in
            similarities.withUnsafeBufferPointer { similarities in
                guard let similarities = similarities.baseAddress else { return }
                body(UnsafeBufferPointer(rebasing: lists[1...count]), similarities + 1)
            }
        }
    }
}
