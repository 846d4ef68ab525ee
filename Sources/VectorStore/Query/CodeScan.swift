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
    func deviations(of probe: QueryPlan.Probe) -> Float {
        if query.isThorough { return CodeDeviations.thorough }
        let probed = CodeDeviations.probed(nprobe: probe.nprobe, nlist: probe.curve.nlist)
        return query.nprobe == nil ? probed : max(probed, CodeDeviations.named)
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
