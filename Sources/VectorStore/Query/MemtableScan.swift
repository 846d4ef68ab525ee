// Rows of memtables: few are all compared, of many the bytes are looked at first.
//
// - A query that must find everything compares every row.
// - Rows of other partitions are passed over by a hash of the name; what may enter an answer is compared
//   by name.

import StorageIO
import VectorMath

extension SearchRun {
    /// From so many rows of a memtable on, a chunk of it, bytes are looked at first; comparing fewer takes some
    /// tens of microseconds and leaves the answer exact.
    static let byteScanRowCount = 1_024
    /// The recall to expect of bytes alone.
    static let byteScanRecall = 0.9995

    /// Compares the visible, matching rows of a memtable.
    mutating func scan(memtable index: Int) throws(CorruptionError) {
        let view = live.memtables[index]
        let rows = MemtableRows(
            store: index,
            memtable: view.memtable,
            hidden: view.tombstones.isEmpty ? nil : view.tombstones,
            partitionCodes: query.partitions.map { $0.map(Memtable.partitionCode) }
        )
        let vector = query.vector
        let mayPassOver = query.recallTarget < 1 && !query.isThorough
        withScores { run, scores in
            guard mayPassOver, view.rowCount >= Self.byteScanRowCount,
                let rotation = view.memtable.rotation
            else {
                view.memtable.forEachChunk(rowCount: view.rowCount) { chunk in
                    rows.withSlots(of: chunk) {
                        run.compare($0, of: chunk, in: rows, endsAtDeadline: true, scores)
                    }
                }
                return
            }
            vector.withUnsafeBufferPointer { vector in
                let prepared = CodeQuery(vector, rotation: rotation)
                view.memtable.forEachChunk(rowCount: view.rowCount) { chunk in
                    rows.withSlots(of: chunk) { slots in
                        run.scanBytes(prepared, slots, of: chunk, in: rows, scores)
                    }
                }
            }
        }
        try throwFailure()
    }

    /// Looks at the bytes of some rows of a chunk and compares the best of them.
    private mutating func scanBytes(
        _ prepared: borrowing CodeQuery,
        _ slots: UnsafeBufferPointer<UInt32>,
        of chunk: Memtable.Chunk,
        in rows: MemtableRows,
        _ scores: UnsafeMutablePointer<Float>
    ) {
        guard let bytes = chunk.bytes, !isLate() else { return }
        let found = prepared.search(
            rows: bytes,
            ordinals: slots,
            options: options(deviations: 0),
            hooks: CodeSearchHooks(
                accepts: rows.acceptance(of: query, from: chunk.first),
                verifies: { _ in true }
            )
        )
        precondition(!found.isFailed, "no memory for a search")
        scanned.byteRows += found.byteRows
        if found.isTruncated { isTruncated = true }
        if found.rows.count < slots.count { hasPassedOver = true }
        // What was found is told, however late it is.
        compare(found.rows, of: chunk, in: rows, endsAtDeadline: false, scores)
    }

    /// Compares some rows of a chunk by their float32 vectors.
    private mutating func compare(
        _ slots: UnsafeBufferPointer<UInt32>,
        of chunk: Memtable.Chunk,
        in rows: MemtableRows,
        endsAtDeadline: Bool,
        _ scores: UnsafeMutablePointer<Float>
    ) {
        guard let base = slots.baseAddress else { return }
        var start = 0
        while start < slots.count, !endsAtDeadline || !isLate() {
            let count = min(Self.blockRowCount, slots.count - start)
            let block = base + start
            query.vector.withUnsafeBufferPointer { vector in
                guard let vector = vector.baseAddress else { return }
                Kernels.dotGather(
                    query: vector,
                    base: chunk.vectors,
                    stride: rows.memtable.strideFloats,
                    ordinals: block,
                    count: count,
                    dimension: rows.memtable.dimension,
                    into: scores
                )
            }
            offer(
                scores,
                count: count,
                store: rows.store,
                checking: rows.memtable,
                hidden: rows.hidden
            ) { chunk.first + Int(block[$0]) }
            rowsScanned += count
            start += count
        }
    }
}

/// What of a memtable a search may look at.
private struct MemtableRows {
    /// The memtable's number among the stores of the live set.
    var store: Int
    var memtable: Memtable
    var hidden: TombstoneSet?
    /// Of the partitions that are asked for; nil for all.
    var partitionCodes: [UInt32]?

    /// The rows of a chunk whose partitions may be asked for, counted from its first.
    func withSlots(of chunk: Memtable.Chunk, _ body: (UnsafeBufferPointer<UInt32>) -> Void) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: chunk.count) { slots in
            var chosen = 0
            for slot in 0..<chunk.count
            where partitionCodes.map({ $0.contains(chunk.codes[slot]) }) ?? true {
                slots.initializeElement(at: chosen, to: UInt32(slot))
                chosen += 1
            }
            body(UnsafeBufferPointer(rebasing: slots[..<chosen]))
        }
    }

    /// Whether a row of a chunk counts; nil when all do.
    func acceptance(of query: CheckedQuery, from first: Int) -> ((UInt32) -> Bool)? {
        guard hidden != nil || query.filter != nil || query.partitions != nil else { return nil }
        let (hidden, memtable) = (hidden, memtable)
        return { slot in
            let ordinal = first + Int(slot)
            if let hidden, hidden.contains(ordinal) { return false }
            return query.admits(memtable, ordinal)
        }
    }
}
