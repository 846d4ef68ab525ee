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

    /// The first of two lists to be visited, and its turn.
    func first(of list: UInt32, _ other: UInt32?) -> (list: Int, turn: Int) {
        let turn = rank[Int(list)]
        guard let other, rank[Int(other)] < turn else { return (Int(list), turn) }
        return (Int(other), rank[Int(other)])
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
        let turn = self.first(of: list, other).turn
        return grid[first...].firstIndex { turn < $0 } ?? grid.count
    }
}
