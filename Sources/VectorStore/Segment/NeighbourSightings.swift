import StorageIO
import VectorMath

/// Where a search comes upon the true neighbours of one query, and what their codes have to reach there.
///
/// A search has seen some of the neighbours by then, and passes over what its code puts below the k-th best of
/// them.
struct NeighbourSightings {
    /// A neighbour in one of its lists.
    struct Sighting {
        /// The turn of the list when all are visited in order.
        var turn: Int
        /// The step of the grid from which on the list is visited.
        var step: Int
        /// What its code in this list says.
        var estimate: NeighbourCodes.Estimate
    }

    /// Searches of one step of the grid.
    struct Step {
        /// Lists that they may visit.
        var nprobe: Int
        /// Lists that they visit until they end early.
        var visited: Int
        /// How far they believe codes.
        var deviations: Float
    }

    /// The similarities of all neighbours that are known, the nearest first.
    let similarities: [Float]
    /// Of each: the turn of the first of its lists.
    let turns: [Int]
    /// The neighbours that are asked about, with the lists that they are in.
    let sightings: [Int: [Sighting]]
    /// What the codes of all of them say; of those that are not asked about, drawn from the errors' distribution.
    let estimates: [NeighbourCodes.Estimate]

    /// Where on the grid a neighbour comes among the k found, and where it is lost again.
    ///
    /// Of few lists more rows wait for each other with each step, and what was found may be found no more; from
    /// where no more wait, what is found stays.
    ///
    /// - Parameter waiting: What waits for each other in a search for the k nearest.
    /// - Returns: Steps in order, the neighbour found from the first one on, lost from the second on, and so forth.
    func turningSteps(_ neighbour: Int, steps: [Step], waiting: FirstRows) -> [Int] {
        guard let sightings = sightings[neighbour] else { return [] }
        var turns: [Int] = []
        for place in steps.indices.dropFirst(sightings.map(\.step).min() ?? steps.count) {
            let isFound = sightings.contains {
                place >= $0.step && isSeen(neighbour, $0, in: steps[place], waiting)
            }
            if isFound == turns.count.isMultiple(of: 2) { turns.append(place) }
            if isFound, steps[place].visited >= waiting.listCount { break }
        }
        return turns
    }

    private func isSeen(
        _ neighbour: Int,
        _ sighting: Sighting,
        in step: Step,
        _ waiting: FirstRows
    ) -> Bool {
        // A part of the lists is ranked in another order: what is visited out of turn comes last.
        let turn = min(sighting.turn, step.nprobe - 1)
        guard turn < step.visited else { return false }
        let gathered = min(waiting.listCount, step.visited)
        let least =
            turn < gathered
            ? waiting.least(self, lists: gathered, deviations: step.deviations)
            : least(waiting.k, of: turn, but: neighbour)
        return sighting.estimate.reaches(least, deviations: step.deviations)
    }

    /// The k-th best of what so many lists hold beside a neighbour.
    private func least(_ k: Int, of listCount: Int, but neighbour: Int) -> Float {
        var seen = 0
        for other in turns.indices where turns[other] < listCount && other != neighbour {
            seen += 1
            if seen == k { return similarities[other] }
        }
        return -.infinity
    }

    /// The rows that a search gathers before it compares any: the best bounds of them go first, whatever they
    /// reach.
    final class FirstRows {
        /// How many are looked for.
        let k: Int
        /// The lists that hold them, of a search that visits as many.
        let listCount: Int
        private var known: [(lists: Int, deviations: Float, least: Float)] = []

        /// - Parameter listCount: The lists that hold so many rows as wait for each other.
        init(k: Int, listCount: Int) {
            self.k = k
            self.listCount = listCount
        }

        /// What a bound has to reach: the least of those that go first, or about the k-th best that is known
        /// when its turn comes.
        func least(
            _ neighbours: NeighbourSightings,
            lists: Int,
            deviations: Float
        ) -> Float {
            if let same = known.first(where: { $0.lists == lists && $0.deviations == deviations }) {
                return same.least
            }
            let waiting = neighbours.turns.indices.filter { neighbours.turns[$0] < lists }
            let count = CodeQuery.bestRowCount(k: k)
            var least = -Float.infinity
            if waiting.count > count {
                var first = TopK(k: count)
                for place in waiting {
                    let estimate = neighbours.estimates[place]
                    let bound = estimate.similarity + deviations * estimate.deviation
                    first.offer(score: bound, key: UInt64(place))
                }
                let best = first.sorted().map { Int($0.key) }.sorted()[k - 1]
                // The others are compared in turn, and what is found of them counts for those to come.
                let between =
                    neighbours.similarities[best] + neighbours.similarities[waiting[k - 1]]
                least = min(first.threshold, between / 2)
            }
            known.append((lists, deviations, least))
            return least
        }
    }
}

extension NeighbourSightings {
    /// Finds out where a search for `vector` sees its neighbours.
    ///
    /// - Parameters:
    ///   - neighbours: The nearest rows by their positions, nearest first.
    ///   - asked: Places among them, those of the neighbours that are asked about.
    ///   - visits: Has seen the query.
    ///   - scratch: As `NeighbourCodes.estimates` needs it.
    init(
        of neighbours: [(score: Float, key: UInt64)],
        asked: [Int],
        _ vector: [Float],
        visits: ListVisits,
        lists: RowLists,
        codes: NeighbourCodes,
        scratch: UnsafeMutablePointer<Float>
    ) throws(CorruptionError) {
        let encoded = asked.flatMap { place in
            let row = Int(neighbours[place].key)
            return lists.lists(of: row).map { (place: place, row: row, list: $0) }
        }
        let estimates = try codes.estimates(
            vector,
            rows: encoded.map { ($0.row, $0.list) },
            scratch: scratch
        )
        var sightings: [Int: [Sighting]] = [:]
        for (one, estimate) in zip(encoded, estimates) {
            let sighting = Sighting(
                turn: visits.turn(one.list),
                step: visits.firstStep(one.list),
                estimate: estimate
            )
            sightings[one.place, default: []].append(sighting)
        }
        let deviation = estimates.reduce(0) { $0 + $1.deviation } / Float(max(1, estimates.count))
        var random = SeededRandom(seed: neighbours.first.map(\.key) ?? 0)
        let all = neighbours.indices.map { place in
            if let first = sightings[place]?.min(by: { $0.turn < $1.turn }) {
                return first.estimate
            }
            let error = Self.normal(&random) * deviation
            return NeighbourCodes.Estimate(
                similarity: neighbours[place].score + error,
                deviation: deviation
            )
        }
        self.init(
            similarities: neighbours.map(\.score),
            turns: neighbours.map { near in
                lists.lists(of: Int(near.key)).map { visits.turn($0) }.min() ?? 0
            },
            sightings: sightings,
            estimates: all
        )
    }

    /// About a standard normal: the sum of twelve uniform numbers (Irwin, Hall 1927), here of 16 bits each.
    private static func normal(_ random: inout SeededRandom) -> Float {
        var sum = 0
        for _ in 0..<3 {
            let bits = random.next()
            for part in 0..<4 { sum += Int(bits >> UInt64(16 * part) & 0xFFFF) }
        }
        return Float(sum) / 65_536 - 6
    }
}
