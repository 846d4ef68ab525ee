// Writing a segment.
//
// - The file has its name only when every block was read back and everything is durable.
// - Memory is about 40 bytes a row beside buffers: rows are streamed from their sources.
// - What a source cannot vouch for is not copied: its corruption error ends the writing.

package import StorageIO
import VectorMath

/// Writes the rows of a plan as one immutable file.
package enum SegmentWriter {
    /// Writes a segment, reads it back and makes it durable under its name.
    ///
    /// - Parameters:
    ///   - plan: The rows, their order and their posting lists.
    ///   - sources: The stores that the plan's rows name.
    ///   - configuration: The collection's.
    ///   - identity: What the checksums are seeded with.
    ///   - codes: What codes are made with; without it there are none.
    ///   - fileSystem: Where the file goes.
    ///   - directory: Where `<segment id, 20 digits>.seg` will be.
    ///   - progress: Called now and then with the share done; false cancels.
    /// - Returns: What the manifest keeps of the file.
    /// - Throws: `.cancelled`, a refusal of the system, or a source that cannot be believed; the
    ///   unfinished file is removed.
    package static func write(
        plan: SegmentPlan,
        sources: [any RowStore],
        configuration: CollectionConfiguration,
        identity: SegmentIdentity,
        codes: CodeSource? = nil,
        fileSystem: any FileSystem,
        directory: String,
        progress: ((Double) -> Bool)? = nil
    ) throws(SegmentWriteError) -> SegmentDescription {
        plan.checkInvariants()
        let rows = SegmentRows(
            plan: plan,
            sources: sources,
            configuration: configuration,
            identity: identity,
            codes: codes,
            progress: progress ?? { _ in true }
        )
        let vectorBytes =
            UInt64(plan.rows.count)
            * UInt64(SegmentLayout.rowStride(dimension: configuration.dimension))
        var stream = try SegmentFileStream(
            name: Segment.fileName(identity.segmentID),
            directory: directory,
            fileSystem: fileSystem,
            identity: identity,
            expectedByteCount: vectorBytes
        )
        let description: SegmentDescription
        do throws(SegmentWriteError) {
            description = try rows.write(to: &stream)
        } catch {
            stream.abandon()
            throw error
        }
        try stream.commit()
        return description
    }
}

/// The rows of a plan on their way into a file: one method a section.
struct SegmentRows {
    let plan: SegmentPlan
    let sources: [any RowStore]
    let configuration: CollectionConfiguration
    let identity: SegmentIdentity
    let codes: CodeSource?
    let progress: (Double) -> Bool

    var rowCount: Int { plan.rows.count }

    /// Rows between two looks at whether the writing was cancelled.
    static let checkInterval = 4_096
    /// Fewer rows are compared exactly before codes would pay.
    static let minimumCodedRowCount = 256

    func write(
        to stream: inout SegmentFileStream
    ) throws(SegmentWriteError) -> SegmentDescription {
        var (lsnMin, lsnMax) = (UInt64.max, UInt64(0))
        for row in plan.rows {
            let lsn = sources[Int(row.source)].lsn(at: Int(row.ordinal))
            if lsn == 0, let segment = sources[Int(row.source)] as? Segment {
                try reading { () throws(CorruptionError) in try segment.checkReadable() }
            }
            precondition(lsn != 0, "every row has an LSN")
            lsnMin = min(lsnMin, lsn)
            lsnMax = max(lsnMax, lsn)
        }
        if plan.rows.isEmpty { lsnMin = 0 }
        try stream.appendHeader(header(lsnMin: lsnMin, lsnMax: lsnMax))
        try writePartitions(to: &stream)
        try writeGlobalLists(to: &stream)
        if let codes, rowCount >= Self.minimumCodedRowCount {
            try SegmentCodeSections(rows: self, source: codes).write(to: &stream)
        }
        try writeVectors(to: &stream)
        try writeIDs(to: &stream)
        try writeLSNs(to: &stream)
        try writeColumns(to: &stream)
        try writePayloads(to: &stream)
        let (footerCRC, byteCount) = try stream.finish(
            rowCount: rowCount,
            partitionCount: plan.partitions.count
        )
        try stream.verifyWritten { progress(0.8 + $0 * 0.2) }
        return SegmentDescription(
            segmentID: identity.segmentID,
            byteCount: byteCount,
            rowCount: UInt64(rowCount),
            lsnMin: lsnMin,
            lsnMax: lsnMax,
            footerCRC: footerCRC
        )
    }

    /// Runs `body` for every row in final order.
    func forEachRow(
        from start: Double,
        to end: Double,
        _ body: (Int, any RowStore, Int) throws(SegmentWriteError) -> Void
    ) throws(SegmentWriteError) {
        for (ordinal, row) in plan.rows.enumerated() {
            if ordinal % Self.checkInterval == 0 {
                let share = Double(ordinal) / Double(rowCount)
                guard progress(start + (end - start) * share) else { throw .cancelled }
            }
            try body(ordinal, sources[Int(row.source)], Int(row.ordinal))
        }
    }

    private func header(lsnMin: UInt64, lsnMax: UInt64) -> [UInt8] {
        typealias Layout = SegmentHeaderLayout
        var header = ByteWriter()
        header.bytes = [UInt8](repeating: 0, count: SegmentLayout.pageByteCount)
        header.patch(Layout.magicValue, at: Layout.magic)
        header.patch(SegmentLayout.formatMajor, at: Layout.formatMajor)
        header.patch(SegmentLayout.formatMinor, at: Layout.formatMinor)
        header.patch(UInt32(SegmentLayout.pageByteCount), at: Layout.headerByteCount)
        header.bytes.replaceSubrange(
            Layout.storeUUID..<Layout.storeUUID + 16,
            with: identity.storeUUID
        )
        header.patch(identity.segmentID, at: Layout.segmentID)
        header.patch(identity.collectionID, at: Layout.collectionID)
        header.patch(UInt32(configuration.dimension), at: Layout.dimension)
        header.patch(
            UInt32(SegmentLayout.rowStride(dimension: configuration.dimension)),
            at: Layout.rowStride
        )
        header.patch(UInt32(configuration.attributes.count), at: Layout.columnCount)
        header.patch(UInt64(rowCount), at: Layout.rowCount)
        header.patch(identity.indexGeneration, at: Layout.indexGeneration)
        header.patch(lsnMin, at: Layout.lsnMin)
        header.patch(lsnMax, at: Layout.lsnMax)
        return header.bytes
    }

    private func writePartitions(to stream: inout SegmentFileStream) throws(SegmentWriteError) {
        let directory = PartitionDirectory.encode(plan)
        stream.begin(.partitionDirectory)
        try stream.append(directory)
        try stream.endSection()
        stream.begin(.listDirectory)
        for partition in plan.partitions {
            guard let counts = partition.listCounts else { continue }
            try stream.append(integers: counts.runningStarts())
        }
        try stream.endSection()
    }

    private func writeGlobalLists(to stream: inout SegmentFileStream) throws(SegmentWriteError) {
        guard let lists = plan.globalLists else { return }
        var counts = [UInt32](repeating: 0, count: lists.nlist)
        for list in lists.assignments { counts[Int(list)] += 1 }
        let starts = counts.runningStarts()
        var next = starts
        var ordinals = [UInt32](repeating: 0, count: rowCount)
        for (ordinal, list) in lists.assignments.enumerated() {
            ordinals[Int(next[Int(list)])] = UInt32(ordinal)
            next[Int(list)] += 1
        }
        stream.begin(.globalLists)
        try stream.append(integers: [UInt32(lists.nlist)])
        try stream.append(integers: starts)
        try stream.append(integers: ordinals)
        try stream.endSection()
    }

    private func writeVectors(to stream: inout SegmentFileStream) throws(SegmentWriteError) {
        let byteCount = configuration.dimension * 4
        let stride = SegmentLayout.rowStride(dimension: configuration.dimension)
        let zeros = [UInt8](repeating: 0, count: stride - byteCount)
        stream.begin(.vectors)
        try forEachRow(from: 0, to: 0.5) { (_, store, row) throws(SegmentWriteError) in
            let vector = try reading { () throws(CorruptionError) in try store.vector(at: row) }
            try stream.append(UnsafeRawBufferPointer(start: vector, count: byteCount))
            try stream.append(zeros)
        }
        try stream.endSection()
    }

    private func writeIDs(to stream: inout SegmentFileStream) throws(SegmentWriteError) {
        var offsets: [UInt64] = [0]
        var map: [(hash: UInt64, ordinal: UInt32)] = []
        offsets.reserveCapacity(rowCount + 1)
        map.reserveCapacity(rowCount)
        stream.begin(.idBytes)
        try forEachRow(from: 0.5, to: 0.55) { (ordinal, store, row) throws(SegmentWriteError) in
            let id = try reading { () throws(CorruptionError) in try store.id(at: row) }
            let bytes = id.encodedBytes
            try stream.append(bytes)
            offsets.append(stream.sectionByteCount)
            map.append((RecordID.stableHash(ofEncoded: bytes), UInt32(ordinal)))
        }
        try stream.endSection()
        stream.begin(.idOffsets)
        try stream.append(integers: offsets)
        try stream.endSection()
        offsets = []
        map.sort { ($0.hash, $0.ordinal) < ($1.hash, $1.ordinal) }
        stream.begin(.idMap)
        for entry in map { try stream.append(integer: entry.hash) }
        for entry in map { try stream.append(integer: entry.ordinal) }
        try stream.endSection()
    }

    private func writeLSNs(to stream: inout SegmentFileStream) throws(SegmentWriteError) {
        stream.begin(.rowLSNs)
        try forEachRow(from: 0.55, to: 0.6) { (_, store, row) throws(SegmentWriteError) in
            try stream.append(integer: store.lsn(at: row))
        }
        try stream.endSection()
    }

    private func writeColumns(to stream: inout SegmentFileStream) throws(SegmentWriteError) {
        stream.begin(.attributeColumns)
        var directory = ByteWriter()
        for (index, attribute) in configuration.attributes.enumerated() {
            let column = ColumnWriter(rows: self, index: index, type: attribute.type)
            try column.write(to: &stream, entry: &directory)
        }
        try stream.endSection()
        stream.begin(.columnDirectory)
        try stream.append(directory.bytes)
        try stream.endSection()
    }

    private func writePayloads(to stream: inout SegmentFileStream) throws(SegmentWriteError) {
        var blocks = PayloadBlockWriter()
        var locations = ByteWriter()
        locations.bytes.reserveCapacity(rowCount * PayloadLocationLayout.entryByteCount)
        stream.begin(.payloadBlocks)
        try forEachRow(from: 0.65, to: 0.8) { (_, store, row) throws(SegmentWriteError) in
            let payload = try reading { () throws(CorruptionError) in try store.payload(at: row) }
            try blocks.append(payload, location: &locations, to: &stream)
        }
        try blocks.finish(to: &stream)
        try stream.endSection()
        stream.begin(.payloadBlockDirectory)
        try stream.append(blocks.directory.bytes)
        try stream.endSection()
        stream.begin(.payloadLocations)
        try stream.append(locations.bytes)
        try stream.endSection()
    }
}

/// Runs a read of a source and gives its error the writer's form.
func reading<R>(_ body: () throws(CorruptionError) -> R) throws(SegmentWriteError) -> R {
    do throws(CorruptionError) {
        return try body()
    } catch {
        throw .corruption(error)
    }
}

extension [UInt32] {
    /// The sums before each element, and the whole sum: where runs of these lengths start.
    func runningStarts() -> [UInt32] {
        var sum: UInt32 = 0
        var starts: [UInt32] = [0]
        starts.reserveCapacity(count + 1)
        for element in self {
            sum += element
            starts.append(sum)
        }
        return starts
    }
}
