import VectorMath

/// The lists that searches of growing nprobe visit for one query.
struct ListVisits {
    private let index: CentroidIndex
    private let grid: [Int]
    /// Of each list: its place when all are ranked.
    private var rank: [Int]
    /// Of each list: bit *i* is set when a search of nprobe `grid[i]`, which ranks only a part of the
    /// lists, visits it.
    private var visited: [UInt64]
    private let rankedInPart: Int
    /// Rows of each list, those that are in it for the second time among them.
    private let rowCounts: [Int]
    /// The lists by their rank.
    private var order: [Int]

    /// - Parameter rowCounts: Of each list, those of second lists among them.
    init(index: CentroidIndex, grid: [Int], rowCounts: [Int]) {
        self.index = index
        self.grid = grid
        self.rowCounts = rowCounts
        order = [Int](repeating: 0, count: index.nlist)
        rank = [Int](repeating: 0, count: index.nlist)
        visited = [UInt64](repeating: 0, count: index.nlist)
        // Grids have a few dozen values.
        let codes = index.codes
        rankedInPart = grid.prefix(64).prefix { codes?.isRankedInPart($0) ?? false }.count
    }

    mutating func see(_ query: [Float]) {
        for (position, near) in index.nearest(to: query, count: index.nlist).enumerated() {
            rank[Int(near.list)] = position
            order[position] = Int(near.list)
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

    /// The turn of a list when all are visited in order.
    func turn(_ list: Int) -> Int { rank[list] }

    /// How many lists have to be visited until so many rows were seen.
    func listCount(holding count: Int) -> Int {
        var (seen, place) = (0, 0)
        while seen < count, place < order.count {
            seen += rowCounts[order[place]]
            place += 1
        }
        return place
    }

    /// Searches of each step of the grid, and how far they get before they end.
    ///
    /// - Parameter turns: Of the neighbours, the nearest first.
    func steps(k: Int, turns: [Int]) -> [NeighbourSightings.Step] {
        let changes =
            k <= SearchPatience.mostNeighbours
            ? SearchPatience.changes(places: turns, k: k) : nil
        let nlist = index.nlist
        return grid.map { nprobe in
            NeighbourSightings.Step(
                nprobe: nprobe,
                visited: changes.map {
                    SearchPatience.visited(nprobe: nprobe, nlist: nlist, changes: $0)
                } ?? nprobe,
                deviations: CodeDeviations.probed(nprobe: nprobe, nlist: nlist)
            )
        }
    }

    /// The step of the grid from which on a list is visited, however many more are; beyond the grid for never.
    func firstStep(_ list: Int) -> Int {
        let missed =
            ~visited[list] & (rankedInPart == 64 ? .max : 1 << UInt64(rankedInPart) - 1)
        let first = 64 - missed.leadingZeroBitCount
        guard first == rankedInPart else { return first }
        let turn = rank[list]
        return grid[first...].firstIndex { turn < $0 } ?? grid.count
    }
}
