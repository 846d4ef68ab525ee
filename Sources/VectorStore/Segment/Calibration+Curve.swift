import StorageIO
import Synchronization
import VectorMath

extension Calibration {
    /// The neighbours of k that are asked about: each, or ten spread over them.
    private static func places(k: Int) -> StrideTo<Int> {
        let step = max(1, k / 10)
        return stride(from: step / 2, to: k, by: step)
    }

    /// Counts what searches of growing nprobe find of the neighbours of the queries.
    ///
    /// - Parameters:
    ///   - truth: Of each query, its nearest rows by their positions, nearest first.
    ///   - queries: One after the other.
    func curve(
        truth: [[(score: Float, key: UInt64)]],
        queries: [Float],
        rows: [SegmentPlan.RowReference],
        lists: RowLists,
        index: CentroidIndex
    ) throws(CorruptionError) -> RecallCurve {
        let nlist = index.nlist
        let grid = RecallCurve.grid(nlist: nlist)
        let counts = Self.neighbourCounts.filter { $0 <= (truth.first?.count ?? 0) }
        // Neighbours that any k asks about.
        let asked = Set(counts.flatMap { Array(Self.places(k: $0)) }).sorted()
        let rotated = RotatedRows(
            rows: rows,
            sources: sources,
            rotation: rotation,
            threads: threads
        )
        let codes = NeighbourCodes(rows: rotated, index: index)
        let rowCounts = lists.rowCounts(nlist: nlist)
        // For each k: how many more neighbours are found at a step of the grid than at the one before.
        let found = Mutex([Int](repeating: 0, count: counts.count * grid.count))
        let failure = rotated.forEachChunk(
            count: truth.count,
            chunk: 8,
            capacity: NeighbourCodes.capacity
        ) { range, scratch throws(CorruptionError) in
            var visits = ListVisits(index: index, grid: grid, rowCounts: rowCounts)
            var part = [Int](repeating: 0, count: counts.count * grid.count)
            for query in range {
                let vector = Array(queries[query * dimension..<(query + 1) * dimension])
                visits.see(vector)
                let seen = try NeighbourSightings(
                    of: truth[query],
                    asked: asked,
                    vector,
                    visits: visits,
                    lists: lists,
                    codes: codes,
                    scratch: scratch
                )
                for (slot, k) in counts.enumerated() {
                    let steps = visits.steps(k: k, turns: seen.turns)
                    let waiting = NeighbourSightings.FirstRows(
                        k: k,
                        listCount: visits.listCount(holding: CodeQuery.firstRowCount(k: k))
                    )
                    for neighbour in Self.places(k: k) {
                        let turns = seen.turningSteps(neighbour, steps: steps, waiting: waiting)
                        for (turn, step) in turns.enumerated() {
                            part[slot * grid.count + step] += turn.isMultiple(of: 2) ? 1 : -1
                        }
                    }
                }
            }
            found.withLock { found in for index in found.indices { found[index] += part[index] } }
        }
        if let failure { throw failure }
        let sums = found.withLock { $0 }
        let curves = counts.enumerated().map { slot, k in
            let total = Double(truth.count * Self.places(k: k).underestimatedCount)
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
