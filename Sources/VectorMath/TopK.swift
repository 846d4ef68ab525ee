/// The k largest scores with a total order: higher score first, then what the tie-breaker says.
///
/// A binary heap with the worst kept row on top. Allocates as it fills, never per offer afterwards.
@usableFromInline
package struct TopK: Sendable {
    @usableFromInline
    struct Entry: Sendable {
        @usableFromInline var score: Float
        @usableFromInline var key: UInt64

        @usableFromInline
        init(score: Float, key: UInt64) {
            self.score = score
            self.key = key
        }
    }

    /// Entries that memory is taken for at the first offer.
    private static let reservedCount = 64

    package let k: Int
    /// Only strictly greater scores are admitted.
    package let floor: Float
    @usableFromInline var heap: [Entry] = []
    @usableFromInline var worst: Float

    /// - Parameters:
    ///   - k: Rows to keep, at least 1.
    ///   - floor: Scores must be strictly greater.
    package init(k: Int, floor: Float = -.infinity) {
        precondition(k > 0)
        self.k = k
        self.floor = floor
        worst = floor.nextUp
        if floor == -.infinity { worst = -.infinity }
    }

    package var count: Int { heap.count }

    /// A score below this cannot enter; an equal one may, by the tie-breaker.
    @inlinable package var threshold: Float { worst }

    /// Offers a row; of equal scores the smaller key is better.
    package mutating func offer(score: Float, key: UInt64) {
        offer(score: score, key: key) { $0 < $1 }
    }

    /// Offers a row.
    ///
    /// - Parameter precedes: Whether the first key is better than the second at equal scores.
    package mutating func offer(
        score: Float,
        key: UInt64,
        tieBreaker precedes: (UInt64, UInt64) -> Bool
    ) {
        guard score > floor || (floor == -.infinity && score == floor) else { return }
        let entry = Entry(score: score, key: key)
        if heap.count < k {
            if heap.isEmpty { heap.reserveCapacity(min(k, Self.reservedCount)) }
            heap.append(entry)
            siftUp(heap.count - 1, precedes)
            if heap.count == k { worst = heap[0].score }
        } else if isBetter(entry, heap[0], precedes) {
            heap[0] = entry
            siftDown(0, precedes)
            worst = heap[0].score
        }
    }

    /// The kept rows, best first; of equal scores the smaller key comes first.
    package func sorted() -> [(score: Float, key: UInt64)] {
        var rows: [(score: Float, key: UInt64)] = heap.map { ($0.score, $0.key) }
        rows.sort { $0.score != $1.score ? $0.score > $1.score : $0.key < $1.key }
        return rows
    }

    private func isBetter(
        _ left: Entry,
        _ right: Entry,
        _ precedes: (UInt64, UInt64) -> Bool
    ) -> Bool {
        left.score != right.score ? left.score > right.score : precedes(left.key, right.key)
    }

    private mutating func siftUp(_ start: Int, _ precedes: (UInt64, UInt64) -> Bool) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard isBetter(heap[parent], heap[child], precedes) else { return }
            heap.swapAt(parent, child)
            child = parent
        }
    }

    private mutating func siftDown(_ start: Int, _ precedes: (UInt64, UInt64) -> Bool) {
        var parent = start
        while true {
            var worst = 2 * parent + 1
            guard worst < heap.count else { return }
            if worst + 1 < heap.count, isBetter(heap[worst], heap[worst + 1], precedes) {
                worst += 1
            }
            guard isBetter(heap[parent], heap[worst], precedes) else { return }
            heap.swapAt(parent, worst)
            parent = worst
        }
    }
}
