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

    /// A row of a page.
    typealias Row = (position: Position, key: RowKey)

    /// The next matching rows after a position, at most `limit`, in order.
    func page(after start: Position?, limit: Int) throws(CorruptionError) -> [Row] {
        var first = FirstRows(after: start, limit: limit)
        for (index, view) in live.memtables.enumerated() {
            let hashes = view.memtable.idHashes(count: view.rowCount)
            for ordinal in 0..<view.rowCount where first.mayTake(hashes[ordinal]) {
                let key = RowKey(store: index, ordinal: ordinal)
                guard matches(key) else { continue }
                let id = view.memtable.id(at: ordinal)
                first.offer((Position(hash: hashes[ordinal], id: id), key))
            }
        }
        for (index, view) in live.segments.enumerated() {
            try offer(view, store: live.memtables.count + index, to: &first)
        }
        return first.rows
    }

    /// Offers the rows of a segment, which has them in order, until none can be among the first.
    private func offer(
        _ view: SegmentView,
        store: Int,
        to first: inout FirstRows
    ) throws(CorruptionError) {
        let segment = view.segment
        var place = segment.mapPosition(firstHashAtLeast: first.start?.hash ?? 0)
        var (taken, last) = (0, UInt64(0))
        while place < segment.rowCount {
            let hash = segment.hash(atMapPosition: place)
            // Ids with equal hashes may stand in any order: all of the last one's are offered.
            guard first.mayTake(hash), taken < first.limit || hash == last else { return }
            let ordinal = segment.ordinal(atMapPosition: place)
            place += 1
            let key = RowKey(store: store, ordinal: ordinal)
            guard matches(key) else { continue }
            if first.offer((Position(hash: hash, id: try segment.id(at: ordinal)), key)) {
                (taken, last) = (taken + 1, hash)
            }
        }
    }

    /// The first rows after a position of those that are offered in any order.
    private struct FirstRows {
        let start: Position?
        let limit: Int
        /// Up to twice as many as are wanted.
        private var found: [Row] = []
        /// The last of the first `limit`, once there are as many.
        private var last: Position?

        init(after start: Position?, limit: Int) {
            self.start = start
            self.limit = limit
        }

        /// Whether a row of this hash can be among them.
        func mayTake(_ hash: UInt64) -> Bool {
            hash >= start?.hash ?? 0 && hash <= last?.hash ?? .max
        }

        /// Takes a row; false when it does not come after the start.
        @discardableResult mutating func offer(_ row: Row) -> Bool {
            if let start, row.position <= start { return false }
            found.append(row)
            if found.count >= 2 * limit { prune() }
            return true
        }

        private mutating func prune() {
            found.sort { $0.position < $1.position }
            found.removeLast(max(0, found.count - limit))
            if found.count == limit { last = found.last?.position }
        }

        /// The rows, in order.
        var rows: [Row] {
            mutating get {
                prune()
                return found
            }
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
