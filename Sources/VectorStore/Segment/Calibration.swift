// Calibration: how many posting lists a recall target needs.
//
// - Rows of the collection serve as queries, each leaving itself out; their exact nearest neighbours
//   are the truth. The share of true neighbours within the nprobe nearest lists is the recall.
// - One pass over all rows finds the truth of all queries; nothing is searched through the index.

import StorageIO
import VectorMath

/// Measures recall by nprobe for one table of centroids.
struct Calibration {
    let dimension: Int
    let sources: [any RowStore]
    let threads: Int
    /// Rows that serve as queries.
    var queryCount = 1_024

    static let neighbourCounts = [1, 10, 100, 1_000]
    static let blockRowCount = 1_024

    /// - Parameters:
    ///   - rows: The rows under the table.
    ///   - lists: The posting list of each row.
    ///   - second: Its second list, if rows have one.
    ///   - index: The table.
    ///   - seed: Chooses the queries.
    /// - Returns: The curve, or nil when cancelled.
    func measure(
        rows: [SegmentPlan.RowReference],
        lists: [UInt32],
        second: [UInt32]?,
        index: CentroidIndex,
        seed: UInt64,
        progress: (Double) -> Bool
    ) throws(CorruptionError) -> RecallCurve? {
        var random = SeededRandom(seed: seed)
        let chosen = random.sampleIndices(
            count: min(queryCount, rows.count),
            from: rows.count
        ).sorted()
        let queries = try vectors(of: chosen.map { rows[$0] })
        let largest = min(Self.neighbourCounts[Self.neighbourCounts.count - 1], rows.count - 1)
        guard largest > 0 else { return RecallCurve.exact(nlist: index.nlist) }
        guard
            let truth = try nearestRows(
                queries: queries,
                chosen: chosen,
                rows: rows,
                k: largest,
                progress: progress
            )
        else { return nil }
        return curve(
            truth: truth,
            queries: queries,
            lists: lists,
            second: second,
            index: index
        )
    }

    private func vectors(
        of rows: [SegmentPlan.RowReference]
    ) throws(CorruptionError) -> [Float] {
        var vectors: [Float] = []
        vectors.reserveCapacity(rows.count * dimension)
        for row in rows {
            let vector = try sources[Int(row.source)].vector(at: Int(row.ordinal))
            vectors.append(contentsOf: UnsafeBufferPointer(start: vector, count: dimension))
        }
        return vectors
    }

    /// The positions of each query's nearest rows, nearest first, itself left out.
    private func nearestRows(
        queries: [Float],
        chosen: [Int],
        rows: [SegmentPlan.RowReference],
        k: Int,
        progress: (Double) -> Bool
    ) throws(CorruptionError) -> [[UInt32]]? {
        let count = chosen.count
        var best = [TopK](repeating: TopK(k: k), count: count)
        var first = 0
        while first < rows.count {
            let size = min(Self.blockRowCount, rows.count - first)
            let block = try vectors(of: Array(rows[first..<first + size]))
            let start = first
            best.withUnsafeMutableBufferPointer { best in
                nonisolated(unsafe) let best = best  // Each worker has queries of its own.
                ParallelWorkers.forEachChunk(count: count, chunk: 32, threads: threads) { range in
                    score(
                        queries: queries,
                        range: range,
                        block: block,
                        blockCount: size
                    ) { query, row, score in
                        if start + row != chosen[query] {
                            best[query].offer(score: score, key: UInt64(start + row))
                        }
                    } threshold: {
                        best[$0].threshold
                    }
                }
            }
            first += size
            guard progress(Double(first) / Double(rows.count)) else { return nil }
        }
        return best.map { $0.sorted().map { UInt32($0.key) } }
    }

    private func score(
        queries: [Float],
        range: Range<Int>,
        block: [Float],
        blockCount: Int,
        offer: (Int, Int, Float) -> Void,
        threshold: (Int) -> Float
    ) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: range.count * blockCount) {
            scores in
            queries.withUnsafeBufferPointer { queries in
                block.withUnsafeBufferPointer { block in
                    guard let a = queries.baseAddress, let b = block.baseAddress,
                        let out = scores.baseAddress
                    else { return }
                    Kernels.dotBlock(
                        a: a + range.lowerBound * dimension,
                        aStride: dimension,
                        aCount: range.count,
                        b: b,
                        bStride: dimension,
                        bCount: blockCount,
                        dimension: dimension,
                        into: out,
                        leadingDimension: blockCount
                    )
                }
            }
            for (slot, query) in range.enumerated() {
                var floor = threshold(query)
                for row in 0..<blockCount where scores[slot * blockCount + row] > floor {
                    offer(query, row, scores[slot * blockCount + row])
                    floor = threshold(query)
                }
            }
        }
    }

    private func curve(
        truth: [[UInt32]],
        queries: [Float],
        lists: [UInt32],
        second: [UInt32]?,
        index: CentroidIndex
    ) -> RecallCurve {
        let nlist = index.nlist
        let grid = RecallCurve.grid(nlist: nlist)
        let counts = Self.neighbourCounts.filter { $0 <= (truth.first?.count ?? 0) }
        // found[k][rank]: neighbours among the first k whose list has this rank.
        var found = [[Int]](repeating: [Int](repeating: 0, count: nlist), count: counts.count)
        for (query, neighbours) in truth.enumerated() {
            let vector = Array(queries[query * dimension..<(query + 1) * dimension])
            var rank = [Int](repeating: 0, count: nlist)
            for (position, near) in index.nearest(to: vector, count: nlist).enumerated() {
                rank[Int(near.list)] = position
            }
            for (place, row) in neighbours.enumerated() {
                let position = min(
                    rank[Int(lists[Int(row)])],
                    second.map { rank[Int($0[Int(row)])] } ?? nlist
                )
                for (slot, k) in counts.enumerated() where place < k { found[slot][position] += 1 }
            }
        }
        var curves: [RecallCurve.Curve] = []
        for (slot, k) in counts.enumerated() {
            let total = Double(truth.count * k)
            var points: [RecallCurve.Point] = []
            var (sum, next) = (0, 0)
            for nprobe in grid {
                while next < nprobe {
                    sum += found[slot][next]
                    next += 1
                }
                points.append(
                    RecallCurve.Point(
                        nprobe: UInt32(nprobe),
                        recall: Float(Double(sum) / total)
                    )
                )
            }
            curves.append(RecallCurve.Curve(k: UInt32(k), points: points))
        }
        return RecallCurve(nlist: nlist, curves: curves)
    }
}
