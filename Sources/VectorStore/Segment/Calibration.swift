// Calibration: how many posting lists a recall target needs.
//
// - Rows of the collection that training left out serve as queries, each leaving itself out; their exact
//   nearest neighbours are the truth. The share of true neighbours within the lists that a search of so
//   many visits, until it ends early, and that their codes do not hide from it, is the recall.
// - One pass over all rows finds the truth of all queries; nothing is searched through the index.

import StorageIO
import Synchronization
import VectorMath

/// Measures recall by nprobe for one table of centroids.
struct Calibration {
    let dimension: Int
    let sources: [any RowStore]
    /// What codes are made under.
    let rotation: CodeRotation
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
    ///   - heldOut: The rows that the table was not trained on. Where they are too few, any rows are asked
    ///     with.
    ///   - seed: Chooses the queries.
    /// - Returns: The curve, or nil when cancelled.
    func measure(
        rows: [SegmentPlan.RowReference],
        lists: [UInt32],
        second: [UInt32]?,
        index: CentroidIndex,
        heldOut: HeldOutRows,
        seed: UInt64,
        progress: (Double) -> Bool
    ) throws(CorruptionError) -> RecallCurve? {
        let chosen = try queries(among: rows, heldOut: heldOut, seed: seed)
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
        return try curve(
            truth: truth,
            queries: queries,
            rows: rows,
            lists: RowLists(first: lists, second: second),
            index: index
        )
    }

    /// The positions of the rows to ask with, rising.
    private func queries(
        among rows: [SegmentPlan.RowReference],
        heldOut: HeldOutRows,
        seed: UInt64
    ) throws(CorruptionError) -> [Int] {
        var random = SeededRandom(seed: seed)
        let strangers = try heldOut.positions(in: rows, of: sources, areHeldOut: true)
        if strangers.count >= min(queryCount, HeldOutRows.wantedCount / 2) {
            return random.sampleIndices(
                count: min(queryCount, strangers.count),
                from: strangers.count
            ).map { strangers[$0] }
        }
        return random.sampleIndices(count: min(queryCount, rows.count), from: rows.count)
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

    /// Each query's nearest rows by their positions, nearest first, itself left out.
    private func nearestRows(
        queries: [Float],
        chosen: [Int],
        rows: [SegmentPlan.RowReference],
        k: Int,
        progress: (Double) -> Bool
    ) throws(CorruptionError) -> [[(score: Float, key: UInt64)]]? {
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
        return best.map { $0.sorted() }
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
}
