// Posting lists through one-bit codes: a list's codes say which of its rows could be among the k
// nearest, and only those are compared by their float32 vectors.
//
// - Rows wait in a queue until there are enough of them for one call into the kernels; by then the
//   k-th similarity has often risen past some of them.
// - Every reported similarity is that of the float32 vectors: codes only decide which are looked at.

import StorageIO
import VectorMath

/// What a segment's lists are made of for one scan.
struct CodedLists {
    var segment: Int
    var codes: SegmentCodes
    /// The number in the codes of list 0.
    var firstList: Int
    /// Rows of a list, when they lie together.
    var entry: PartitionEntry?
    /// Rows of a list otherwise.
    var global: GlobalLists?

    @inline(__always)
    func rowCount(_ list: Int) -> Int {
        entry?.list(list).count ?? global?.ordinals(of: list).count ?? 0
    }
}

extension SearchRun {
    /// Rows that are compared together.
    private static let batchRowCount = 16
    /// Lists whose codes are asked for ahead of the one that is scanned.
    private static let listsAhead = 3

    /// How many standard deviations a row's estimate may be too low.
    ///
    /// The share of true neighbours that a bound loses falls with it, and the rows that are compared
    /// rise; measured in docs/benchmarks.md.
    static func deviations(forTarget target: Double) -> Float {
        target >= 0.995 ? 3 : target >= 0.97 ? 1.9 : 1.5
    }

    mutating func scan(
        _ lists: [CentroidIndex.Ranked],
        of coded: CodedLists,
        with code: CodeQuery
    ) throws(CorruptionError) {
        let deviations = Self.deviations(forTarget: query.recallTarget)
        let capacity = coded.codes.longestList + Self.batchRowCount + 16
        let row = live.segments[coded.segment].segment.strideFloats * 4
        let vectors = UnsafeRawPointer(live.segments[coded.segment].segment.vectors)
        var failure: CorruptionError?
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: capacity) { rows in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: capacity) { bounds in
                guard let rows = rows.baseAddress, let bounds = bounds.baseAddress else { return }
                var waiting = 0
                for (place, ranked) in lists.enumerated() {
                    if place + Self.listsAhead < lists.count {
                        let next = coded.firstList + Int(lists[place + Self.listsAhead].list)
                        CodeBlocks.prefetch(
                            coded.codes.list(next),
                            byteCount: min(coded.codes.byteCount(ofList: next), 16_384)
                        )
                    }
                    let count = coded.rowCount(Int(ranked.list))
                    if count == 0 { continue }
                    let found = code.scan(
                        blocks: coded.codes.list(coded.firstList + Int(ranked.list)),
                        count: count,
                        similarity: ranked.similarity,
                        deviations: deviations,
                        threshold: best.threshold,
                        first: UInt32(coded.entry?.list(Int(ranked.list)).lowerBound ?? 0),
                        rows: rows + waiting,
                        bounds: bounds + waiting
                    )
                    codesScanned += count
                    if let global = coded.global, coded.entry == nil {
                        let ordinals = global.ordinals(of: Int(ranked.list))
                        for index in waiting..<waiting + found {
                            rows[index] = UInt32(littleEndian: ordinals[Int(rows[index])])
                        }
                    }
                    if best.count == query.k {
                        for index in waiting..<waiting + found {
                            CodeBlocks.prefetch(vectors + Int(rows[index]) * row, byteCount: row)
                        }
                    }
                    waiting += found
                    guard waiting >= Self.batchRowCount else { continue }
                    do throws(CorruptionError) {
                        try compare(rows, bounds, count: waiting, segment: coded.segment)
                    } catch {
                        failure = error
                        return
                    }
                    waiting = 0
                }
                do throws(CorruptionError) {
                    try compare(rows, bounds, count: waiting, segment: coded.segment)
                } catch { failure = error }
            }
        }
        if let failure { throw failure }
    }

    /// Compares waiting rows by their float32 vectors, the likeliest first while fewer than k are known.
    private mutating func compare(
        _ rows: UnsafeMutablePointer<UInt32>,
        _ bounds: UnsafeMutablePointer<Float>,
        count: Int,
        segment: Int
    ) throws(CorruptionError) {
        if best.count < query.k, count > query.k {
            // The best bounds first, so that the threshold rises before the rest is looked at.
            let order = (0..<count).sorted { bounds[$0] > bounds[$1] }
            let sortedRows = order.map { rows[$0] }
            let sortedBounds = order.map { bounds[$0] }
            var first = 0
            let step = max(query.k, Self.batchRowCount)
            while first < count, sortedBounds[first] >= best.threshold {
                let end = min(count, first + step)
                for index in first..<end { rows[index - first] = sortedRows[index] }
                try gather(
                    segment: segment,
                    ordinals: UnsafeBufferPointer(start: rows, count: end - first)
                )
                first = end
            }
            return
        }
        let threshold = best.threshold
        var kept = 0
        for index in 0..<count where bounds[index] >= threshold {
            rows[kept] = rows[index]
            kept += 1
        }
        try gather(segment: segment, ordinals: UnsafeBufferPointer(start: rows, count: kept))
    }
}
