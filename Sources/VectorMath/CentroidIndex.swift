/// Centroids ready for assignment and ranking.
package struct CentroidIndex: Sendable {
    /// `[nlist × dimension]`, unit length.
    package let centroids: [Float]
    package let nlist: Int
    package let dimension: Int

    package init(centroids: [Float], nlist: Int, dimension: Int) {
        precondition(centroids.count == nlist * dimension && nlist > 0)
        self.centroids = centroids
        self.nlist = nlist
        self.dimension = dimension
    }

    /// Rows scored together; with 2,048 centroids their scores take 512 KB.
    private static let rowsPerBlock = 64

    /// The nearest centroid of each row, by dot product; of equals the smaller list.
    ///
    /// - Shapes: `rows` is `[count × stride]`, `lists` is `[count]`.
    /// - Complexity: O(count × nlist × dimension).
    package func nearest(
        rows: UnsafePointer<Float>,
        stride: Int,
        count: Int,
        into lists: UnsafeMutablePointer<UInt32>,
        threads: Int
    ) {
        nonisolated(unsafe) let (rows, lists) = (rows, lists)  // Each worker has rows of its own.
        ParallelWorkers.forEachChunk(count: count, chunk: Self.rowsPerBlock, threads: threads) {
            range in
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
                        lists[row] = UInt32(Self.indexOfMaximum(scores + slot * nlist, nlist))
                    }
                }
            }
        }
    }

    /// The `count` lists nearest to a query, nearest first; of equals the smaller list first.
    package func nearest(
        to query: [Float],
        count: Int
    ) -> [(list: UInt32, similarity: Float)] {
        let wanted = min(count, nlist)
        guard wanted > 0 else { return [] }
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: nlist) { scores in
            guard let out = scores.baseAddress else { return [] }
            centroids.withUnsafeBufferPointer { centroids in
                query.withUnsafeBufferPointer { query in
                    guard let rows = centroids.baseAddress, let query = query.baseAddress else {
                        return
                    }
                    Kernels.dotRows(
                        query: query,
                        rows: rows,
                        stride: dimension,
                        count: nlist,
                        dimension: dimension,
                        into: out
                    )
                }
            }
            return Self.best(out, count: nlist, wanted: wanted)
        }
    }

    private static func best(
        _ scores: UnsafePointer<Float>,
        count: Int,
        wanted: Int
    ) -> [(list: UInt32, similarity: Float)] {
        if wanted * 4 >= count {
            return (0..<UInt32(count)).sorted {
                scores[Int($0)] != scores[Int($1)]
                    ? scores[Int($0)] > scores[Int($1)] : $0 < $1
            }.prefix(wanted).map { ($0, scores[Int($0)]) }
        }
        var best = TopK(k: wanted)
        for list in 0..<count where scores[list] > best.threshold || best.count < wanted {
            best.offer(score: scores[list], key: UInt64(list))
        }
        return best.sorted().map { (UInt32($0.key), $0.score) }
    }

    private static func indexOfMaximum(_ scores: UnsafePointer<Float>, _ count: Int) -> Int {
        var best = 0
        var value = scores[0]
        for index in 1..<count where scores[index] > value {
            value = scores[index]
            best = index
        }
        return best
    }
}
