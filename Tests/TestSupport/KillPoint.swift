/// A place in the life of a store's files at which a process dies.
///
/// Raw values name the file and what had just been done to it; see `KillPointFileSystem`.
package enum KillPoint: String, CaseIterable, Sendable {
    case logHeaderWritten = "wal.hdr.written"
    case logHeaderSynced = "wal.hdr.synced"
    case logHeaderRenamed = "wal.hdr.renamed"
    case logHeaderDirectorySynced = "wal.hdr.dirsynced"
    /// Half of a frame is written.
    case framePartial = "wal.frame.partial"
    case frameWritten = "wal.frame.written"
    case frameSynced = "wal.frame.synced"
    case logSealed = "wal.sealed"
    /// Half of a buffer of a segment, or of tombstones, is written.
    case segmentPartial = "seg.partial"
    case segmentWritten = "seg.written"
    case segmentSynced = "seg.synced"
    case segmentRenamed = "seg.renamed"
    case segmentDirectorySynced = "seg.dirsynced"
    case tombstonesRenamed = "del.renamed"
    case tombstonesDirectorySynced = "del.dirsynced"
    case centroidsPartial = "cent.partial"
    case centroidsSynced = "cent.synced"
    case centroidsRenamed = "cent.renamed"
    case centroidsDirectorySynced = "cent.dirsynced"
    case manifestPartial = "man.partial"
    case manifestWritten = "man.written"
    case manifestSynced = "man.synced"
    case manifestRenamed = "man.renamed"
    case manifestDirectorySynced = "man.dirsynced"
    /// The first of the files that a manifest dropped is gone.
    case purged = "purge.some"
    case recoveryLocked = "recover.locked"
    case recoveryLogRenamed = "recover.log.renamed"
    case recoveryPublished = "recover.published"
    case recoverySegmentRenamed = "recover.seg.renamed"
    case recoveryPublishedSegments = "recover.flushed"
    case recoveryCleaned = "recover.cleaned"
    case snapshotPartial = "snap.partial"
    case snapshotFileRenamed = "snap.renamed"
    case snapshotManifestRenamed = "snap.published"
}

extension KillPoint {
    /// Whether the point lies within opening a store that was not closed.
    package var isInRecovery: Bool { rawValue.hasPrefix("recover.") }

    /// How many times a worker may pass before it dies there, at the most; rare ones at once.
    package var maximumPassCount: Int {
        switch self {
        case .frameWritten, .framePartial, .frameSynced: 40
        case .segmentPartial, .segmentWritten, .segmentSynced, .segmentRenamed,
            .segmentDirectorySynced, .manifestWritten, .manifestSynced, .manifestRenamed,
            .manifestDirectorySynced, .manifestPartial, .purged:
            4
        default: 1
        }
    }
}
