import CVectorKernels

extension CentroidIndex {
    /// A posting list and the similarity of its centroid to a query.
    package struct Ranked: Sendable {
        package var list: UInt32
        package var similarity: Float

        init(list: UInt32, similarity: Float) {
            self.list = list
            self.similarity = similarity
        }

        /// Orders by falling similarity, then by rising list, as one integer comparison.
        fileprivate var sortKey: UInt64 {
            let bits = similarity.bitPattern
            let rising = bits >> 31 == 0 ? bits | 0x8000_0000 : ~bits
            return UInt64(~rising) << 32 | UInt64(list)
        }

        fileprivate init(sortKey: UInt64) {
            let rising = ~UInt32(truncatingIfNeeded: sortKey >> 32)
            let bits = rising >> 31 == 1 ? rising & 0x7FFF_FFFF : ~rising
            list = UInt32(truncatingIfNeeded: sortKey)
            similarity = Float(bitPattern: bits)
        }
    }

    /// The `count` lists nearest to a query, nearest first; of equals the smaller list first.
    ///
    /// - Parameter code: The query under the rotation of the index. With it the candidates of a large
    ///   index are chosen by their codes, and only they are compared exactly: a list that is much less
    ///   similar than its estimate says may then be missed, which calibration does not see but the
    ///   margin of candidates makes rare.
    package func nearest(
        to query: [Float],
        code: CodeQuery? = nil,
        count: Int
    ) -> [Ranked] {
        precondition(query.count == dimension)
        let wanted = min(count, nlist)
        guard wanted > 0 else { return [] }
        if let codes, let code, wanted * CentroidCodes.exactShare < nlist {
            return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: nlist + 16) { rows in
                guard let rows = rows.baseAddress else { return [] }
                let found = codes.candidates(for: code, query: query, wanted: wanted, into: rows)
                return compare(query, rows: rows, count: found, wanted: wanted)
            }
        }
        return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: nlist) { rows in
            guard let rows = rows.baseAddress else { return [] }
            for list in 0..<nlist { rows[list] = UInt32(list) }
            return compare(query, rows: rows, count: nlist, wanted: wanted)
        }
    }

    /// Compares some centroids with a query exactly.
    private func compare(
        _ query: [Float],
        rows: UnsafePointer<UInt32>,
        count: Int,
        wanted: Int
    ) -> [Ranked] {
        var keys = [UInt64](unsafeUninitializedCapacity: count) { keys, filled in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { scores in
                query.withUnsafeBufferPointer { query in
                    centroids.withUnsafeBufferPointer { centroids in
                        guard let query = query.baseAddress, let base = centroids.baseAddress,
                            let scores = scores.baseAddress
                        else { return }
                        Kernels.dotGather(
                            query: query,
                            base: base,
                            stride: dimension,
                            ordinals: rows,
                            count: count,
                            dimension: dimension,
                            into: scores
                        )
                        for slot in 0..<count {
                            keys[slot] = Ranked(list: rows[slot], similarity: scores[slot]).sortKey
                        }
                    }
                }
            }
            filled = count
        }
        keys.sort()
        return keys.prefix(wanted).map { Ranked(sortKey: $0) }
    }
}

/// One-bit codes of centroids under their mean.
struct CentroidCodes: Sendable {
    /// Below this many centroids, comparing all of them costs less than choosing.
    static let minimumCount = 256
    /// When one list in this many is wanted, all centroids are compared.
    static let exactShare = 6
    /// Candidates for each list that is wanted.
    private static let candidatesPerList = 2.5

    private let blocks: [UInt8]
    private let count: Int
    private let mean: [Float]

    init(_ centroids: [Float], count: Int, rotation: CodeRotation) {
        let (dimension, width) = (rotation.dimension, rotation.width)
        var mean = [Float](repeating: 0, count: dimension)
        for row in 0..<count {
            for column in 0..<dimension { mean[column] += centroids[row * dimension + column] }
        }
        for column in 0..<dimension { mean[column] /= Float(count) }
        let size = CodeBlocks.byteCount(width: width)
        var blocks = [UInt8](repeating: 0, count: CodeBlocks.count(rows: count) * size)
        var scratch = [Float](repeating: 0, count: (CodeBlocks.rowCount + 1) * width)
        blocks.withUnsafeMutableBufferPointer { blocks in
            scratch.withUnsafeMutableBufferPointer { scratch in
                centroids.withUnsafeBufferPointer { centroids in
                    guard let target = blocks.baseAddress, let center = scratch.baseAddress,
                        let source = centroids.baseAddress
                    else { return }
                    mean.withUnsafeBufferPointer {
                        if let mean = $0.baseAddress { rotation.rotate(mean, into: center) }
                    }
                    let rotated = center + width
                    for first in stride(from: 0, to: count, by: CodeBlocks.rowCount) {
                        let rows = min(CodeBlocks.rowCount, count - first)
                        for row in 0..<rows {
                            rotation.rotate(
                                source + (first + row) * dimension,
                                into: rotated + row * width
                            )
                        }
                        CodeBlocks.encode(
                            rows: rotated,
                            count: rows,
                            centroid: center,
                            width: width,
                            into: target + first / CodeBlocks.rowCount * size
                        )
                    }
                }
            }
        }
        self.blocks = blocks
        self.count = count
        self.mean = mean
    }

    /// Chooses centroids whose estimates are far above the average.
    ///
    /// - Parameter rows: Receives at least `wanted` of them; has room for all and 16 more.
    /// - Returns: How many were chosen.
    func candidates(
        for code: CodeQuery,
        query: [Float],
        wanted: Int,
        into rows: UnsafeMutablePointer<UInt32>
    ) -> Int {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: count + 16) { estimates in
            guard let estimates = estimates.baseAddress else { return 0 }
            var base: Float = 0
            for column in 0..<mean.count { base += mean[column] * query[column] }
            _ = blocks.withUnsafeBufferPointer { blocks in
                guard let blocks = blocks.baseAddress else { return 0 }
                return code.scan(
                    blocks: blocks,
                    count: count,
                    similarity: base,
                    deviations: 0,
                    threshold: -.infinity,
                    first: 0,
                    rows: rows,
                    bounds: estimates
                )
            }
            let enough = Int(Double(wanted) * Self.candidatesPerList) + 16
            let cut = vk_cut(estimates, count, min(enough, count))
            var found = 0
            for row in 0..<count where estimates[row] >= cut {
                rows[found] = UInt32(row)
                found += 1
            }
            return found
        }
    }
}
