// The manifest.
//
// - Every file is durable before a manifest names it; a manifest is durable before a snapshot sees it.
// - The highest numbered manifest is the whole truth: a damaged one is refused, never rolled back.
// - A file that no manifest names is garbage, and only recovery or `ObsoleteFiles` deletes it.

/// The durable, complete list of what a store consists of.
package struct Manifest: Sendable, Hashable {
    package struct LogEntry: Sendable, Hashable {
        package var sequence: UInt64
        package var firstLSN: UInt64
    }

    package struct CollectionEntry: Sendable, Hashable {
        package var id: UInt32
        package var configuration: CollectionConfiguration
        /// The generation that new segments are listed under; 0 for none.
        package var indexGeneration: UInt64
    }

    package typealias TombstoneEntry = TombstoneFileEntry
    package typealias CentroidEntry = CentroidFileEntry

    package struct SegmentEntry: Sendable, Hashable {
        package var collectionID: UInt32
        package var indexGeneration: UInt64
        package var description: SegmentDescription
        package var tombstones: TombstoneEntry?
    }

    package var number: UInt64
    package var previousNumber: UInt64
    package var storeUUID: [UInt8]
    /// Every change up to this one is in segments and tombstone files.
    package var flushedLSN: UInt64 = 0
    package var nextLogSequence: UInt64 = 1
    package var nextSegmentID: UInt64 = 1
    package var nextGeneration: UInt64 = 1
    package var nextCollectionID: UInt32 = 1
    package var logFiles: [LogEntry] = []
    package var collections: [CollectionEntry] = []
    package var segments: [SegmentEntry] = []
    package var centroidSets: [CentroidEntry] = []

    /// The first manifest of a new store.
    package init(storeUUID: [UInt8], number: UInt64 = 1, previousNumber: UInt64 = 0) {
        self.storeUUID = storeUUID
        self.number = number
        self.previousNumber = previousNumber
    }

    /// A copy to be edited and published next.
    package func successor() -> Manifest {
        var next = self
        next.previousNumber = number
        next.number = number + 1
        return next
    }

    /// Removes log files all of whose changes are flushed; the last one stays.
    package mutating func dropFlushedLogs() {
        while logFiles.count > 1, logFiles[1].firstLSN <= flushedLSN + 1 {
            logFiles.removeFirst()
        }
    }
}
