import StorageIO

/// One collection of an open store.
///
/// Every method may be called from any thread. Reads see every write that was acknowledged before they
/// began, and nothing in part.
public final class VectorCollection: Sendable {
    private let core: StoreCore
    let state: CollectionState
    private let committer: Committer
    let scheduler: MaintenanceScheduler

    init(
        core: StoreCore,
        state: CollectionState,
        committer: Committer,
        scheduler: MaintenanceScheduler
    ) {
        self.core = core
        self.state = state
        self.committer = committer
        self.scheduler = scheduler
    }

    /// What the collection is called.
    public var name: String { state.configuration.name }

    /// What the collection is.
    public var configuration: CollectionConfiguration { state.configuration }

    private func live() throws(VectorStoreError) -> LiveSet {
        if let live = state.live { return live }
        if core.isClosed {
            throw VectorStoreError(.closed, "the store is closed; open it again")
        }
        throw VectorStoreError(
            .unknownCollection,
            "collection \(configuration.name) was dropped",
            field: "collection"
        )
    }

    // MARK: - Writing

    /// Inserts records, replacing those with the same id, all or none.
    ///
    /// At most 65,536 records and 14 MiB a call. Returns when the write is durable and visible.
    ///
    /// - Parameter writeID: Names the write; when it was done before under this id it is not done again.
    /// - Throws: A typed error that names the row and the field that was refused; then nothing was
    ///   changed.
    @discardableResult
    public func upsert(
        _ records: [Record],
        writeID: WriteID? = nil
    ) async throws(VectorStoreError) -> WriteReceipt {
        let rows = try state.check.records.rows(records)
        let byteCount = rows.reduce(0) { $0 + $1.logByteCount }
        return try await committer.submit(
            .upsert(rows),
            byteCount: byteCount,
            to: state,
            id: writeID
        )
    }

    /// Changes records and keeps their vectors, all or none.
    ///
    /// - Parameter writeID: As for `upsert`.
    /// - Throws: `recordNotFound` when one of them does not exist; then nothing was changed.
    @discardableResult
    public func update(
        _ patches: [RecordPatch],
        writeID: WriteID? = nil
    ) async throws(VectorStoreError) -> WriteReceipt {
        let checked = try state.check.records.patches(patches)
        return try await committer.submit(
            .update(checked),
            byteCount: checked.count * (configuration.dimension * 4 + 512),
            to: state,
            id: writeID
        )
    }

    /// Deletes records by id; ids that do not exist are passed over and not counted.
    ///
    /// - Parameter writeID: As for `upsert`.
    @discardableResult
    public func delete(
        ids: [RecordID],
        writeID: WriteID? = nil
    ) async throws(VectorStoreError) -> WriteReceipt {
        let check = state.check.records
        try check.checkCount(ids.count)
        for (row, id) in ids.enumerated() { try check.check(id: id, row: row) }
        return try await committer.submit(
            .delete(ids),
            byteCount: ids.count * 280,
            to: state,
            id: writeID
        )
    }

    /// Deletes the records that match, atomically, among the given partition's or all.
    ///
    /// - Parameter writeID: As for `upsert`.
    @discardableResult
    public func delete(
        where filter: Filter?,
        partition: String? = nil,
        writeID: WriteID? = nil
    ) async throws(VectorStoreError) -> WriteReceipt {
        let work = WriteRequest.Work.deleteMatching(
            try state.check.program(filter),
            partitions: try state.check.partitions(partition.map { [$0] })
        )
        return try await committer.submit(work, byteCount: 0, to: state, id: writeID)
    }

    /// The receipt of the write that was done under this id, as far as it is remembered.
    ///
    /// Tells what became of a write whose answer was lost, without doing it.
    public func receipt(of id: WriteID) throws(VectorStoreError) -> WriteReceipt? {
        _ = try live()
        return core.receipt(of: id, in: state.id)
    }

    // MARK: - Reading

    /// Reads records by id; nil for an id that does not exist.
    public func get(
        _ ids: [RecordID],
        include: IncludedFields = [.attributes, .payload, .vector]
    ) throws(VectorStoreError) -> [Record?] {
        _ = try live()
        return try convertingCorruption { () throws(CorruptionError) in
            guard let (live, keys) = try state.locate(ids) else { return [] }
            return try live.reading { () throws(CorruptionError) in
                var records: [Record?] = []
                for key in keys {
                    records.append(
                        try key.map { key throws(CorruptionError) in
                            try live.record(key, include: include)
                        }
                    )
                }
                return records
            }
        }
    }

    /// Finds the nearest records.
    ///
    /// Blocks the calling thread for the time of the scan.
    ///
    /// - Complexity: Proportional to the rows scanned, which the answer's statistics tell.
    public func search(_ query: SearchQuery) throws(VectorStoreError) -> SearchResult {
        let checked = try state.check.check(query)
        return try answer(checked, include: query.include, live: try live())
    }

    /// Answers several queries from one snapshot.
    public func search(_ queries: [SearchQuery]) throws(VectorStoreError) -> [SearchResult] {
        let live = try live()
        var results: [SearchResult] = []
        results.reserveCapacity(queries.count)
        for query in queries {
            results.append(
                try answer(try state.check.check(query), include: query.include, live: live)
            )
        }
        return results
    }

    private func answer(
        _ query: CheckedQuery,
        include: IncludedFields,
        live: LiveSet
    ) throws(VectorStoreError) -> SearchResult {
        try reading(live) { () throws(CorruptionError) in
            let outcome = try Searcher(live: live, liveRecall: state.liveRecall).search(query)
            state.liveRecall.note(query, outcome, live: live)
            var matches: [Match] = []
            matches.reserveCapacity(outcome.rows.count)
            // Of one partition alone, the name need not be looked up for each row.
            let only = query.partitions?.count == 1 ? query.partitions?.first : nil
            for row in outcome.rows {
                matches.append(try live.match(row, include: include, inPartition: only))
            }
            query.clock?.end(\.read)
            var statistics = outcome.statistics
            statistics.profile = query.clock?.finish()
            return SearchResult(matches: matches, statistics: statistics)
        }
    }

    /// Runs `body`, which reads of `live`, and gives its errors their public form.
    private func reading<R>(
        _ live: LiveSet,
        _ body: () throws(CorruptionError) -> R
    ) throws(VectorStoreError) -> R {
        try convertingCorruption { () throws(CorruptionError) in try live.reading(body) }
    }

    /// Reads matching records page by page.
    ///
    /// A page may hold fewer than `limit` (1 to 10,000) only when it is the last.
    ///
    /// - Throws: `invalidQuery` for a limit out of range or a cursor that no scan returned.
    public func scan(
        filter: Filter? = nil,
        partition: String? = nil,
        limit: Int = 100,
        cursor: String? = nil,
        include: IncludedFields = [.attributes, .payload]
    ) throws(VectorStoreError) -> ScanPage {
        let page = try page(
            filter: filter,
            partition: partition,
            limit: limit,
            cursor: cursor,
            include: include
        )
        return ScanPage(
            records: try page.records(0..<page.count),
            nextCursor: page.nextCursor
        )
    }

    /// Finds the records of a page, to be read piece by piece; otherwise as `scan` does.
    public func page(
        filter: Filter? = nil,
        partition: String? = nil,
        limit: Int = 100,
        cursor: String? = nil,
        include: IncludedFields = [.attributes, .payload]
    ) throws(VectorStoreError) -> RecordPage {
        guard (1...10_000).contains(limit) else {
            throw VectorStoreError(
                .invalidQuery,
                "the limit is \(limit); it must be 1 to 10000",
                field: "limit"
            )
        }
        let live = try live()
        let scan = RecordScan(
            live: live,
            partitions: try state.check.partitions(partition.map { [$0] }),
            filter: try state.check.program(filter)
        )
        let start = try cursor.map { text throws(VectorStoreError) in
            try RecordScan.Position(cursor: text)
        }
        return try reading(live) { () throws(CorruptionError) in
            let rows = try scan.page(after: start, limit: limit)
            let isLast = rows.count < limit
            return RecordPage(
                live: live,
                keys: rows.map(\.key),
                nextCursor: isLast ? nil : rows.last?.position.cursor,
                include: include
            )
        }
    }

    /// The number of matching records.
    public func count(
        filter: Filter? = nil,
        partition: String? = nil
    ) throws(VectorStoreError) -> Int {
        let live = try live()
        let scan = RecordScan(
            live: live,
            partitions: try state.check.partitions(partition.map { [$0] }),
            filter: try state.check.program(filter)
        )
        return try reading(live) { () throws(CorruptionError) in try scan.count() }
    }

    // MARK: - Maintenance

    /// Trains new centroids on the live rows and writes a new index generation, while reads and
    /// writes go on.
    ///
    /// The new index takes the place of the old one if its recall and its time are no worse on the rows
    /// that are there. `progress` may return false to cancel, which changes nothing.
    ///
    /// - Throws: `busy` when the collection is being rebuilt, `cancelled`, `rebuildRejected`.
    @discardableResult
    public func rebuildIndex(
        _ options: RebuildOptions = RebuildOptions(),
        progress: (@Sendable (MaintenanceProgress) -> Bool)? = nil
    ) async throws(VectorStoreError) -> RebuildReport {
        _ = try live()
        try options.check()
        return try await scheduler.rebuild(
            state,
            options: options,
            progress: progress ?? { _ in true }
        )
    }

    /// Goes back to the centroids that the last rebuild replaced, for the rows that are there now.
    ///
    /// They are kept from one rebuild to the next; going back twice returns to where it began.
    ///
    /// - Throws: `invalidQuery` when none are kept, `busy`, `cancelled`.
    @discardableResult
    public func rollBackIndex(
        progress: (@Sendable (MaintenanceProgress) -> Bool)? = nil
    ) async throws(VectorStoreError) -> RebuildReport {
        _ = try live()
        return try await scheduler.rebuild(
            state,
            options: RebuildOptions(),
            origin: .previousGeneration,
            progress: progress ?? { _ in true }
        )
    }

    /// Merges all segments into one under the current index, dropping deleted rows.
    ///
    /// - Throws: `cancelled` when `progress` returned false; then nothing was changed.
    public func compact(
        progress: (@Sendable (MaintenanceProgress) -> Bool)? = nil
    ) async throws(VectorStoreError) {
        _ = try live()
        try await scheduler.compact(state, progress: progress ?? { _ in true })
    }

    /// Writes the memtable to a segment.
    public func flush() async throws(VectorStoreError) {
        _ = try live()
        try await scheduler.flush(state)
    }

    /// The state of the collection.
    public func statistics() throws(VectorStoreError) -> CollectionStatistics {
        StoreReport.statistics(of: try live(), liveRecall: state.liveRecall)
    }
}
