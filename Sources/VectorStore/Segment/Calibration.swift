// Calibration: how many posting lists a recall target needs.
//
// - Rows of the collection that training left out serve as queries, each leaving itself out; their exact
//   nearest neighbours are the truth. The share of true neighbours within the lists that a search of so
//   many visits, until it ends early, is the recall.
// - One pass over all rows finds the truth of all queries; nothing is searched through the index.

import StorageIO
import Synchronization
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
        return curve(
            truth: truth,
            queries: queries,
            lists: lists,
            second: second,
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
        // For each k: neighbours that are found from a step of the grid on.
        let found = Mutex([Int](repeating: 0, count: counts.count * grid.count))
        ParallelWorkers.forEachChunk(count: truth.count, chunk: 8, threads: threads) { range in
            var visits = ListVisits(index: index, grid: grid)
            var part = [Int](repeating: 0, count: counts.count * grid.count)
            for query in range {
                visits.see(Array(queries[query * dimension..<(query + 1) * dimension]))
                let own = truth[query].map { (lists[Int($0)], second?[Int($0)]) }
                let turns = own.map { visits.turn($0, $1) }
                let firsts = own.map { visits.firstStep($0, $1) }
                for (slot, k) in counts.enumerated() {
                    let visited = visits.counts(k: k, turns: turns)
                    // A part of the lists is ranked in another order: what is visited out of turn comes last.
                    func isFound(_ neighbour: Int, _ step: Int) -> Bool {
                        min(turns[neighbour], grid[step] - 1) < visited[step]
                    }
                    for neighbour in 0..<k {
                        guard
                            let step = grid.indices.dropFirst(firsts[neighbour])
                                .first(where: { isFound(neighbour, $0) })
                        else { continue }
                        part[slot * grid.count + step] += 1
                    }
                }
            }
            found.withLock { found in for index in found.indices { found[index] += part[index] } }
        }
        let sums = found.withLock { $0 }
        let curves = counts.enumerated().map { slot, k in
            let total = Double(truth.count * k)
            var sum = 0
            return RecallCurve.Curve(
                k: UInt32(k),
                points: grid.enumerated().map { step, nprobe in
                    sum += sums[slot * grid.count + step]
                    return RecallCurve.Point(
                        nprobe: UInt32(nprobe),
                        recall: Float(Double(sum) / total)
                    )
                }
            )
        }
        return RecallCurve(nlist: nlist, curves: curves)
    }
}

/// The lists that searches of growing nprobe visit for one query.
private struct ListVisits {
    private let index: CentroidIndex
    private let grid: [Int]
    /// Of each list: its place when all are ranked.
    private var rank: [Int]
    /// Of each list: bit *i* is set when a search of nprobe `grid[i]`, which ranks only a part of the
    /// lists, visits it.
    private var visited: [UInt64]
    private let rankedInPart: Int

    init(index: CentroidIndex, grid: [Int]) {
        self.index = index
        self.grid = grid
        rank = [Int](repeating: 0, count: index.nlist)
        visited = [UInt64](repeating: 0, count: index.nlist)
        // Grids have a few dozen values.
        let codes = index.codes
        rankedInPart = grid.prefix(64).prefix { codes?.isRankedInPart($0) ?? false }.count
    }

    mutating func see(_ query: [Float]) {
        for (position, near) in index.nearest(to: query, count: index.nlist).enumerated() {
            rank[Int(near.list)] = position
        }
        guard rankedInPart > 0, let codes = index.codes else { return }
        for list in visited.indices { visited[list] = 0 }
        query.withUnsafeBufferPointer { query in
            let prepared = CodeQuery(query, rotation: codes.rotation)
            for step in 0..<rankedInPart {
                let ranking = prepared.nearest(in: codes, count: grid[step])
                for place in 0..<ranking.count { visited[ranking.list(place)] |= 1 << UInt64(step) }
            }
        }
    }

    /// The turn of the first of two lists.
    func turn(_ list: UInt32, _ other: UInt32?) -> Int {
        min(rank[Int(list)], other.map { rank[Int($0)] } ?? .max)
    }

    /// How many lists searches visit, of each step of the grid.
    ///
    /// - Parameter turns: Of the neighbours, the nearest first.
    func counts(k: Int, turns: [Int]) -> [Int] {
        guard k <= SearchPatience.mostNeighbours else { return grid }
        let changes = SearchPatience.changes(places: turns, k: k)
        return grid.map {
            SearchPatience.visited(nprobe: $0, nlist: index.nlist, changes: changes)
        }
    }

    /// The step of the grid from which on one of two lists is visited, however many more are; beyond the
    /// grid for never.
    func firstStep(_ list: UInt32, _ other: UInt32?) -> Int {
        let mask = visited[Int(list)] | (other.map { visited[Int($0)] } ?? 0)
        let missed = ~mask & (rankedInPart == 64 ? .max : 1 << UInt64(rankedInPart) - 1)
        let first = 64 - missed.leadingZeroBitCount
        guard first == rankedInPart else { return first }
        let turn = turn(list, other)
        return grid[first...].firstIndex { turn < $0 } ?? grid.count
    }
}
