/// When a search of posting lists ends before the last of them.
///
/// Queries differ in how many lists they need, and a search notices: once as many lists in a row as
/// `lists(nprobe:nlist:)` says changed none of the k best, hardly any of those to come would. After "patience"
/// in Teofili and Lin, "Patience in Proximity" (2025), for graphs.
package enum SearchPatience {
    /// Up to this k searches end early.
    ///
    /// Calibration knows 1,000 neighbours of its queries, and so what the k best were once k of them were
    /// seen.
    package static let mostNeighbours = 100

    /// Lists that may change nothing: a third of those asked for.
    ///
    /// Nil for a search that visits every other list or more: it leaves hardly any out.
    package static func lists(nprobe: Int, nlist: Int) -> Int? {
        nprobe * share < nlist ? nprobe / 3 + 1 : nil
    }

    /// A search of one list of so many, or more, visits them all.
    package static let share = 2

    /// Where the k best change when the neighbours of a query come up in some order.
    ///
    /// - Parameters:
    ///   - places: For each neighbour, the nearest first: the list that it is first seen in, by its turn.
    ///     There are at least k.
    /// - Returns: Turns, rising, of lists that change the k best from the one on that fills them.
    package static func changes(places: [Int], k: Int) -> [Int] {
        precondition(places.count >= k && k > 0)
        let order = places.indices.sorted { places[$0] < places[$1] }
        // Of those seen so far the k nearest: a heap with the farthest on top.
        var best = TopK(k: k)
        var changes: [Int] = []
        for (seen, neighbour) in order.enumerated() {
            let nearness = -Float(neighbour)
            if seen >= k, nearness < best.threshold { continue }
            best.offer(score: nearness, key: UInt64(neighbour))
            if seen + 1 >= k, changes.last != places[neighbour] {
                changes.append(places[neighbour])
            }
        }
        return changes
    }

    /// How many lists a search of `nprobe` lists visits.
    ///
    /// - Parameter changes: As `changes(places:k:)` returns them.
    package static func visited(nprobe: Int, nlist: Int, changes: [Int]) -> Int {
        guard var last = changes.first, let patience = lists(nprobe: nprobe, nlist: nlist) else {
            return nprobe
        }
        for change in changes.dropFirst() {
            if change - last > patience { break }
            last = change
        }
        return min(nprobe, last + patience + 1)
    }
}
