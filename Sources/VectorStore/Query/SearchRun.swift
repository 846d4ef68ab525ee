// One search, from a live set to row keys. No lock is held and nothing waits.

import StorageIO
import VectorMath

/// What a checked query asks.
struct CheckedQuery {
    /// `[dimension]`, unit length.
    var vector: [Float]
    var k: Int
    var partitions: [String]?
    var filter: FilterProgram?
    /// Only greater similarities are admitted.
    var floor: Float
    var recallTarget: Double
    var nprobe: Int?
    /// When the search ends with what it has.
    var deadline: MonotonicTime?
    /// Whether only what the codes all but rule out is left unseen.
    var isThorough = false
    /// Takes the time of each phase.
    var clock: PhaseClock?

    /// Whether a row of a store counts: in a memtable rows of all partitions lie together.
    @inline(never)
    func admits(_ rows: any RowStore, _ ordinal: Int) -> Bool {
        if let partitions, rows is Memtable,
            !partitions.contains(where: {
                PartitionName($0) == PartitionName(rows.partition(at: ordinal))
            })
        {
            return false
        }
        return filter?.matches(rows, ordinal) ?? true
    }
}

/// The running state of one search over one live set.
struct SearchRun {
    let live: LiveSet
    let query: CheckedQuery
    var best: TopK
    /// Rows compared by their float32 vectors.
    var rowsScanned = 0
    /// What was looked at before that.
    var scanned = CodesScanned()
    /// Whether rows of memtables were passed over because of their bytes.
    var hasPassedOver = false
    /// Whether the deadline came before all was looked at.
    var isTruncated = false
    /// Rows outside lists that were to be looked at, and those of them that were before the deadline.
    var (planned, done) = (0, 0)
    /// The first failure met while breaking ties; ends the search.
    var failure: CorruptionError?

    init(live: LiveSet, query: CheckedQuery) {
        self.live = live
        self.query = query
        best = TopK(k: query.k, floor: query.floor)
    }

    /// What a search looked at to find the rows that it compared.
    struct CodesScanned {
        var lists = 0
        var blocks = 0
        var codes = 0
        var byteRows = 0

        mutating func add(_ other: CodesScanned) {
            lists += other.lists
            blocks += other.blocks
            codes += other.codes
            byteRows += other.byteRows
        }
    }

    /// Rows that were looked at in any form.
    var looked: Int { rowsScanned + scanned.codes + scanned.byteRows }

    /// Whether the deadline has come; then nothing more is looked at.
    mutating func isLate() -> Bool {
        guard let deadline = query.deadline else { return false }
        if !isTruncated { isTruncated = MonotonicTime.now >= deadline }
        return isTruncated
    }

    /// Of one segment; nil when every row is visible.
    func hidden(inSegment index: Int) -> TombstoneSet? {
        live.segments[index].tombstones.isEmpty ? nil : live.segments[index].tombstones
    }

    /// Rows whose distances are computed by one call into the kernels.
    static let blockRowCount = 512

    /// Compares the visible, matching rows of `ordinals` in one segment.
    mutating func scan(
        segment index: Int,
        ordinals: Range<Int>,
        matching: [UInt64]? = nil
    ) throws(CorruptionError) {
        let segment = live.segments[index].segment
        let stride = segment.strideFloats
        let base = segment.vectors
        let storeIndex = live.memtables.count + index
        let hidden = hidden(inSegment: index)
        withScores { run, scores in
            var first = ordinals.lowerBound
            while first < ordinals.upperBound, !run.isLate() {
                let count = min(Self.blockRowCount, ordinals.upperBound - first)
                do throws(CorruptionError) {
                    try segment.verifyVectors(ordinals: first..<first + count)
                } catch {
                    run.failure = error
                    return
                }
                run.query.vector.withUnsafeBufferPointer { vector in
                    guard let vector = vector.baseAddress else { return }
                    Kernels.dotRows(
                        query: vector,
                        rows: base + first * stride,
                        stride: stride,
                        count: count,
                        dimension: run.live.configuration.dimension,
                        into: scores
                    )
                }
                run.offer(
                    scores,
                    count: count,
                    store: storeIndex,
                    checking: run.query.filter == nil ? nil : segment,
                    hidden: hidden
                ) { first + $0 }
                run.rowsScanned += count
                first += count
            }
        }
        try throwFailure()
    }

    /// Compares the visible rows among `ordinals`, which lie anywhere in one segment and match.
    mutating func gather(
        segment index: Int,
        ordinals: UnsafeBufferPointer<UInt32>,
        endsAtDeadline: Bool
    ) throws(CorruptionError) {
        let segment = live.segments[index].segment
        let stride = segment.strideFloats
        let base = segment.vectors
        let storeIndex = live.memtables.count + index
        let hidden = hidden(inSegment: index)
        withScores { run, scores in
            var first = 0
            while first < ordinals.count, !endsAtDeadline || !run.isLate() {
                let count = min(Self.blockRowCount, ordinals.count - first)
                guard let start = ordinals.baseAddress else { return }
                let block = start + first
                do throws(CorruptionError) {
                    for place in 0..<count {
                        try segment.verifyVector(Int(block[place]))
                    }
                } catch {
                    run.failure = error
                    return
                }
                run.query.vector.withUnsafeBufferPointer { vector in
                    guard let vector = vector.baseAddress else { return }
                    Kernels.dotGather(
                        query: vector,
                        base: base,
                        stride: stride,
                        ordinals: block,
                        count: count,
                        dimension: run.live.configuration.dimension,
                        into: scores
                    )
                }
                run.offer(
                    scores,
                    count: count,
                    store: storeIndex,
                    checking: nil,
                    hidden: hidden
                ) { Int(block[$0]) }
                run.rowsScanned += count
                first += count
            }
        }
        try throwFailure()
    }

    /// Offers scored rows to the best so far; tombstones and the filter are asked only of rows that
    /// would enter.
    @inline(__always)
    mutating func offer(
        _ scores: UnsafePointer<Float>,
        count: Int,
        store: Int,
        checking rows: (any RowStore)?,
        hidden: TombstoneSet?,
        ordinal: (Int) -> Int
    ) {
        var threshold = best.threshold
        for position in 0..<count {
            let score = scores[position]
            guard score >= threshold else { continue }
            let ordinal = ordinal(position)
            if let hidden, hidden.contains(ordinal) { continue }
            if let rows, !query.admits(rows, ordinal) { continue }
            admit(score: score, key: RowKey(store: store, ordinal: ordinal))
            threshold = best.threshold
        }
    }

    @inline(never)
    private mutating func admit(score: Float, key: RowKey) {
        let live = live
        var failed: CorruptionError?
        best.offer(score: score, key: key.raw) { left, right in
            let (first, second) = (RowKey(raw: left), RowKey(raw: right))
            do throws(CorruptionError) {
                let firstID = try live.store(first.store).id(at: first.ordinal)
                let secondID = try live.store(second.store).id(at: second.ordinal)
                return firstID < secondID
            } catch {
                failed = error
                return left < right
            }
        }
        if let failed, failure == nil { failure = failed }
    }

    func throwFailure() throws(CorruptionError) {
        if let failure { throw failure }
    }

    mutating func withScores(
        _ body: (inout SearchRun, UnsafeMutablePointer<Float>) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: Self.blockRowCount) { scores in
            guard let base = scores.baseAddress else { return }
            body(&self, base)
        }
    }
}
