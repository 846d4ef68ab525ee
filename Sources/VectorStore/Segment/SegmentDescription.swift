package import StorageIO

/// What makes a segment this segment and no other; its checksums are seeded with it.
package struct SegmentIdentity: Sendable, Hashable {
    /// 16 bytes.
    package var storeUUID: [UInt8]
    package var segmentID: UInt64
    package var collectionID: UInt32
    /// The centroid set that the rows are listed under; 0 for none.
    package var indexGeneration: UInt64

    package init(
        storeUUID: [UInt8],
        segmentID: UInt64,
        collectionID: UInt32,
        indexGeneration: UInt64
    ) {
        precondition(storeUUID.count == 16)
        self.storeUUID = storeUUID
        self.segmentID = segmentID
        self.collectionID = collectionID
        self.indexGeneration = indexGeneration
    }
}

/// What the manifest keeps of a segment file, so that another file under its name is noticed.
package struct SegmentDescription: Sendable, Hashable {
    package var segmentID: UInt64
    /// Of the whole file.
    package var byteCount: UInt64
    package var rowCount: UInt64
    /// The smallest LSN among the rows; 0 when there are none.
    package var lsnMin: UInt64
    /// The largest LSN among the rows; 0 when there are none.
    package var lsnMax: UInt64
    /// The footer's checksum, which through the table of checksums covers every byte of the file.
    package var footerCRC: UInt32

    package init(
        segmentID: UInt64,
        byteCount: UInt64,
        rowCount: UInt64,
        lsnMin: UInt64,
        lsnMax: UInt64,
        footerCRC: UInt32
    ) {
        self.segmentID = segmentID
        self.byteCount = byteCount
        self.rowCount = rowCount
        self.lsnMin = lsnMin
        self.lsnMax = lsnMax
        self.footerCRC = footerCRC
    }
}

/// Why a segment was not written.
package enum SegmentWriteError: Error, Sendable {
    case io(StorageIOError)
    /// A source could not be believed, or what was read back is not what was written.
    case corruption(CorruptionError)
    case cancelled
}

/// Why a segment was not opened.
///
/// A newer format is `.corruption(.formatTooNew)`.
package typealias SegmentOpenError = LoadError
