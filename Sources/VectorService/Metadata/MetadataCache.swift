// The rows that were read lately, as a value that knows neither threads nor a clock.
//
// - A row is served until its time is over, or until a pattern forgets it, whichever comes first.
// - The rows kept never take more than `maximumByteCount`; the ones used longest ago go first.
// - A row that was asked for before a pattern came is not kept: it may be older than the change.

/// Cached rows of all tables.
struct MetadataCache {
    struct Key: Hashable {
        var table: Int
        var id: String
    }

    enum Found: Equatable {
        case row(MetadataRow)
        case missing
    }

    private struct Entry {
        var key: Key
        var row: MetadataRow?
        /// The name by which patterns forget it; empty for a missing row, whose columns are unknown.
        var name: String
        var expires: Duration
        var byteCount: Int
        var newer: Int?
        var older: Int?
    }

    /// What is counted.
    struct Counters: Equatable {
        var hits: UInt64 = 0
        var misses: UInt64 = 0
        var expired: UInt64 = 0
        var evicted: UInt64 = 0
        var forgotten: UInt64 = 0
    }

    let maximumByteCount: Int
    private(set) var byteCount = 0
    private(set) var counters = Counters()
    private var places: [Key: Int] = [:]
    private var entries: [Entry?] = []
    private var free: [Int] = []
    private var newest: Int?
    private var oldest: Int?
    /// For each beginning of a name, up to a colon, the rows whose names begin so.
    private var families: [Substring: Set<Int>] = [:]
    private var missing: Set<Int> = []

    init(maximumByteCount: Int) {
        self.maximumByteCount = maximumByteCount
    }

    var count: Int { places.count }

    // MARK: Reading and keeping

    mutating func find(_ key: Key, now: Duration) -> Found? {
        guard let place = places[key], let entry = entries[place] else {
            counters.misses += 1
            return nil
        }
        guard entry.expires > now else {
            counters.expired += 1
            counters.misses += 1
            remove(place)
            return nil
        }
        counters.hits += 1
        unlink(place)
        link(place)
        return entry.row.map { .row($0) } ?? .missing
    }

    /// Whether a row, or its absence, is known; nothing is counted.
    func knows(_ key: Key, now: Duration) -> Bool {
        guard let place = places[key], let entry = entries[place] else { return false }
        return entry.expires > now
    }

    /// Keeps a row, or that there is none.
    mutating func keep(_ row: MetadataRow?, name: String, for key: Key, until expires: Duration) {
        if let place = places[key] { remove(place) }
        // The key stands in the index, the name in the entry and in the families.
        let size = 160 + 2 * key.id.utf8.count + 3 * name.utf8.count + (row?.byteCount ?? 0)
        guard size <= maximumByteCount else { return }
        while byteCount + size > maximumByteCount, let oldest {
            counters.evicted += 1
            remove(oldest)
        }
        let place = free.popLast() ?? entries.count
        let entry = Entry(key: key, row: row, name: name, expires: expires, byteCount: size)
        if place == entries.count { entries.append(entry) } else { entries[place] = entry }
        places[key] = place
        byteCount += size
        if row == nil { missing.insert(place) }
        for family in Self.families(of: name) { families[family, default: []].insert(place) }
        link(place)
    }

    // MARK: Forgetting

    /// Forgets the rows whose names match: exactly, or with a `*` at the end whatever follows.
    ///
    /// Missing rows have no names, so every pattern forgets all of them.
    mutating func forget(_ pattern: String) -> Int {
        var doomed = missing
        if pattern.last == "*" {
            let beginning = pattern.dropLast()
            if beginning.isEmpty {
                doomed.formUnion(places.values)
            } else if beginning.last == ":" {
                doomed.formUnion(families[beginning] ?? [])
            } else {
                doomed.formUnion(candidates(beginning).filter { name($0).hasPrefix(beginning) })
            }
        } else {
            doomed.formUnion(candidates(pattern[...]).filter { name($0) == pattern })
        }
        for place in doomed { remove(place) }
        counters.forgotten += UInt64(doomed.count)
        return doomed.count
    }

    private func candidates(_ beginning: Substring) -> any Collection<Int> {
        guard let colon = beginning.lastIndex(of: ":") else { return Array(places.values) }
        return families[beginning[...colon]] ?? []
    }

    private func name(_ place: Int) -> String { entries[place]?.name ?? "" }

    /// `videos:` and `videos:7:` of `videos:7:c1`.
    private static func families(of name: String) -> [Substring] {
        name.indices.filter { name[$0] == ":" }.map { name[...$0] }
    }

    private mutating func remove(_ place: Int) {
        guard let entry = entries[place] else { return }
        unlink(place)
        places[entry.key] = nil
        missing.remove(place)
        for family in Self.families(of: entry.name) {
            families[family]?.remove(place)
            if families[family]?.isEmpty == true { families[family] = nil }
        }
        byteCount -= entry.byteCount
        entries[place] = nil
        free.append(place)
    }

    // MARK: The order of use

    private mutating func link(_ place: Int) {
        entries[place]?.older = newest
        entries[place]?.newer = nil
        if let newest { entries[newest]?.newer = place }
        newest = place
        if oldest == nil { oldest = place }
    }

    private mutating func unlink(_ place: Int) {
        guard let entry = entries[place] else { return }
        if let newer = entry.newer { entries[newer]?.older = entry.older }
        if let older = entry.older { entries[older]?.newer = entry.newer }
        if newest == place { newest = entry.older }
        if oldest == place { oldest = entry.newer }
    }
}
