import StorageIO
import Synchronization

/// Makes the segments of an import part of the store.
struct ImportPublication {
    let core: StoreCore
    let collection: CollectionState

    /// Rows of one segment that the import replaces.
    private struct Replaced {
        var segmentID: UInt64
        var ordinals: [Int]
    }

    /// - Parameters:
    ///   - segments: The segments written, by rising number.
    ///   - ids: The ids of all their rows.
    func publish(
        _ segments: [BulkImport.Written],
        ids: Set<RecordID>
    ) throws(VectorStoreError) -> ImportReport {
        guard !segments.isEmpty, let live = collection.live else {
            return ImportReport(recordCount: 0, replacedCount: 0, segmentCount: 0, lsn: lastLSN)
        }
        // Most of what must be in segments is brought there before anybody has to wait.
        for other in core.collections {
            let flush = Flush(core: core, collection: other)
            flush.freeze()
            try flush.run()
        }
        let known = try replaced(in: live.segments, by: ids)
        let checked = Set(live.segments.map(\.segment.segmentID))
        return try core.writing.withLock { (state) throws(VectorStoreError) in
            try core.checkWritable()
            for other in core.collections {
                try Flush(core: core, collection: other).run(holding: &state)
            }
            guard let live = collection.live else { throw MaintenanceCancellation.error }
            let added = live.segments.filter { !checked.contains($0.segment.segmentID) }
            let hidden = known + (try replaced(in: added, by: ids))
            return try publish(segments, hidden: hidden, live: live, ids: ids, state: &state)
        }
    }

    /// Takes the next place in the write order, after which the files of hidden rows are named: a flush
    /// has used the last one.
    ///
    /// The log then holds the deletion of an id that nobody has, which a replay may repeat.
    private func takePlace(_ state: inout WritingState) throws(VectorStoreError) {
        var random = SystemRandomNumberGenerator()
        let nobody = RecordUUID(high: random.next(), low: random.next())
        var frame = LogFrameBuilder()
        _ = frame.add(LogOperation(collection: collection.id, change: .delete(.uuid(nobody))))
        try GroupCommit(core: core).append(frame, state: &state)
        state.lastLSN += 1
    }

    private var lastLSN: UInt64 { core.writing.withLock { $0.lastLSN } }

    /// The rows whose ids the import holds.
    private func replaced(
        in views: [SegmentView],
        by ids: Set<RecordID>
    ) throws(VectorStoreError) -> [Replaced] {
        var all: [Replaced] = []
        try convertingCorruption { () throws(CorruptionError) in
            for view in views {
                var replaced = Replaced(segmentID: view.segment.segmentID, ordinals: [])
                if view.segment.rowCount <= ids.count {
                    for ordinal in 0..<view.segment.rowCount
                    where ids.contains(try view.segment.id(at: ordinal)) {
                        replaced.ordinals.append(ordinal)
                    }
                } else {
                    for id in ids {
                        if let ordinal = try view.segment.ordinal(of: id) {
                            replaced.ordinals.append(ordinal)
                        }
                    }
                }
                if !replaced.ordinals.isEmpty { all.append(replaced) }
            }
        }
        return all
    }

    private func publish(
        _ written: [BulkImport.Written],
        hidden: [Replaced],
        live: LiveSet,
        ids: Set<RecordID>,
        state: inout WritingState
    ) throws(VectorStoreError) -> ImportReport {
        precondition(live.memtables.allSatisfy { $0.memtable.firstLSN == 0 })
        if !hidden.isEmpty { try takePlace(&state) }
        var views = live.segments
        var replacedCount = 0
        for index in views.indices {
            let before = views[index].tombstones.count
            for replaced in hidden where replaced.segmentID == views[index].segment.segmentID {
                for ordinal in replaced.ordinals { views[index].tombstones.insert(ordinal) }
            }
            guard views[index].tombstones.count > before else { continue }
            replacedCount += views[index].tombstones.count - before
            views[index].persistedTombstones = try TombstonePersistence(core: core).write(
                views[index].tombstones,
                of: views[index].segment,
                lsn: state.lastLSN
            )
        }
        views += written.map {
            SegmentView(
                segment: $0.segment,
                tombstones: TombstoneSet(rowCount: $0.segment.rowCount),
                persistedTombstones: nil
            )
        }
        views.sort { $0.segment.segmentID < $1.segment.segmentID }
        let next = LiveSet(
            lsn: state.lastLSN,
            configuration: live.configuration,
            memtables: live.memtables,
            segments: views,
            generations: live.generations,
            currentGeneration: live.currentGeneration
        )
        guard next.liveCount == live.liveCount - replacedCount + ids.count else {
            throw VectorStoreError(
                .corrupt,
                "\(live.liveCount) visible records, of which \(replacedCount) are replaced by "
                    + "\(ids.count), would become \(next.liveCount); nothing was published"
            )
        }
        let last = state.lastLSN
        try Publication(core: core).publish(&state) { manifest in
            manifest.segments.removeAll { $0.collectionID == collection.id }
            manifest.segments += views.map { view in
                Manifest.SegmentEntry(
                    collectionID: collection.id,
                    indexGeneration: view.segment.indexGeneration,
                    description: view.segment.description,
                    tombstones: view.persistedTombstones
                )
            }
            manifest.nextSegmentID = core.nextSegmentIDToTake
            manifest.flushedLSN = max(manifest.flushedLSN, last)
            manifest.dropFlushedLogs()
        }
        collection.replace(next)
        return ImportReport(
            recordCount: ids.count,
            replacedCount: replacedCount,
            segmentCount: written.count,
            lsn: last
        )
    }
}
