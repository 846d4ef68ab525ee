// The query path: live set → plan → scans → the k nearest row keys.

import StorageIO
import VectorMath

/// Answers checked queries over one live set.
struct Searcher {
    let live: LiveSet
    /// Corrects calibration by what was measured; nil leaves it as it is.
    let liveRecall: LiveRecall?

    init(live: LiveSet, liveRecall: LiveRecall? = nil) {
        self.live = live
        self.liveRecall = liveRecall
    }

    /// What a search found, before records are read.
    struct Outcome {
        /// Best first.
        var rows: [FoundRow]
        var statistics: SearchStatistics
        /// What calibration alone says of the recall; nil when no list was left out, or time was up.
        var calibratedRecall: Double?
        var band: LiveRecallReport.Band
    }

    func search(_ query: CheckedQuery) throws(CorruptionError) -> Outcome {
        let scope = SearchScope(live: live, partitions: query.partitions)
        let plan = try self.plan(query, scope: scope)
        query.clock?.end(\.plan)
        var run = SearchRun(live: live, query: query)
        try scanMemtables(&run)
        var statistics = SearchStatistics(
            mode: .exact,
            exactness: .exact,
            nlist: 0,
            nprobe: 0,
            rowsScanned: 0,
            estimatedRecall: 1,
            lsn: live.lsn
        )
        var wentFurther = false
        switch plan.access {
        case .exact:
            try scanAll(&run, scope: scope)
        case .gather:
            try gatherMatching(&run, scope: scope)
        case .codes:
            try scanCodes(&run, scope: scope, plan: plan, statistics: &statistics)
            if run.best.count < query.k, !run.isTruncated,
                query.floor == -.infinity || query.filter != nil
            {
                // Lists yielded too few: a filter never eats results. What more lists find says nothing of
                // what calibration promised for few.
                wentFurther = true
                try searchFurther(&run, scope: scope, plan: plan, statistics: &statistics)
            }
        }
        tell(of: run, plan: plan, scope: scope, in: &statistics)
        let rows = try ordered(run.best)
        query.clock?.end(\.order)
        let isMeasurable =
            !wentFurther && statistics.exactness == .estimated && statistics.nprobe > 0
        return Outcome(
            rows: rows,
            statistics: statistics,
            calibratedRecall: isMeasurable ? plan.calibratedRecall : nil,
            band: plan.band
        )
    }

    private func tell(
        of run: SearchRun,
        plan: QueryPlan,
        scope: SearchScope,
        in statistics: inout SearchStatistics
    ) {
        statistics.rowsScanned = run.rowsScanned
        statistics.listsScanned = run.scanned.lists
        statistics.blocksScanned = run.scanned.blocks
        statistics.codesScanned = run.scanned.codes
        statistics.byteRowsScanned = run.scanned.byteRows
        if run.hasPassedOver {
            statistics.mode = .probed
            statistics.estimatedRecall = min(statistics.estimatedRecall, SearchRun.byteScanRecall)
        }
        if run.isTruncated {
            // Rows outside lists come in no order of nearness; what lists lost is reckoned with them.
            let rows = scope.segmentRowCount + live.memtables.reduce(0) { $0 + $1.rowCount }
            let all = plan.access == .codes ? max(run.planned, rows) : run.planned
            statistics.estimatedRecall *= 1 - Double(run.planned - run.done) / Double(max(1, all))
            statistics.exactness = .truncated(.timeLimit)
        } else if statistics.mode == .probed {
            statistics.exactness = .estimated
        }
    }

    /// Begins again and looks at every row of the scope: compares them all or, when a floor says
    /// which ones could count, passes over those whose codes stay below it.
    private func searchFurther(
        _ run: inout SearchRun,
        scope: SearchScope,
        plan: QueryPlan,
        statistics: inout SearchStatistics
    ) throws(CorruptionError) {
        var query = run.query
        query.recallTarget = 1
        query.nprobe = nil
        var (further, furtherStatistics) = (SearchRun(live: live, query: query), statistics)
        try scanMemtables(&further)
        if query.floor > -.infinity {
            var whole = plan
            whole.probes = plan.probes.map { $0?.whole }
            try scanCodes(&further, scope: scope, plan: whole, statistics: &furtherStatistics)
        } else {
            try scanAll(&further, scope: scope)
            furtherStatistics.mode = .exact
            furtherStatistics.estimatedRecall = 1
        }
        let rowsScanned = run.rowsScanned + further.rowsScanned
        further.scanned.add(run.scanned)
        if further.isTruncated {
            // Time was up before all was seen again: what the lists gave is nearer than what came first.
            run.scanned = further.scanned
            run.isTruncated = true
            statistics.estimatedRecall *= Double(run.best.count) / Double(query.k)
        } else {
            (run, statistics) = (further, furtherStatistics)
        }
        run.rowsScanned = rowsScanned
    }

    /// The nearest rows of a search that leaves no list out and hardly ever believes a code that is too
    /// low.
    func searchThoroughly(_ query: CheckedQuery) throws(CorruptionError) -> TopK {
        var query = query
        query.isThorough = true
        let scope = SearchScope(live: live, partitions: query.partitions)
        var run = SearchRun(live: live, query: query)
        try scanMemtables(&run)
        var plan = QueryPlan(access: .codes)
        plan.probes = live.segments.indices.map { index in
            probe(of: live.segments[index].segment, scope: scope)?.whole
        }
        var statistics = SearchStatistics(
            mode: .probed,
            exactness: .estimated,
            nlist: 0,
            nprobe: 0,
            rowsScanned: 0,
            estimatedRecall: 1,
            lsn: live.lsn
        )
        try scanCodes(&run, scope: scope, plan: plan, statistics: &statistics)
        return run.best
    }

    // MARK: - Planning

    private func plan(
        _ query: CheckedQuery,
        scope: SearchScope
    ) throws(CorruptionError) -> QueryPlan {
        guard scope.segmentRowCount > QueryPlan.exactRowLimit || query.nprobe != nil else {
            return QueryPlan(access: .exact)
        }
        var effectiveK = query.k
        var band = LiveRecallReport.Band.unfiltered
        if let filter = query.filter {
            let share = selectivity(of: filter, scope: scope)
            if share < QueryPlan.gatherSelectivity { return QueryPlan(access: .gather) }
            effectiveK = Int((Double(query.k) / share).rounded(.up))
            band = LiveRecallReport.Band(selectivity: share)
        }
        guard query.recallTarget < 1 || query.nprobe != nil else {
            return QueryPlan(access: .exact)
        }
        var plan = QueryPlan(access: .codes)
        plan.band = band
        let target = liveRecall?.target(query.recallTarget, in: band) ?? query.recallTarget
        plan.probes.reserveCapacity(live.segments.count)
        for index in live.segments.indices {
            guard var probe = probe(of: live.segments[index].segment, scope: scope) else {
                plan.probes.append(nil)
                continue
            }
            let wanted = query.nprobe ?? probe.curve.nprobe(forTarget: target, k: effectiveK)
            probe.nprobe = min(max(wanted, 1), probe.curve.nlist)
            plan.calibratedRecall = min(
                plan.calibratedRecall,
                probe.curve.recall(nprobe: probe.nprobe, k: effectiveK)
            )
            plan.probes.append(probe)
        }
        return plan
    }

    /// What is known of the lists of one segment; nil when it has none for the scope.
    private func probe(of segment: Segment, scope: SearchScope) -> QueryPlan.Probe? {
        guard let generation = live.generations[segment.indexGeneration],
            let table = table(of: generation, scope: scope)
        else { return nil }
        let isWhole = scope.partitions == nil || live.configuration.partitionKey == nil
        return QueryPlan.Probe(
            curve: (isWhole ? segment.calibration : nil)
                ?? generation.set.tables[table].calibration,
            centroids: generation.tables[table].codes,
            nprobe: 0
        )
    }

    /// The table that serves a scope: the partition's own, or the one over the whole collection.
    private func table(of generation: IndexGeneration, scope: SearchScope) -> Int? {
        guard let partitions = scope.partitions else { return generation.globalTable }
        guard partitions.count == 1 else { return nil }
        return generation.listTable(forPartition: partitions[0], isPartitioned: true)
    }

    /// The estimated share of rows that match, from an even sample of the scope.
    private func selectivity(of filter: FilterProgram, scope: SearchScope) -> Double {
        let first = selectivity(of: filter, scope: scope, sample: QueryPlan.firstSampleCount)
        // A scope of no more rows was looked at whole.
        return first >= QueryPlan.commonSelectivity
            || scope.segmentRowCount <= QueryPlan.firstSampleCount
            ? first : selectivity(of: filter, scope: scope, sample: QueryPlan.filterSampleCount)
    }

    private func selectivity(of filter: FilterProgram, scope: SearchScope, sample: Int) -> Double {
        let total = scope.segmentRowCount
        guard total > 0 else { return 1 }
        let step = max(1, total / sample)
        var (tried, matched, skip) = (0, 0, step / 2)
        for (index, ranges) in scope.ranges.enumerated() {
            let segment = live.segments[index].segment
            for range in ranges {
                var ordinal = range.ordinals.lowerBound + skip
                while ordinal < range.ordinals.upperBound {
                    tried += 1
                    if filter.matches(segment, ordinal) { matched += 1 }
                    ordinal += step
                }
                skip = ordinal - range.ordinals.upperBound
            }
        }
        return tried == 0 ? 1 : Double(matched) / Double(tried)
    }

    // MARK: - Access paths

    /// Does a scan of rows outside lists and takes note of how far it came.
    func counting(
        _ rows: Int,
        _ run: inout SearchRun,
        _ scan: (inout SearchRun) throws(CorruptionError) -> Void
    ) throws(CorruptionError) {
        let before = run.looked
        try scan(&run)
        run.planned += rows
        run.done += run.isTruncated ? min(rows, run.looked - before) : rows
    }

    private func scanMemtables(_ run: inout SearchRun) throws(CorruptionError) {
        for index in live.memtables.indices where live.memtables[index].rowCount > 0 {
            try counting(live.memtables[index].rowCount, &run) { run throws(CorruptionError) in
                try run.scan(memtable: index)
            }
        }
        run.query.clock?.end(\.memtable)
    }

    private func scanAll(_ run: inout SearchRun, scope: SearchScope) throws(CorruptionError) {
        for (index, ranges) in scope.ranges.enumerated() {
            for range in ranges {
                try counting(range.ordinals.count, &run) { run throws(CorruptionError) in
                    try run.scan(segment: index, ordinals: range.ordinals)
                }
            }
        }
        run.query.clock?.end(\.compare)
    }

    private func gatherMatching(
        _ run: inout SearchRun,
        scope: SearchScope
    ) throws(CorruptionError) {
        guard let filter = run.query.filter else { return try scanAll(&run, scope: scope) }
        var (tried, matched) = (0, 0)
        for (index, ranges) in scope.ranges.enumerated() {
            let segment = live.segments[index].segment
            for range in ranges {
                if run.isLate() {
                    // As many match as did so far, as far as can be told.
                    let share = tried == 0 ? 1 : Double(matched) / Double(tried)
                    run.planned += Int((Double(range.ordinals.count) * share).rounded(.up))
                    continue
                }
                let words = try filter.bitmap(over: segment, ordinals: range.ordinals)
                var chosen: [UInt32] = []
                for (position, word) in words.enumerated() {
                    var bits = word
                    while bits != 0 {
                        let bit = bits.trailingZeroBitCount
                        chosen.append(UInt32(range.ordinals.lowerBound + position * 64 + bit))
                        bits &= bits - 1
                    }
                }
                tried += range.ordinals.count
                matched += chosen.count
                try counting(chosen.count, &run) { run throws(CorruptionError) in
                    var failure: CorruptionError?
                    chosen.withUnsafeBufferPointer { ordinals in
                        do throws(CorruptionError) {
                            try run.gather(segment: index, ordinals: ordinals, endsAtDeadline: true)
                        } catch { failure = error }
                    }
                    if let failure { throw failure }
                }
            }
        }
        run.query.clock?.end(\.compare)
    }

    /// The best rows, nearest first, ties by id.
    private func ordered(_ best: TopK) throws(CorruptionError) -> [FoundRow] {
        let kept = best.sorted()
        // All of one store in turn: most answers are of one segment, which is looked up once then.
        let runs = Self.runs(of: kept)
        for run in runs {
            guard let segment = live.segment(ofStore: RowKey(raw: kept[run.lowerBound].key).store)
            else { continue }
            for row in kept[run] { segment.prefetchIDOffset(RowKey(raw: row.key).ordinal) }
            for row in kept[run] { segment.prefetchID(RowKey(raw: row.key).ordinal) }
        }
        var rows: [FoundRow] = []
        rows.reserveCapacity(kept.count)
        for run in runs {
            let store = live.store(RowKey(raw: kept[run.lowerBound].key).store)
            for row in kept[run] {
                let key = RowKey(raw: row.key)
                let id = try store.id(at: key.ordinal)
                rows.append(FoundRow(score: row.score, key: key, id: id))
            }
        }
        var isOrdered = true
        for place in rows.indices.dropFirst() where rows[place - 1].score == rows[place].score {
            isOrdered = false
        }
        if !isOrdered {
            rows.sort { left, right in
                left.score != right.score ? left.score > right.score : left.id < right.id
            }
        }
        return rows
    }

    /// Ranges of neighbours that are in one store.
    private static func runs(of rows: [(score: Float, key: UInt64)]) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        var first = 0
        for place in rows.indices
        where place + 1 == rows.count
            || RowKey(raw: rows[place].key).store != RowKey(raw: rows[place + 1].key).store
        {
            runs.append(first..<place + 1)
            first = place + 1
        }
        return runs
    }
}

/// A row that a search found.
struct FoundRow {
    /// The dot product of the unit vectors.
    var score: Float
    var key: RowKey
    var id: RecordID
}
