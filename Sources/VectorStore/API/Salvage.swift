// What is left of a damaged store, as a new one.
//
// - The source is only read; the target is an ordinary store, written through the front door.
// - Of every id the newest change that can be read wins, as its LSN tells.
// - Everything that was passed over is in the report.

import StorageIO

/// Reads past damage.
struct Salvage {
    let fileSystem: any FileSystem
    let source: String
    let target: String
    let manifestNumber: UInt64?

    private static let batchCount = 512

    /// The last change of an id that the log holds.
    private struct LoggedChange {
        var lsn: UInt64
        var change: RowChange
    }

    func run() async throws(VectorStoreError) -> SalvageReport {
        let lock = try StoreOpening(fileSystem: fileSystem, root: source, options: .existingOnly)
            .lockExisting()
        defer { lock.release() }
        var report = SalvageReport(manifestNumber: 0)
        let manifest = try self.manifest(&report)
        report.manifestNumber = manifest.number
        try requireNew()
        let store = try VectorDatabase.open(
            at: target,
            options: StoreOptions(),
            fileSystem: fileSystem
        )
        let logged = readLogs(manifest, &report)
        for entry in manifest.collections {
            let collection = try await store.createCollection(entry.configuration)
            try await salvage(
                entry,
                of: manifest,
                logged: logged[entry.id] ?? [:],
                into: collection,
                &report
            )
        }
        try await store.close()
        return report
    }

    private func requireNew() throws(VectorStoreError) {
        do throws(StorageIOError) {
            guard try fileSystem.status(target) != nil, try !fileSystem.list(target).isEmpty else {
                return
            }
        } catch {
            throw VectorStoreError(io: error)
        }
        throw VectorStoreError(
            .notAStore,
            "\(target) is not empty; choose a new directory for what is salvaged"
        )
    }

    /// The manifest asked for, or the newest that can be believed.
    private func manifest(_ report: inout SalvageReport) throws(VectorStoreError) -> Manifest {
        var numbers: [UInt64]
        do throws(StorageIOError) {
            numbers = try fileSystem.list(source).compactMap(ManifestFile.number).sorted(by: >)
        } catch {
            throw VectorStoreError(io: error)
        }
        if let manifestNumber { numbers = numbers.filter { $0 == manifestNumber } }
        for number in numbers {
            do throws(LoadError) {
                return try ManifestFile.load(number: number, in: source, fileSystem: fileSystem)
            } catch {
                report.problems.append(VectorStoreError(load: error).message)
            }
        }
        throw VectorStoreError(
            .corrupt,
            "no manifest of \(source) can be read: "
                + (report.problems.first ?? "there is none with this number")
        )
    }

    // MARK: - The log

    private func readLogs(
        _ manifest: Manifest,
        _ report: inout SalvageReport
    ) -> [UInt32: [RecordID: LoggedChange]] {
        var changes: [UInt32: [RecordID: LoggedChange]] = [:]
        for entry in manifest.logFiles {
            do throws(LoadError) {
                let reader = try LogReader(
                    fileSystem: fileSystem,
                    directory: StorePaths(root: source).logs,
                    storeUUID: manifest.storeUUID,
                    sequence: entry.sequence
                )
                read(reader, after: manifest.flushedLSN, into: &changes, &report)
            } catch {
                report.problems.append(VectorStoreError(load: error).message)
            }
        }
        return changes
    }

    private func read(
        _ reader: LogReader,
        after flushed: UInt64,
        into changes: inout [UInt32: [RecordID: LoggedChange]],
        _ report: inout SalvageReport
    ) {
        var offset = LogHeaderLayout.byteCount
        while offset < reader.frames.bytes.count {
            guard let frame = reader.frames.frame(at: offset) else {
                let next = reader.frames.framesAfter(offset).first
                let end = next.map { Int($0.offset) } ?? reader.frames.bytes.count
                report.problems.append(
                    "\(reader.fileName), offset \(offset): \(end - offset) bytes are no frame"
                )
                offset = end
                continue
            }
            offset += frame.byteCount
            guard frame.type == .batch else { continue }
            do throws(CorruptionError) {
                for (index, operation) in try reader.operations(of: frame).enumerated() {
                    let lsn = frame.firstLSN + UInt64(index)
                    guard lsn > flushed else { continue }
                    let id = operation.change.id
                    if let known = changes[operation.collection]?[id], known.lsn > lsn { continue }
                    changes[operation.collection, default: [:]][id] = LoggedChange(
                        lsn: lsn,
                        change: operation.change
                    )
                }
            } catch {
                report.problems.append("\(error)")
            }
        }
    }

    // MARK: - Segments

    private func salvage(
        _ entry: Manifest.CollectionEntry,
        of manifest: Manifest,
        logged: [RecordID: LoggedChange],
        into collection: VectorCollection,
        _ report: inout SalvageReport
    ) async throws(VectorStoreError) {
        let views = openSegments(entry, of: manifest, &report)
        var batch: [Record] = []
        for (place, view) in views.enumerated() {
            for ordinal in 0..<view.segment.rowCount where !view.tombstones.contains(ordinal) {
                do throws(CorruptionError) {
                    guard
                        let record = try record(
                            entry.configuration,
                            views,
                            place: place,
                            ordinal: ordinal,
                            logged: logged
                        )
                    else { continue }
                    batch.append(record)
                } catch {
                    report.lostRowCount += 1
                    let problem = "\(error)"
                    if report.problems.last != problem { report.problems.append(problem) }
                }
                try await write(&batch, to: collection, atLeast: Self.batchCount, &report)
            }
        }
        for change in logged.values {
            guard case .upsert(let row) = change.change else { continue }
            batch.append(Self.record(row, entry.configuration))
            try await write(&batch, to: collection, atLeast: Self.batchCount, &report)
        }
        try await write(&batch, to: collection, atLeast: 1, &report)
    }

    private func write(
        _ batch: inout [Record],
        to collection: VectorCollection,
        atLeast count: Int,
        _ report: inout SalvageReport
    ) async throws(VectorStoreError) {
        guard batch.count >= count else { return }
        do throws(VectorStoreError) {
            try await collection.upsert(batch)
            report.recordCount += batch.count
        } catch {
            // One row that was read but cannot be written must not take others with it.
            for record in batch {
                do throws(VectorStoreError) {
                    try await collection.upsert([record])
                    report.recordCount += 1
                } catch {
                    guard error.row != nil else { throw error }
                    report.lostRowCount += 1
                    report.problems.append(error.message)
                }
            }
        }
        batch = []
    }

    private func openSegments(
        _ collection: Manifest.CollectionEntry,
        of manifest: Manifest,
        _ report: inout SalvageReport
    ) -> [SegmentView] {
        let paths = StorePaths(root: source)
        var views: [SegmentView] = []
        for entry in manifest.segments where entry.collectionID == collection.id {
            do throws(LoadError) {
                let segment = try Segment.open(
                    directory: paths.segments,
                    description: entry.description,
                    identity: SegmentIdentity(
                        storeUUID: manifest.storeUUID,
                        segmentID: entry.description.segmentID,
                        collectionID: collection.id,
                        indexGeneration: entry.indexGeneration
                    ),
                    configuration: collection.configuration,
                    fileSystem: fileSystem
                )
                views.append(
                    SegmentView(
                        segment: segment,
                        tombstones: tombstones(entry, of: manifest, segment, &report),
                        persistedTombstones: entry.tombstones
                    )
                )
            } catch {
                report.lostRowCount +=
                    Int(entry.description.rowCount) - Int(entry.tombstones?.count ?? 0)
                report.problems.append(VectorStoreError(load: error).message)
            }
        }
        return views
    }

    private func tombstones(
        _ entry: Manifest.SegmentEntry,
        of manifest: Manifest,
        _ segment: Segment,
        _ report: inout SalvageReport
    ) -> TombstoneSet {
        guard let persisted = entry.tombstones else {
            return TombstoneSet(rowCount: segment.rowCount)
        }
        do throws(LoadError) {
            return try TombstoneFile.load(
                persisted,
                segmentID: segment.segmentID,
                rowCount: segment.rowCount,
                storeUUID: manifest.storeUUID,
                directory: StorePaths(root: source).segments,
                fileSystem: fileSystem
            )
        } catch {
            report.problems.append(
                VectorStoreError(load: error).message + " \(persisted.count) deleted or replaced "
                    + "rows of segment \(segment.segmentID) may be back"
            )
            return TombstoneSet(rowCount: segment.rowCount)
        }
    }

    /// The record of a row, or nil when a newer change of its id is known.
    private func record(
        _ configuration: CollectionConfiguration,
        _ views: [SegmentView],
        place: Int,
        ordinal: Int,
        logged: [RecordID: LoggedChange]
    ) throws(CorruptionError) -> Record? {
        let segment = views[place].segment
        let id = try segment.id(at: ordinal)
        let lsn = segment.lsn(at: ordinal)
        if logged[id] != nil { return nil }
        for (other, view) in views.enumerated() where other != place {
            if let found = try view.segment.ordinal(of: id), !view.tombstones.contains(found),
                view.segment.lsn(at: found) > lsn
            {
                return nil
            }
        }
        var row = StoredRow(
            id: id,
            partition: segment.partition(at: ordinal),
            vector: Array(
                UnsafeBufferPointer(
                    start: try segment.vector(at: ordinal),
                    count: configuration.dimension
                )
            ),
            attributes: [],
            payload: try segment.payload(at: ordinal)
        )
        for column in configuration.attributes.indices {
            row.attributes.append(segment.attribute(column, at: ordinal))
        }
        try segment.checkReadable()
        return Self.record(row, configuration)
    }

    private static func record(
        _ row: StoredRow,
        _ configuration: CollectionConfiguration
    ) -> Record {
        var attributes: [String: AttributeValue] = [:]
        for (declaration, value) in zip(configuration.attributes, row.attributes) {
            if let value { attributes[declaration.name] = value }
        }
        return Record(
            id: row.id,
            vector: row.vector,
            partition: configuration.partitionKey == nil ? nil : row.partition,
            attributes: attributes,
            payload: row.payload
        )
    }
}
