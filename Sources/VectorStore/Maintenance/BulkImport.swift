// Bulk import: records → segments, past the log.
//
// - All records of an import become visible and durable at once, by one manifest, or none does: until
//   then its segments are files that no manifest names, which a failure removes and the next open too.
// - An import counts as written at the moment it is published: it replaces what has the same ids. A replay
//   of the log after it would undo that, so everything in the log is flushed first, the last of it under
//   the writing lock.
// - It runs where compactions and rebuilds run, so none of them retires an index that it writes under.
// - Memory is two chunks of rows, one being filled while the other is written, and the set of ids.

import Dispatch
import StorageIO
import Synchronization

/// Writes records from a source to segments and publishes them.
struct BulkImport {
    let core: StoreCore
    let collection: CollectionState
    let options: ImportOptions
    /// Takes the number of records written so far; false cancels.
    let progress: (ImportProgress) -> Bool

    /// A segment that was written, with what the manifest is to say of it.
    typealias Written = (segment: Segment, description: SegmentDescription)

    /// - Parameter next: Returns the next records, none at the end.
    func run(_ next: () throws -> [Record]) throws -> ImportReport {
        guard let live = collection.live else { throw MaintenanceCancellation.error }
        let writer = ChunkWriter(import: self, live: live)
        do {
            let ids = try fill(writer, live: live, from: next)
            let segments = try writer.finish()
            let publication = ImportPublication(core: core, collection: collection)
            return try publication.publish(segments, ids: ids)
        } catch {
            discard(writer.abandon())
            throw error
        }
    }

    /// Bytes of a memtable in which rows wait for their segment.
    private var chunkByteCount: Int {
        min(256 << 20, max(8 << 20, core.options.memoryLimitBytes / 8))
    }

    private func fill(
        _ writer: ChunkWriter,
        live: LiveSet,
        from next: () throws -> [Record]
    ) throws -> Set<RecordID> {
        let check = RecordCheck(live.configuration)
        // The rows' place in the write order; the first one in a store that has none yet.
        let lsn = max(1, core.writing.withLock { $0.lastLSN })
        var ids: Set<RecordID> = []
        if let count = options.expectedRecordCount { ids.reserveCapacity(min(count, 1 << 26)) }
        var chunk = Memtable(dimension: live.configuration.dimension, isSearched: false)
        while true {
            let records = try next()
            guard !records.isEmpty else { break }
            for record in records {
                let row = try check.row(record, number: ids.count)
                guard ids.insert(record.id).inserted else {
                    throw VectorStoreError(
                        .duplicateID,
                        "row \(ids.count): id \(record.id) is in the import twice; send each id once",
                        row: ids.count,
                        field: "id"
                    )
                }
                _ = chunk.append(row, lsn: lsn)
                let isFull =
                    chunk.byteCount >= chunkByteCount || chunk.rowCount >= Memtable.maximumRowCount
                guard isFull else { continue }
                try writer.write(chunk)
                chunk = Memtable(dimension: live.configuration.dimension, isSearched: false)
            }
            guard progress(ImportProgress(recordCount: ids.count)) else {
                throw MaintenanceCancellation.error
            }
        }
        if chunk.rowCount > 0 { try writer.write(chunk) }
        return ids
    }

    /// Gives back the bytes of segments that no manifest names.
    private func discard(_ segments: [Written]) {
        guard core.poison == nil else { return }
        let obsolete = ObsoleteFiles(fileSystem: core.fileSystem, paths: core.paths)
        for (segment, _) in segments {
            obsolete.removeUnnamed(core.paths.segments + "/" + Segment.fileName(segment.segmentID))
        }
    }

    // MARK: - Writing beside reading

    /// Writes one chunk at a time on a thread of its own.
    final class ChunkWriter: Sendable {
        private struct State {
            var written: [Written] = []
            var failure: VectorStoreError?
        }

        private let core: StoreCore
        private let collection: CollectionState
        private let generation: IndexGeneration?
        private let hasCodes: Bool
        private let state = Mutex(State())
        private let thread = DispatchQueue(label: "vectorstore.import", qos: .utility)

        init(import owner: BulkImport, live: LiveSet) {
            core = owner.core
            collection = owner.collection
            generation = live.index
            // An index will be built over the rows at once, and codes under it.
            let isIndexedNext =
                live.index == nil && owner.options.expectsIndex
            hasCodes = !isIndexedNext
        }

        /// Hands a chunk over; waits for the one before.
        func write(_ chunk: Memtable) throws(VectorStoreError) {
            thread.sync {}
            if let failure = state.withLock({ $0.failure }) { throw failure }
            thread.async {
                do throws(VectorStoreError) {
                    let written = try self.segment(of: chunk)
                    self.state.withLock { $0.written.append(written) }
                } catch {
                    self.state.withLock { $0.failure = error }
                }
            }
        }

        /// Waits for the last chunk.
        func finish() throws(VectorStoreError) -> [Written] {
            thread.sync {}
            let (written, failure) = state.withLock { ($0.written, $0.failure) }
            if let failure { throw failure }
            return written
        }

        /// Waits, and returns what was written.
        func abandon() -> [Written] {
            thread.sync {}
            return state.withLock { $0.written }
        }

        private func segment(of chunk: Memtable) throws(VectorStoreError) -> Written {
            let view = MemtableView(
                memtable: chunk,
                rowCount: chunk.rowCount,
                tombstones: TombstoneSet(rowCount: chunk.rowCount)
            )
            let replacement = SegmentReplacement(inputs: [.memtable(view)])
            let planner = RowPlanner(
                configuration: collection.configuration,
                sources: [chunk],
                generation: generation,
                threads: core.maintenanceThreads
            )
            let plan = try convertingCorruption { () throws(CorruptionError) in
                try planner.plan(replacement.rows) { _ in true }
            }
            guard let plan else { throw MaintenanceCancellation.error }
            let built = try SegmentBuild(core: core, collection: collection).write(
                plan,
                sources: [chunk],
                generation: generation,
                hasCodes: hasCodes
            ) { _ in true }
            guard let built else { throw MaintenanceCancellation.error }
            return built
        }
    }
}
