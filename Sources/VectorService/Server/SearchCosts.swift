import Synchronization

/// How long queries of a kind took lately: what decides where the next one of the kind is made.
///
/// A kind is everything of a query but its vector: the collection, the partition, the filter, how many
/// matches. Kinds share a fixed number of slots, so a client cannot make it grow.
final class SearchCosts: Sendable {
    private static let slotCount = 4_096

    /// Microseconds, 0 where nothing is known.
    private let slots = Mutex([UInt32](repeating: 0, count: slotCount))

    private static func slot(_ kind: Int) -> Int {
        Int(UInt(bitPattern: kind) % UInt(slotCount))
    }

    /// About the longest that one took of late; nil when none was made.
    func expected(_ kind: Int) -> Duration? {
        let microseconds = slots.withLock { $0[Self.slot(kind)] }
        return microseconds == 0 ? nil : .microseconds(Int64(microseconds))
    }

    /// Notes how long one took: longer ones count at once, shorter ones bit by bit, so that a kind that
    /// is sometimes slow is taken for slow.
    func note(_ kind: Int, took: Duration) {
        let new = UInt32(min(1e9, max(1, took / .microseconds(1))))
        slots.withLock { slots in
            let slot = Self.slot(kind)
            slots[slot] = max(new, slots[slot] - slots[slot] / 16)
        }
    }
}
