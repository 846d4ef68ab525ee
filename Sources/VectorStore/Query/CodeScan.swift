// Rows through codes: one call looks at the codes of lists, at the byte rows of what passes, and leaves
// the few rows that are compared by their float32 vectors.
//
// - Every reported similarity is that of the float32 vectors: codes and bytes only decide which are
//   looked at.
// - Hidden rows and rows that a filter refuses are asked about before they count, so a filter never
//   eats results.

import StorageIO
import VectorMath

extension SearchRun {
    /// How many standard deviations a row's estimate may be too low.
    ///
    /// The share of true neighbours that a bound loses falls with it, and the rows that are compared
    /// rise; measured in docs/decisions/0043. A search that names its lists asks for all that they hold.
    static func deviations(of query: CheckedQuery) -> Float {
        if query.isThorough { return thoroughDeviations }
        let target = query.recallTarget
        let allowed: Float = target >= 0.995 ? 3 : target >= 0.97 ? 1.3 : 0.9
        return query.nprobe == nil ? allowed : max(allowed, 1.6)
    }

    /// How many lists in a row may change nothing before a search ends; nil where none is left out.
    ///
    /// Calibration is asked without filters and among rows of which none is hidden; and a search that names
    /// its lists asks for them.
    func patience(of probe: QueryPlan.Probe, segment index: Int) -> Int? {
        let hidden = hidden(inSegment: index)?.count ?? 0
        guard query.nprobe == nil, query.filter == nil, query.k <= SearchPatience.mostNeighbours,
            hidden * 10 < live.segments[index].segment.rowCount
        else { return nil }
        return SearchPatience.lists(nprobe: probe.nprobe, nlist: probe.curve.nlist)
    }

    /// The deviations of a search that measures others.
    static let thoroughDeviations: Float = 3.5

    /// The same where no list is left out and so nothing else is lost, and the recall to expect then.
    ///
    /// Within 2,000 rows of WordNet 0.9974, 0.9990 and 0.9998 were measured, within 20,000 0.9994,
    /// 0.9994 and 0.9998.
    static func flat(forTarget target: Double) -> (deviations: Float, recall: Double) {
        target > 0.998 ? (2.4, 0.9995) : target > 0.995 ? (2, 0.998) : (1.7, 0.995)
    }

    func options(deviations: Float, patience: Int? = nil) -> CodeSearchOptions {
        CodeSearchOptions(
            k: query.k,
            deviations: deviations,
            floor: best.threshold,
            patience: patience,
            deadline: query.deadline
        )
    }

    /// Compares the candidates of one search of a segment's codes.
    ///
    /// - Parameter search: Asks a query that was prepared on this thread.
    mutating func compareCandidates(
        ofSegment index: Int,
        _ search: (CodeSearchHooks) -> CodeCandidates
    ) throws(CorruptionError) {
        let segment = live.segments[index].segment
        var failure: CorruptionError?
        let candidates = withoutActuallyEscaping(
            { (row: UInt32) -> Bool in
                do throws(CorruptionError) {
                    try segment.verifyByteRow(Int(row))
                    return true
                } catch {
                    failure = error
                    return false
                }
            },
            do: { verifies in
                search(CodeSearchHooks(accepts: acceptance(inSegment: index), verifies: verifies))
            }
        )
        if let failure { throw failure }
        precondition(!candidates.isFailed, "no memory for a search")
        scanned.lists += candidates.lists
        scanned.blocks += candidates.blocks
        scanned.codes += candidates.codes
        scanned.byteRows += candidates.byteRows
        if candidates.isTruncated { isTruncated = true }
        query.clock?.end(\.scan)
        try gather(segment: index, ordinals: candidates.rows, endsAtDeadline: false)
        query.clock?.end(\.compare)
    }

    /// Whether a row of a segment counts; nil when all do.
    private func acceptance(inSegment index: Int) -> ((UInt32) -> Bool)? {
        let hidden = hidden(inSegment: index)
        guard hidden != nil || query.filter != nil else { return nil }
        let (filter, segment) = (query.filter, live.segments[index].segment)
        return { row in
            if let hidden, hidden.contains(Int(row)) { return false }
            return filter?.matches(segment, Int(row)) ?? true
        }
    }
}
