// Reads without a query vector: count, and pages in the order of the ids' hashes.
//
// The order of (hash, id) does not depend on where rows lie, so a cursor stays valid over flushes,
// compactions and rebuilds; records that are written during a scan may or may not be met.

import StorageIO

/// Counts and pages over one live set.
struct RecordScan {
    let live: LiveSet
    let partitions: [String]?
    let filter: FilterProgram?

    func matches(_ key: RowKey) -> Bool {
        guard !live.isHidden(store: key.store, ordinal: key.ordinal) else { return false }
        let store = live.store(key.store)
        if let partitions {
            let own = PartitionName(store.partition(at: key.ordinal))
            guard partitions.contains(where: { PartitionName($0) == own }) else { return false }
        }
        return filter?.matches(store, key.ordinal) ?? true
    }

    /// Every matching visible row.
    func forEach(
        _ body: (RowKey) throws(CorruptionError) -> Void
    ) throws(CorruptionError) {
        for (index, view) in live.memtables.enumerated() {
            for ordinal in 0..<view.rowCount {
                let key = RowKey(store: index, ordinal: ordinal)
                if matches(key) { try body(key) }
            }
        }
        let scope = SearchScope(live: live, partitions: partitions)
        for (index, ranges) in scope.ranges.enumerated() {
            let view = live.segments[index]
            for range in ranges {
                for ordinal in range.ordinals where !view.tombstones.contains(ordinal) {
                    if filter?.matches(view.segment, ordinal) ?? true {
                        try body(RowKey(store: live.memtables.count + index, ordinal: ordinal))
                    }
                }
            }
        }
    }

    func count() throws(CorruptionError) -> Int {
        if partitions == nil, filter == nil { return live.liveCount }
        var count = 0
        try forEach { _ in count += 1 }
        return count
    }

    /// Where a page ended.
    struct Position: Comparable {
        var hash: UInt64
        var id: RecordID

        static func < (lhs: Position, rhs: Position) -> Bool {
            lhs.hash != rhs.hash ? lhs.hash < rhs.hash : lhs.id < rhs.id
        }
    }

    /// The next matching rows after a position, at most `limit`, in order.
    func page(
        after start: Position?,
        limit: Int
    ) throws(CorruptionError) -> [(position: Position, key: RowKey)] {
        var found: [(position: Position, key: RowKey)] = []
        for (index, view) in live.memtables.enumerated() {
            for ordinal in 0..<view.rowCount {
                let key = RowKey(store: index, ordinal: ordinal)
                let id = view.memtable.id(at: ordinal)
                let position = Position(hash: id.stableHash, id: id)
                if let start, position <= start { continue }
                if matches(key) { found.append((position, key)) }
            }
        }
        for (index, view) in live.segments.enumerated() {
            try segmentPage(view, store: live.memtables.count + index, after: start, limit: limit) {
                found.append($0)
            }
        }
        found.sort { $0.position < $1.position }
        return Array(found.prefix(limit))
    }

    private func segmentPage(
        _ view: SegmentView,
        store: Int,
        after start: Position?,
        limit: Int,
        _ emit: ((position: Position, key: RowKey)) -> Void
    ) throws(CorruptionError) {
        let segment = view.segment
        var place = segment.mapPosition(firstHashAtLeast: start?.hash ?? 0)
        var emitted = 0
        var lastHash: UInt64?
        while place < segment.rowCount {
            let hash = segment.hash(atMapPosition: place)
            // Ids with equal hashes may stand in any order: take all of the last one's.
            if emitted >= limit, hash != lastHash { return }
            let ordinal = segment.ordinal(atMapPosition: place)
            place += 1
            let key = RowKey(store: store, ordinal: ordinal)
            guard matches(key) else { continue }
            let position = Position(hash: hash, id: try segment.id(at: ordinal))
            if let start, position <= start { continue }
            emit((position, key))
            emitted += 1
            lastHash = hash
        }
    }
}

extension RecordScan.Position {
    /// The position as opaque text: the encoded id in hexadecimal, from which the hash follows.
    var cursor: String {
        var writer = ByteWriter()
        id.encode(into: &writer)
        return writer.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Reads a cursor that `cursor` made.
    init(cursor: String) throws(VectorStoreError) {
        let invalid = VectorStoreError(
            .invalidQuery,
            "the cursor is not one that a scan returned",
            field: "cursor"
        )
        let digits = Array(cursor.utf8)
        guard digits.count.isMultiple(of: 2), digits.count <= 600 else { throw invalid }
        var bytes: [UInt8] = []
        for position in stride(from: 0, to: digits.count, by: 2) {
            let pair = String(decoding: digits[position..<position + 2], as: UTF8.self)
            guard let byte = UInt8(pair, radix: 16) else { throw invalid }
            bytes.append(byte)
        }
        var decoded: RecordID?
        bytes.withUnsafeBytes { buffer in
            var reader = ByteReader(buffer, file: "cursor")
            if let id = try? RecordID.decode(from: &reader), reader.remaining == 0 { decoded = id }
        }
        guard let decoded else { throw invalid }
        self.init(hash: decoded.stableHash, id: decoded)
    }
}
