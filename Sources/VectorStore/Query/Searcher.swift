// The query path: live set → plan → scans → the k nearest row keys.

import StorageIO
import VectorMath

/// Answers checked queries over one live set.
struct Searcher {
    let live: LiveSet

    /// What a search found, before records are read.
    struct Outcome {
        /// Best first.
        var rows: [FoundRow]
        var statistics: SearchStatistics
    }

    func search(_ query: CheckedQuery) throws(CorruptionError) -> Outcome {
        let scope = SearchScope(live: live, partitions: query.partitions)
        let plan = try self.plan(query, scope: scope)
        var run = SearchRun(live: live, query: query)
        try scanMemtables(&run)
        var statistics = SearchStatistics(
            mode: .exact,
            nlist: 0,
            nprobe: 0,
            rowsScanned: 0,
            estimatedRecall: 1,
            lsn: live.lsn
        )
        switch plan.access {
        case .exact:
            try scanAll(&run, scope: scope)
        case .gather:
            try gatherMatching(&run, scope: scope)
        case .codes:
            try scanCodes(&run, scope: scope, plan: plan, statistics: &statistics)
            if run.best.count < query.k, query.floor == -.infinity || query.filter != nil {
                // Lists yielded too few: a filter never eats results.
                try searchFurther(&run, scope: scope, plan: plan, statistics: &statistics)
            }
        }
        statistics.rowsScanned = run.rowsScanned
        statistics.codesScanned = run.codesScanned
        return Outcome(rows: try ordered(run.best), statistics: statistics)
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
        run = SearchRun(live: live, query: query)
        try scanMemtables(&run)
        guard query.floor > -.infinity else {
            try scanAll(&run, scope: scope)
            statistics.mode = .exact
            statistics.estimatedRecall = 1
            return
        }
        var whole = plan
        for number in plan.probes.keys { whole.probes[number] = .max }
        try scanCodes(&run, scope: scope, plan: whole, statistics: &statistics)
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
        if let filter = query.filter {
            let share = selectivity(of: filter, scope: scope)
            if share < QueryPlan.gatherSelectivity { return QueryPlan(access: .gather) }
            effectiveK = Int((Double(query.k) / share).rounded(.up))
        }
        guard query.recallTarget < 1 || query.nprobe != nil else {
            return QueryPlan(access: .exact)
        }
        var plan = QueryPlan(access: .codes)
        for (number, generation) in live.generations {
            guard let table = table(of: generation, scope: scope) else { continue }
            let curve = generation.set.tables[table].calibration
            let nlist = generation.set.tables[table].nlist
            let nprobe =
                query.nprobe ?? curve.nprobe(forTarget: query.recallTarget, k: effectiveK)
            plan.probes[number] = min(max(nprobe, 1), nlist)
        }
        return plan
    }

    /// The table that serves a scope: the partition's own, or the one over the whole collection.
    func table(of generation: IndexGeneration, scope: SearchScope) -> Int? {
        guard let partitions = scope.partitions else { return generation.globalTable }
        guard partitions.count == 1 else { return nil }
        return generation.listTable(forPartition: partitions[0], isPartitioned: true)
    }

    /// The estimated share of rows that match, from an even sample of the scope.
    private func selectivity(of filter: FilterProgram, scope: SearchScope) -> Double {
        let total = scope.segmentRowCount
        guard total > 0 else { return 1 }
        let step = max(1, total / QueryPlan.filterSampleCount)
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

    private func scanMemtables(_ run: inout SearchRun) throws(CorruptionError) {
        for index in live.memtables.indices where live.memtables[index].rowCount > 0 {
            try run.scan(memtable: index)
        }
    }

    private func scanAll(_ run: inout SearchRun, scope: SearchScope) throws(CorruptionError) {
        for (index, ranges) in scope.ranges.enumerated() {
            for range in ranges { try run.scan(segment: index, ordinals: range.ordinals) }
        }
    }

    private func gatherMatching(
        _ run: inout SearchRun,
        scope: SearchScope
    ) throws(CorruptionError) {
        guard let filter = run.query.filter else { return try scanAll(&run, scope: scope) }
        for (index, ranges) in scope.ranges.enumerated() {
            let segment = live.segments[index].segment
            for range in ranges {
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
                var failure: CorruptionError?
                chosen.withUnsafeBufferPointer { ordinals in
                    do throws(CorruptionError) {
                        try run.gather(segment: index, ordinals: ordinals, checkFilter: false)
                    } catch { failure = error }
                }
                if let failure { throw failure }
            }
        }
    }

    /// The best rows, nearest first, ties by id.
    private func ordered(_ best: TopK) throws(CorruptionError) -> [FoundRow] {
        let kept = best.sorted()
        for (index, view) in live.segments.enumerated() {
            let store = live.memtables.count + index
            view.segment.prefetchIDs(
                kept.lazy.map { RowKey(raw: $0.key) }.filter { $0.store == store }.map(\.ordinal)
            )
        }
        var rows: [FoundRow] = []
        rows.reserveCapacity(kept.count)
        for row in kept {
            let key = RowKey(raw: row.key)
            let id = try live.store(key.store).id(at: key.ordinal)
            rows.append(FoundRow(score: row.score, key: key, id: id))
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
}

/// A row that a search found.
struct FoundRow {
    /// The dot product of the unit vectors.
    var score: Float
    var key: RowKey
    var id: RecordID
}
