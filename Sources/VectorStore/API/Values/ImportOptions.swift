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
