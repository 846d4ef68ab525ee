// Lloyd's rounds on the unit sphere over int8 rows: assign to the nearest centroid, average, scale.
//
// - The first rounds compare a row with all centroids (or those of its groups); they move most rows.
// - The others compare it only with the centroids nearest to the one it is at (cluster closures, Wang
//   et al., CVPR 2012): with 64 of 2,048 a round costs a thirtieth, and ends as near to the optimum.
// - The same seed gives the same centroids on any number of threads.

import CVectorKernels

struct ByteLloyd {
    /// Centroids that a row is compared with in the later rounds.
    static let neighbourCount = 64

    let rows: RoundedRows
    let nlist: Int
    let threads: Int
    /// `[nlist × dimension]`, unit length.
    private(set) var centroids: [Float]
    /// The list of each row, since the first round.
    private(set) var lists: [UInt32]
    private var random: SeededRandom

    /// Starts at distinct rows chosen at random.
    init(rows: RoundedRows, nlist: Int, threads: Int, random: inout SeededRandom) {
        precondition(nlist > 0 && nlist <= rows.count)
        self.rows = rows
        self.nlist = nlist
        self.threads = threads
        let dimension = rows.dimension
        let starts = random.sampleIndices(count: nlist, from: rows.count)
        self.random = SeededRandom(seed: random.next())
        centroids = [Float](repeating: 0, count: nlist * dimension)
        lists = [UInt32](repeating: 0, count: rows.count)
        centroids.withUnsafeMutableBufferPointer { target in
            guard let target = target.baseAddress else { return }
            for (list, row) in starts.enumerated() {
                rows.copyUnit(row, into: target + list * dimension)
            }
        }
    }

    /// One round against all centroids.
    ///
    /// - Parameter proceed: Asked now and then with the share done; false ends the round half-way.
    /// - Returns: Whether the round was completed.
    @discardableResult
    mutating func roundOverAll(proceed: (Double) -> Bool = { _ in true }) -> Bool {
        let index = byteLists()
        guard assignAll(index, into: &lists, proceed: proceed) else { return false }
        average()
        return true
    }

    /// One round against the neighbours of each row's centroid.
    ///
    /// - Returns: The share of rows that changed their list.
    mutating func roundOverNeighbours() -> Double {
        let index = byteLists()
        let neighbours = Self.neighbours(
            of: index,
            count: min(Self.neighbourCount, nlist),
            threads: threads
        )
        let moved = assignToNeighbours(neighbours, index: index)
        average()
        return Double(moved) / Double(rows.count)
    }

    private func byteLists() -> ByteLists {
        ByteLists(centroids, nlist: nlist, dimension: rows.dimension, threads: threads)
    }

    // MARK: - Assignment

    /// Rows between two looks at whether to go on.
    private static let sliceRowCount = 1 << 16

    @discardableResult
    func assignAll(
        _ index: ByteLists,
        into lists: inout [UInt32],
        proceed: (Double) -> Bool = { _ in true }
    ) -> Bool {
        for first in stride(from: 0, to: rows.count, by: Self.sliceRowCount) {
            let size = min(Self.sliceRowCount, rows.count - first)
            lists.withUnsafeMutableBufferPointer { lists in
                guard let base = lists.baseAddress else { return }
                nonisolated(unsafe) let target = base + first  // Each worker has rows of its own.
                let source = first * rows.width
                ParallelWorkers.forEachChunk(
                    count: size,
                    chunk: index.chunkRowCount,
                    threads: threads
                ) { range in
                    index.forEachScored(
                        rows: rows.bytes + source + range.lowerBound * rows.width,
                        count: range.count
                    ) { target[range.lowerBound + $0] = $1.nearest }
                }
            }
            guard proceed(Double(first + size) / Double(rows.count)) else { return false }
        }
        return true
    }

    /// The centroids nearest to each centroid, itself among them: `[nlist × count]`.
    static func neighbours(of index: ByteLists, count: Int, threads: Int) -> [UInt32] {
        var neighbours = [UInt32](repeating: 0, count: index.nlist * count)
        neighbours.withUnsafeMutableBufferPointer { neighbours in
            guard let base = neighbours.baseAddress else { return }
            nonisolated(unsafe) let target = base  // Each worker has lists of its own.
            ParallelWorkers.forEachChunk(
                count: index.nlist,
                chunk: index.chunkRowCount,
                threads: threads
            ) { range in
                index.bytes.withUnsafeBufferPointer { bytes in
                    guard let rows = bytes.baseAddress else { return }
                    index.forEachScored(
                        rows: rows + range.lowerBound * index.width,
                        count: range.count
                    ) { row, scores in
                        let list = range.lowerBound + row
                        nearest(count, to: list, by: scores, into: target + list * count)
                    }
                }
            }
        }
        return neighbours
    }

    private static func nearest(
        _ count: Int,
        to list: Int,
        by scores: ListScores,
        into target: UnsafeMutablePointer<UInt32>
    ) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: scores.count + 16) { places in
            guard let places = places.baseAddress else { return }
            let found = vk_i8_reach(scores.scores, scores.count, count, 0, places)
            var kept = UnsafeMutableBufferPointer(start: places, count: found)
            kept.sort {
                (scores.scores[Int($0)], $1) > (scores.scores[Int($1)], $0)
            }
            // A row may always stay where it is.
            target[0] = UInt32(list)
            var filled = 1
            for place in kept where filled < count {
                let other = scores.list(at: Int(place))
                if other == UInt32(list) { continue }
                target[filled] = other
                filled += 1
            }
            while filled < count {
                target[filled] = UInt32(list)
                filled += 1
            }
        }
    }

    private mutating func assignToNeighbours(_ neighbours: [UInt32], index: ByteLists) -> Int {
        let (members, starts) = Self.members(of: lists, nlist: nlist)
        let count = neighbours.count / nlist
        let panelCount = (count + 15) / 16
        let width = rows.width
        let rows = rows
        var next = lists
        next.withUnsafeMutableBufferPointer { next in
            nonisolated(unsafe) let next = next  // Each row is a member of one list.
            ParallelWorkers.forEachChunk(count: nlist, chunk: 16, threads: threads) { range in
                let largest = range.map { starts[$0 + 1] - starts[$0] }.max() ?? 0
                guard largest > 0 else { return }
                var panels = [Int8](repeating: 0, count: vk_i8_panel_bytes(count, width))
                var scores = [Int32](repeating: 0, count: largest * panelCount * 16)
                for list in range {
                    let (start, size) = (starts[list], starts[list + 1] - starts[list])
                    guard size > 0 else { continue }
                    neighbours.withUnsafeBufferPointer { neighbours in
                        guard let own = neighbours.baseAddress.map({ $0 + list * count }) else {
                            return
                        }
                        vk_i8_pack(index.bytes, own, count, width, &panels)
                        members.withUnsafeBufferPointer { members in
                            guard let own = members.baseAddress.map({ $0 + start }) else { return }
                            vk_i8_block(
                                rows.bytes,
                                own,
                                size,
                                width,
                                panels,
                                panelCount,
                                &scores,
                                panelCount * 16
                            )
                        }
                        scores.withUnsafeBufferPointer { scores in
                            guard let base = scores.baseAddress else { return }
                            for slot in 0..<size {
                                let place = vk_i8_largest(base + slot * panelCount * 16, count)
                                next[Int(members[start + slot])] = own[place]
                            }
                        }
                    }
                }
            }
        }
        var moved = 0
        for row in lists.indices where lists[row] != next[row] { moved += 1 }
        lists = next
        return moved
    }

    /// The rows of each list, rising, one list after the other.
    static func members(
        of lists: [UInt32],
        nlist: Int
    ) -> (members: [UInt32], starts: [Int]) {
        var starts = [Int](repeating: 0, count: nlist + 1)
        for list in lists { starts[Int(list) + 1] += 1 }
        for list in 0..<nlist { starts[list + 1] += starts[list] }
        var next = starts
        var members = [UInt32](repeating: 0, count: lists.count)
        for (row, list) in lists.enumerated() {
            members[next[Int(list)]] = UInt32(row)
            next[Int(list)] += 1
        }
        return (members, starts)
    }

    // MARK: - Averages

    /// Moves each centroid to the direction of its rows' sum; one that lost its rows takes over a row
    /// of the largest list.
    private mutating func average() {
        let (members, starts) = Self.members(of: lists, nlist: nlist)
        let (rows, width, dimension) = (rows, rows.width, rows.dimension)
        centroids.withUnsafeMutableBufferPointer { centroids in
            guard let base = centroids.baseAddress else { return }
            nonisolated(unsafe) let target = base  // Each worker has lists of its own.
            ParallelWorkers.forEachChunk(count: nlist, chunk: 16, threads: threads) { range in
                var sums = [Float](repeating: 0, count: width)
                for list in range where starts[list] < starts[list + 1] {
                    for column in 0..<width { sums[column] = 0 }
                    for slot in starts[list]..<starts[list + 1] {
                        let row = Int(members[slot])
                        vk_i8_accumulate(rows.bytes + row * width, width, rows.steps[row], &sums)
                    }
                    sums.withUnsafeMutableBufferPointer { sums in
                        guard let sum = sums.baseAddress, UnitLength.scale(sum, dimension) else {
                            return
                        }
                        (target + list * dimension).update(from: sum, count: dimension)
                    }
                }
            }
        }
        repair(members, starts)
    }

    private mutating func repair(_ members: [UInt32], _ starts: [Int]) {
        let dimension = rows.dimension
        let sizes = (0..<nlist).map { starts[$0 + 1] - starts[$0] }
        let empty = sizes.indices.filter { sizes[$0] == 0 }
        guard !empty.isEmpty else { return }
        let largest = sizes.indices.sorted { (sizes[$0], $1) > (sizes[$1], $0) }
        for (list, donor) in zip(empty, largest) {
            guard sizes[donor] > 1 else { return }
            let chosen = Int.random(in: 0..<sizes[donor], using: &random)
            let row = Int(members[starts[donor] + chosen])
            centroids.withUnsafeMutableBufferPointer { centroids in
                guard let base = centroids.baseAddress else { return }
                rows.copyUnit(row, into: base + list * dimension)
            }
        }
    }
}
