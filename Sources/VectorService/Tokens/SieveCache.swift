/// A cache of bounded size that keeps what is asked for again.
///
/// - Complexity: O(1) a call on average; a hit writes one bit.
/// - Source: Zhang et al., SIEVE is simpler than LRU, NSDI 2024.
struct SieveCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry: Sendable {
        var key: Key
        var value: Value
        var isVisited = false
        /// The next older and the next newer entry; -1 is none.
        var older: Int
        var newer: Int
    }

    private let capacity: Int
    private var entries: [Entry] = []
    private var free: [Int] = []
    private var index: [Key: Int] = [:]
    private var newest = -1
    private var oldest = -1
    private var hand = -1

    /// Makes an empty cache.
    ///
    /// - Precondition: `capacity` is positive.
    init(capacity: Int) {
        precondition(capacity > 0)
        self.capacity = capacity
    }

    /// How many entries there are.
    var count: Int { index.count }

    /// Finds a value and remembers that it was wanted.
    mutating func value(_ key: Key) -> Value? {
        guard let place = index[key] else { return nil }
        entries[place].isVisited = true
        return entries[place].value
    }

    /// Adds or replaces a value; when full, the oldest entry that nobody wanted makes room.
    mutating func insert(_ key: Key, _ value: Value) {
        if let place = index[key] {
            entries[place].value = value
            return
        }
        if index.count >= capacity { evict() }
        let entry = Entry(key: key, value: value, older: newest, newer: -1)
        let place: Int
        if let reused = free.popLast() {
            entries[reused] = entry
            place = reused
        } else {
            place = entries.count
            entries.append(entry)
        }
        if newest >= 0 { entries[newest].newer = place } else { oldest = place }
        newest = place
        index[key] = place
    }

    /// Forgets everything.
    mutating func removeAll() {
        self = SieveCache(capacity: capacity)
    }

    private mutating func evict() {
        var place = hand >= 0 ? hand : oldest
        while entries[place].isVisited {
            entries[place].isVisited = false
            place = entries[place].newer >= 0 ? entries[place].newer : oldest
        }
        hand = entries[place].newer
        let entry = entries[place]
        if entry.older >= 0 {
            entries[entry.older].newer = entry.newer
        } else {
            oldest = entry.newer
        }
        if entry.newer >= 0 {
            entries[entry.newer].older = entry.older
        } else {
            newest = entry.older
        }
        index[entry.key] = nil
        free.append(place)
    }
}
