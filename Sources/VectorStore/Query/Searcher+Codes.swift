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
        for (number, wanted) in plan.probes {
            guard let generation = live.generations[number],
                let table = table(of: generation, scope: scope)
            else { continue }
            let calibrated = generation.set.tables[table]
            let nprobe = min(wanted, calibrated.nlist)
            let recall = calibrated.calibration.recall(nprobe: nprobe, k: run.query.k)
            var isUsed = false
            for index in live.segments.indices
            where live.segments[index].segment.indexGeneration == number {
                for range in scope.ranges[index] {
                    guard let lists = lists(of: range, segment: index) else { continue }
                    try scan(
                        &run,
                        lists,
                        segment: index,
                        under: generation.tables[table],
                        nprobe: nprobe
                    )
                    isUsed = true
                }
            }
            guard isUsed else { continue }
            statistics.nlist = max(statistics.nlist, calibrated.nlist)
            statistics.nprobe = max(statistics.nprobe, nprobe)
            statistics.estimatedRecall = min(statistics.estimatedRecall, recall)
        }
        for index in live.segments.indices {
            let isProbed = plan.probes[live.segments[index].segment.indexGeneration] != nil
            for range in scope.ranges[index]
            where !isProbed || lists(of: range, segment: index) == nil {
                try scanWhole(&run, range, segment: index)
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
        under table: CentroidIndex,
        nprobe: Int
    ) throws(CorruptionError) {
        guard let rows = live.segments[index].segment.byteRows, let centroids = table.codes else {
            return
        }
        let options = run.options(
            deviations: SearchRun.deviations(forTarget: run.query.recallTarget)
        )
        let vector = run.query.vector
        try run.compareCandidates(ofSegment: index) { hooks in
            vector.withUnsafeBufferPointer { vector in
                let query = CodeQuery(vector, rotation: rows.rotation)
                return query.search(
                    lists,
                    rows: rows.table,
                    ranking: query.nearest(in: centroids, count: nprobe),
                    options: options,
                    hooks: hooks
                )
            }
        }
    }

    /// Looks at every row of a range.
    private func scanWhole(
        _ run: inout SearchRun,
        _ range: SearchScope.PartitionRange,
        segment index: Int
    ) throws(CorruptionError) {
        let segment = live.segments[index].segment
        guard range.ordinals.count > QueryPlan.exactRowLimit, let rows = segment.byteRows else {
            return try run.scan(segment: index, ordinals: range.ordinals)
        }
        let flat =
            range.ordinals.count > QueryPlan.byteRowLimit
            ? range.entry.flatMap { segment.flatCodes?.partition($0) } : nil
        let options = run.options(deviations: SearchRun.flatDeviations)
        let vector = run.query.vector
        try run.compareCandidates(ofSegment: index) { hooks in
            vector.withUnsafeBufferPointer { vector in
                let query = CodeQuery(vector, rotation: rows.rotation)
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
