/// How records are imported.
public struct ImportOptions: Sendable {
    /// About how many records will come, if that is known.
    public var expectedRecordCount: Int?
    /// An index will be built over the records at once, with `rebuildIndex`.
    ///
    /// What that would throw away is not written, and until then searches compare every record.
    public var expectsIndex = false

    /// The defaults.
    public init() {}
}

/// How far an import is.
public struct ImportProgress: Sendable, Hashable {
    /// Records read and checked so far.
    public var recordCount: Int
}

/// What an import did.
public struct ImportReport: Sendable, Hashable {
    /// Records imported.
    public var recordCount: Int
    /// Records of the same ids that they replaced.
    public var replacedCount: Int
    /// Segments written.
    public var segmentCount: Int
    /// A search whose `lsn` is at least this, and that began after the import, sees it.
    public var lsn: UInt64
}

extension VectorCollection {
    /// Imports many records at once, replacing those with the same ids.
    ///
    /// They go to segments directly, not through the log, and become durable and visible all together when
    /// the import ends. Reads and writes go on meanwhile, compactions and rebuilds wait. A write of one of
    /// the ids during the import is replaced too: the import counts as written when it ends.
    ///
    /// - Parameters:
    ///   - next: Returns the next records, of any number, and none at the end. It is called on a thread
    ///     that may block.
    ///   - progress: Called after each `next`; false cancels.
    /// - Throws: A typed error that names the row, counted from 0 over all of the import, and the field
    ///   that was refused; `duplicateID` for an id that comes twice; `cancelled`; or what `next` threw.
    ///   Then nothing was changed.
    @discardableResult
    public func importRecords(
        _ options: ImportOptions = ImportOptions(),
        from next: @escaping @Sendable () throws -> [Record],
        progress: (@Sendable (ImportProgress) -> Bool)? = nil
    ) async throws -> ImportReport {
        try await scheduler.importRecords(
            state,
            options: options,
            from: next,
            progress: progress ?? { _ in true }
        )
    }
}
