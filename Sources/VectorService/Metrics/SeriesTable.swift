/// Values by key, for tables that are asked for the same key again and again: the key that came last is found
/// without hashing it.
struct SeriesTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// The keys with their values, in the order in which they came.
    private(set) var entries: [(key: Key, value: Value)] = []
    private var places: [Key: Int] = [:]
    private var last = 0

    /// Changes the value of a key, which begins as `initial`.
    mutating func update(
        _ key: Key,
        from initial: @autoclosure () -> Value,
        _ change: (inout Value) -> Void
    ) {
        if last >= entries.count || entries[last].key != key {
            last = places[key] ?? entries.count
            if last == entries.count {
                places[key] = last
                entries.append((key, initial()))
            }
        }
        change(&entries[last].value)
    }
}
