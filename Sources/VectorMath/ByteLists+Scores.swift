import CVectorKernels

/// The scores of one row against the centroids that it was compared with.
struct ListScores {
    let scores: UnsafePointer<Int32>
    let count: Int
    /// The groups compared, in the order of their scores, and what they mean; nil when place `i` is
    /// list `i`.
    fileprivate let chosen: UnsafeBufferPointer<UInt32>?
    fileprivate let starts: UnsafePointer<Int>?
    fileprivate let members: UnsafePointer<UInt32>?

    /// The list whose score stands at a place.
    func list(at place: Int) -> UInt32 {
        guard let chosen, let starts, let members else { return UInt32(place) }
        var rest = place
        for group in chosen {
            let start = starts[Int(group)]
            let size = starts[Int(group) + 1] - start
            if rest < size { return members[start + rest] }
            rest -= size
        }
        preconditionFailure("place \(place) is past the scores")
    }

    /// The list with the largest score.
    var nearest: UInt32 { list(at: vk_i8_largest(scores, count)) }
}

extension ByteLists {
    /// Compares some rows with the centroids and calls `body` with each row's place and its scores.
    ///
    /// For one thread.
    ///
    /// - Parameters:
    ///   - rows: `[… × width]`.
    ///   - ordinals: Which rows of them; nil takes the first `count`.
    func forEachScored(
        rows: UnsafePointer<Int8>,
        ordinals: UnsafePointer<UInt32>? = nil,
        count: Int,
        _ body: (Int, ListScores) -> Void
    ) {
        if let groups {
            inGroups(groups, rows: rows, ordinals: ordinals, count: count, body)
            return
        }
        let panelCount = (nlist + 15) / 16
        let ld = panelCount * 16
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: count * ld) { scores in
            guard let scores = scores.baseAddress else { return }
            vk_i8_block(rows, ordinals, count, width, panels, panelCount, scores, ld)
            for row in 0..<count {
                body(
                    row,
                    ListScores(
                        scores: scores + row * ld,
                        count: nlist,
                        chosen: nil,
                        starts: nil,
                        members: nil
                    )
                )
            }
        }
    }

    private func inGroups(
        _ groups: Groups,
        rows: UnsafePointer<Int8>,
        ordinals: UnsafePointer<UInt32>?,
        count: Int,
        _ body: (Int, ListScores) -> Void
    ) {
        let chosenCount = groups.chosen
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: count * chosenCount) { chosen in
            guard let chosen = chosen.baseAddress else { return }
            choose(groups, rows: rows, ordinals: ordinals, count: count, into: chosen)
            // Where the scores of each row start, and the rows of each group with where theirs go.
            var offsets = [0]
            var visits = [[(row: UInt32, offset: Int)]](repeating: [], count: groups.count)
            for row in 0..<count {
                var offset = offsets[row]
                for slot in 0..<chosenCount {
                    let group = Int(chosen[row * chosenCount + slot])
                    visits[group].append((UInt32(row), offset))
                    offset += groups.starts[group + 1] - groups.starts[group]
                }
                offsets.append(offset)
            }
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: offsets[count]) { scores in
                guard let scores = scores.baseAddress else { return }
                for group in 0..<groups.count where !visits[group].isEmpty {
                    score(group, of: groups, visits[group], rows, ordinals, into: scores)
                }
                groups.starts.withUnsafeBufferPointer { starts in
                    groups.members.withUnsafeBufferPointer { members in
                        for row in 0..<count {
                            body(
                                row,
                                ListScores(
                                    scores: scores + offsets[row],
                                    count: offsets[row + 1] - offsets[row],
                                    chosen: UnsafeBufferPointer(
                                        start: chosen + row * chosenCount,
                                        count: chosenCount
                                    ),
                                    starts: starts.baseAddress,
                                    members: members.baseAddress
                                )
                            )
                        }
                    }
                }
            }
        }
    }

    /// The nearest groups of each row, rising by number.
    private func choose(
        _ groups: Groups,
        rows: UnsafePointer<Int8>,
        ordinals: UnsafePointer<UInt32>?,
        count: Int,
        into chosen: UnsafeMutablePointer<UInt32>
    ) {
        let panelCount = (groups.count + 15) / 16
        let ld = panelCount * 16
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: count * ld) { scores in
            withUnsafeTemporaryAllocation(of: UInt32.self, capacity: groups.count + 16) { places in
                guard let scores = scores.baseAddress, let places = places.baseAddress else {
                    return
                }
                vk_i8_block(rows, ordinals, count, width, groups.heads, panelCount, scores, ld)
                for row in 0..<count {
                    let own = scores + row * ld
                    let found = vk_i8_reach(own, groups.count, groups.chosen, 0, places)
                    if found > groups.chosen {
                        var kept = UnsafeMutableBufferPointer(start: places, count: found)
                        kept.sort { (own[Int($0)], $1) > (own[Int($1)], $0) }
                        kept = UnsafeMutableBufferPointer(start: places, count: groups.chosen)
                        kept.sort()
                    }
                    (chosen + row * groups.chosen).update(from: places, count: groups.chosen)
                }
            }
        }
    }

    /// Compares the rows that visit a group with its centroids.
    private func score(
        _ group: Int,
        of groups: Groups,
        _ visits: [(row: UInt32, offset: Int)],
        _ rows: UnsafePointer<Int8>,
        _ ordinals: UnsafePointer<UInt32>?,
        into scores: UnsafeMutablePointer<Int32>
    ) {
        let size = groups.starts[group + 1] - groups.starts[group]
        guard size > 0 else { return }
        let panelCount = (size + 15) / 16
        let ld = panelCount * 16
        let numbers = visits.map { ordinals?[Int($0.row)] ?? $0.row }
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: visits.count * ld) { buffer in
            panels.withUnsafeBufferPointer { panels in
                guard let own = panels.baseAddress, let buffer = buffer.baseAddress else { return }
                vk_i8_block(
                    rows,
                    numbers,
                    numbers.count,
                    width,
                    own + groups.panelStarts[group],
                    panelCount,
                    buffer,
                    ld
                )
                for (slot, visit) in visits.enumerated() {
                    (scores + visit.offset).update(from: buffer + slot * ld, count: size)
                }
            }
        }
    }
}
