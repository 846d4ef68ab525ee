import Synchronization

/// How long queries of a kind took lately: what decides where the next one of the kind is made.
///
/// A kind is everything of a query but its vector: the collection, the filter, how many matches, who
/// asks. Kinds share a fixed number of slots, so a client cannot make it grow; of two kinds that meet in
/// a slot the last one is known and the other is not.
final class SearchCosts: Sendable {
    private struct Slot {
        /// The bits of the kind that do not choose the slot.
        var tag: UInt32 = 0
        /// 0 where nothing is known.
        var microseconds: UInt32 = 0
    }

    private static let slotBits = 12
    /// What takes longer is forgotten slowly: it was no accident of scheduling, and it must not come back
    /// to the loop every few dozen queries.
    private static let slowMicroseconds: UInt32 = 10_000

    private let slots = Mutex([Slot](repeating: Slot(), count: 1 << slotBits))

    private static func place(_ kind: Int) -> (slot: Int, tag: UInt32) {
        let bits = UInt64(UInt(bitPattern: kind))
        return (Int(bits & (1 << slotBits - 1)), UInt32(truncatingIfNeeded: bits >> 32))
    }

    /// About the longest that one took of late; nil when none was made.
    func expected(_ kind: Int) -> Duration? {
        let place = Self.place(kind)
        let slot = slots.withLock { $0[place.slot] }
        guard slot.tag == place.tag, slot.microseconds > 0 else { return nil }
        return .microseconds(Int64(slot.microseconds))
    }

    /// Notes how long one took: longer ones count at once, shorter ones bit by bit, so that a kind that
    /// is sometimes slow is taken for slow.
    func note(_ kind: Int, took: Duration) {
        let place = Self.place(kind)
        let new = UInt32(min(1e9, max(1, took / .microseconds(1))))
        slots.withLock { slots in
            let slot = slots[place.slot]
            let isKnown = slot.tag == place.tag
            let old = isKnown ? slot.microseconds : 0
            let decayed = old - old / (old > Self.slowMicroseconds ? 128 : 16)
            slots[place.slot] = Slot(tag: place.tag, microseconds: max(new, decayed))
        }
    }
}
