/// One collection of an open store.
public final class VectorCollection: Sendable {
    /// What the collection is.
    public var configuration: CollectionConfiguration { fatalError("not there yet") }

    /// Inserts records, replacing those with the same id, all or none. At most 65,536 records and
    /// 14 MiB a call. Returns when the write is durable and visible.
    @discardableResult
    public func upsert(
        _ records: [Record]
    ) async throws(VectorStoreError) -> WriteReceipt { fatalError("not there yet") }

    /// Changes records and keeps their vectors, all or none.
    @discardableResult
    public func update(
        _ patches: [RecordPatch]
    ) async throws(VectorStoreError) -> WriteReceipt { fatalError("not there yet") }

    /// Deletes records by id; ids that do not exist are passed over and not counted.
    @discardableResult
    public func delete(
        ids: [RecordID]
    ) async throws(VectorStoreError) -> WriteReceipt { fatalError("not there yet") }

    /// Deletes the records that match, atomically, among the given partition's or all.
    @discardableResult
    public func delete(
        where filter: Filter?, partition: String? = nil
    ) async throws(VectorStoreError) -> WriteReceipt { fatalError("not there yet") }

    /// Reads records by id; nil for an id that does not exist.
    public func get(
        _ ids: [RecordID], include: IncludedFields = [.attributes, .payload, .vector]
    ) throws(VectorStoreError) -> [Record?] { fatalError("not there yet") }

    /// Finds the nearest records. Blocks the calling thread for the time of the scan.
    public func search(_ query: SearchQuery) throws(VectorStoreError) -> SearchResult {
        fatalError("not there yet")
    }

    /// Answers several queries from one snapshot.
    public func search(_ queries: [SearchQuery]) throws(VectorStoreError) -> [SearchResult] {
        fatalError("not there yet")
    }

    /// Reads matching records page by page. A page may hold fewer than `limit` (1 to 10,000) only
    /// when it is the last.
    public func scan(
        filter: Filter? = nil, partition: String? = nil, limit: Int = 100,
        cursor: String? = nil, include: IncludedFields = [.attributes, .payload]
    ) throws(VectorStoreError) -> ScanPage { fatalError("not there yet") }

    /// The number of matching records.
    public func count(
        filter: Filter? = nil, partition: String? = nil
    ) throws(VectorStoreError) -> Int { fatalError("not there yet") }

    /// Trains new centroids on the live rows and writes a new index generation, while reads and
    /// writes go on. `progress` may return false to cancel, which changes nothing.
    @discardableResult
    public func rebuildIndex(
        _ options: RebuildOptions = RebuildOptions(),
        progress: (@Sendable (MaintenanceProgress) -> Bool)? = nil
    ) async throws(VectorStoreError) -> RebuildReport { fatalError("not there yet") }

    /// Merges all segments into one under the current index, dropping deleted rows.
    public func compact(
        progress: (@Sendable (MaintenanceProgress) -> Bool)? = nil
    ) async throws(VectorStoreError) { fatalError("not there yet") }

    /// Writes the memtable to a segment.
    public func flush() async throws(VectorStoreError) { fatalError("not there yet") }

    /// The state of the collection.
    public func statistics() throws(VectorStoreError) -> CollectionStatistics {
        fatalError("not there yet")
    }
}
