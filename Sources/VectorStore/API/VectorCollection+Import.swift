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
