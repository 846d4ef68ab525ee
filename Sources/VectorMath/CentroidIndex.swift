/// Centroids ready for assignment and ranking.
package struct CentroidIndex: Sendable {
    /// `[nlist × dimension]`, unit length.
    package let centroids: [Float]
    package let nlist: Int
    package let dimension: Int

    /// What a query ranks the centroids by; nil in training.
    package let codes: CentroidCodes?

    /// - Parameter rotation: What codes are made under; without it there are none.
    package init(
        centroids: [Float],
        nlist: Int,
        dimension: Int,
        rotation: CodeRotation? = nil
    ) {
        precondition(centroids.count == nlist * dimension && nlist > 0)
        self.centroids = centroids
        self.nlist = nlist
        self.dimension = dimension
        codes = rotation.map { CentroidCodes(centroids, rotation: $0) }
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
