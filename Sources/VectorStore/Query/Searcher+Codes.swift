// The path of a search through codes: lists of each generation, whole partitions, byte rows.

import StorageIO
import VectorMath

extension Searcher {
    /// Looks at the rows of a scope through the codes that there are.
    func scanCodes(
        _ run: inout SearchRun,
        scope: SearchScope,
        plan: QueryPlan,
        statistics: inout SearchStatistics
    ) throws(CorruptionError) {
        statistics.mode = .probed
        for index in live.segments.indices {
            guard let probe = plan.probes[index] else { continue }
            for range in scope.ranges[index] {
                if let lists = lists(of: range, segment: index) {
                    try scan(
                        &run,
                        lists,
                        segment: index,
                        probe: probe,
                        band: plan.band,
                        statistics: &statistics
                    )
                }
            }
        }
        for index in live.segments.indices {
            for range in scope.ranges[index]
            where plan.probes[index] == nil || lists(of: range, segment: index) == nil {
                try counting(range.ordinals.count, &run) { run throws(CorruptionError) in
                    try scanWhole(&run, range, segment: index, statistics: &statistics)
                }
            }
        }
    }

    /// The lists of a range and their codes, if the segment has any.
    private func lists(of range: SearchScope.PartitionRange, segment index: Int) -> CodedLists? {
        let segment = live.segments[index].segment
        guard segment.byteRows != nil else { return nil }
        let isWhole = range.entry == nil || live.configuration.partitionKey == nil
        if isWhole, let postings = segment.postings, let codes = segment.postingCodes {
            return codes.lists(of: postings)
        }
        guard let entry = range.entry, entry.centroidTable != nil else { return nil }
        return segment.listCodes?.lists(of: entry)
    }

    private func scan(
        _ run: inout SearchRun,
        _ lists: CodedLists,
        segment index: Int,
        probe: QueryPlan.Probe,
        band: LiveRecallReport.Band,
        statistics: inout SearchStatistics
    ) throws(CorruptionError) {
        guard let rows = live.segments[index].segment.byteRows, let centroids = probe.centroids
        else { return }
        let nprobe = probe.nprobe
        let listsBefore = run.scanned.lists
        let options = run.options(
            deviations: run.deviations(of: probe),
            patience: run.patience(of: probe, segment: index)
        )
        let (vector, clock) = (run.query.vector, run.query.clock)
        try run.compareCandidates(ofSegment: index) { hooks in
            vector.withUnsafeBufferPointer { vector in
                let query = CodeQuery(vector, rotation: rows.rotation)
                let ranking = query.nearest(in: centroids, count: nprobe)
                clock?.end(\.rank)
                return query.search(
                    lists,
                    rows: rows.table,
                    ranking: ranking,
                    options: options,
                    hooks: hooks
                )
            }
        }
        // The nearest lists come first, so those that were reached in time are worth what the curve says
        // of so many.
        let reached = run.isTruncated ? run.scanned.lists - listsBefore : nprobe
        let promised = probe.curve.recall(nprobe: reached, k: run.query.k)
        statistics.nlist = max(statistics.nlist, probe.curve.nlist)
        statistics.nprobe = max(statistics.nprobe, nprobe)
        statistics.estimatedRecall = min(
            statistics.estimatedRecall,
            liveRecall?.expected(promised, in: band) ?? promised
        )
    }

    /// Looks at every row of a range.
    private func scanWhole(
        _ run: inout SearchRun,
        _ range: SearchScope.PartitionRange,
        segment index: Int,
        statistics: inout SearchStatistics
    ) throws(CorruptionError) {
        let segment = live.segments[index].segment
        guard range.ordinals.count > QueryPlan.exactRowLimit, let rows = segment.byteRows else {
            return try run.scan(segment: index, ordinals: range.ordinals)
        }
        let (deviations, recall) = CodeDeviations.flat(forTarget: run.query.recallTarget)
        statistics.estimatedRecall = min(statistics.estimatedRecall, recall)
        let flat =
            range.ordinals.count > QueryPlan.byteRowLimit
            ? range.entry.flatMap { segment.flatCodes?.partition($0) } : nil
        let options = run.options(
            deviations: run.query.isThorough ? CodeDeviations.thorough : deviations
        )
        let (vector, clock) = (run.query.vector, run.query.clock)
        try run.compareCandidates(ofSegment: index) { hooks in
            vector.withUnsafeBufferPointer { vector in
                let query = CodeQuery(vector, rotation: rows.rotation)
                clock?.end(\.rank)
                guard let flat else {
                    return query.search(
                        rows: rows.table,
                        ordinals: range.ordinals,
                        options: options,
                        hooks: hooks
                    )
                }
                let (product, length) = query.dot(flat.mean)
                return query.search(
                    flat.lists,
                    rows: rows.table,
                    similarity: product,
                    distance: max(0, 1 - 2 * product + length * length).squareRoot(),
                    options: options,
                    hooks: hooks
                )
            }
        }
    }
}
