import StorageIO

/// One section of a segment file.
struct SegmentSection: Sendable, Hashable {
    var kind: SegmentSectionKind
    /// In the file; a multiple of 4 KiB.
    var offset: UInt64
    var byteCount: UInt64

    /// Blocks under a checksum.
    var blockCount: UInt64 {
        let block = UInt64(SegmentLayout.blockByteCount)
        return byteCount / block + (byteCount % block == 0 ? 0 : 1)
    }
}

/// The seeded checksums of one segment.
struct SegmentChecksums: Sendable {
    let storeUUID: [UInt8]
    let segmentID: UInt64

    init(_ identity: SegmentIdentity) {
        storeUUID = identity.storeUUID
        segmentID = identity.segmentID
    }

    /// The state of a checksum before its first byte, which lies at `offset` of the file.
    func seed(at offset: UInt64) -> UInt32 {
        CRC32C.seed(storeUUID: storeUUID, fileID: segmentID, position: offset)
    }

    /// The masked checksum of bytes that lie at `offset`.
    func checksum(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) -> UInt32 {
        CRC32C.masked(CRC32C.checksum(bytes, crc: seed(at: offset)))
    }

    func checksum(_ bytes: [UInt8], at offset: UInt64) -> UInt32 {
        bytes.withUnsafeBytes { checksum($0, at: offset) }
    }
}

/// Appends a header, sections, the checksum table and the footer to a file in the making.
struct SegmentFileStream: ~Copyable {
    private var writer: AtomicFileWriter
    private let name: String
    private let seeds: SegmentChecksums
    private(set) var sections: [SegmentSection] = []
    private var checksums: [UInt32] = []
    /// The checksum of the block in the making, and its bytes so far.
    private var blockCRC: UInt32 = 0
    private var blockFill = 0

    init(
        name: String,
        directory: String,
        fileSystem: any FileSystem,
        identity: SegmentIdentity,
        expectedByteCount: UInt64
    ) throws(SegmentWriteError) {
        self.name = name
        seeds = SegmentChecksums(identity)
        do throws(StorageIOError) {
            writer = try AtomicFileWriter(
                directory: directory,
                fileSystem: fileSystem,
                expectedByteCount: expectedByteCount
            )
        } catch {
            throw .io(error)
        }
    }

    /// Bytes of the section in the making.
    var sectionByteCount: UInt64 {
        sections.last.map { writer.position - $0.offset } ?? 0
    }

    mutating func appendHeader(_ bytes: consuming [UInt8]) throws(SegmentWriteError) {
        precondition(writer.position == 0 && bytes.count == SegmentLayout.pageByteCount)
        let end = SegmentHeaderLayout.checksum
        let crc = seeds.checksum(Array(bytes[..<end]), at: 0)
        withUnsafeBytes(of: crc.littleEndian) { bytes.replaceSubrange(end..., with: $0) }
        try appendUnchecked(bytes)
    }

    mutating func begin(_ kind: SegmentSectionKind) {
        precondition(writer.position % UInt64(SegmentLayout.pageByteCount) == 0)
        sections.append(SegmentSection(kind: kind, offset: writer.position, byteCount: 0))
        blockFill = 0
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) throws(SegmentWriteError) {
        var rest = bytes
        while !rest.isEmpty {
            if blockFill == 0 { blockCRC = seeds.seed(at: writer.position) }
            let count = min(rest.count, SegmentLayout.blockByteCount - blockFill)
            let part = UnsafeRawBufferPointer(rebasing: rest[..<count])
            blockCRC = CRC32C.checksum(part, crc: blockCRC)
            do throws(StorageIOError) { try writer.append(part) } catch { throw .io(error) }
            blockFill += count
            if blockFill == SegmentLayout.blockByteCount { endBlock() }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    mutating func append(_ bytes: [UInt8]) throws(SegmentWriteError) {
        var failure: SegmentWriteError?
        bytes.withUnsafeBytes { buffer in
            do throws(SegmentWriteError) { try append(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    mutating func append<T: FixedWidthInteger>(integer: T) throws(SegmentWriteError) {
        var failure: SegmentWriteError?
        withUnsafeBytes(of: integer.littleEndian) { buffer in
            do throws(SegmentWriteError) { try append(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Integers, little-endian.
    mutating func append<T: FixedWidthInteger>(integers: [T]) throws(SegmentWriteError) {
        var failure: SegmentWriteError?
        let values = T(1).littleEndian == 1 ? integers : integers.map(\.littleEndian)
        values.withUnsafeBytes { buffer in
            do throws(SegmentWriteError) { try append(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Zeros up to a multiple of `alignment` from the section's start.
    mutating func pad(to alignment: Int) throws(SegmentWriteError) {
        let rest = Int(sectionByteCount % UInt64(alignment))
        if rest != 0 { try append([UInt8](repeating: 0, count: alignment - rest)) }
    }

    mutating func endSection() throws(SegmentWriteError) {
        if blockFill > 0 { endBlock() }
        sections[sections.count - 1].byteCount = sectionByteCount
        try padToPage()
    }

    private mutating func endBlock() {
        checksums.append(CRC32C.masked(blockCRC))
        blockFill = 0
    }

    /// Appends the checksum table and the footer.
    ///
    /// - Returns: The footer's checksum and the size of the file.
    mutating func finish(
        rowCount: Int,
        partitionCount: Int
    ) throws(SegmentWriteError) -> (footerCRC: UInt32, byteCount: UInt64) {
        let tableOffset = writer.position
        var table = ByteWriter()
        for checksum in checksums { table.write(checksum) }
        try appendUnchecked(table.bytes)
        try padToPage()
        let offset = writer.position
        let byteCount = offset + UInt64(SegmentLayout.pageByteCount)
        typealias Layout = SegmentFooterLayout
        precondition(sections.count <= Layout.maximumSectionCount)
        var footer = ByteWriter()
        footer.bytes = [UInt8](repeating: 0, count: SegmentLayout.pageByteCount)
        footer.patch(Layout.magicValue, at: Layout.magic)
        footer.patch(UInt32(sections.count), at: Layout.sectionCount)
        footer.patch(byteCount, at: Layout.fileByteCount)
        footer.patch(UInt64(rowCount), at: Layout.rowCount)
        footer.patch(UInt64(partitionCount), at: Layout.partitionCount)
        footer.patch(tableOffset, at: Layout.checksumTableOffset)
        footer.patch(UInt64(checksums.count), at: Layout.checksumCount)
        footer.patch(
            seeds.checksum(table.bytes, at: tableOffset),
            at: Layout.checksumTableCRC
        )
        for (index, section) in sections.enumerated() {
            let entry = Layout.sections + index * Layout.sectionEntryByteCount
            footer.patch(section.kind.rawValue, at: entry)
            footer.patch(section.offset, at: entry + 8)
            footer.patch(section.byteCount, at: entry + 16)
        }
        let crc = seeds.checksum(Array(footer.bytes[..<Layout.checksum]), at: offset)
        footer.patch(crc, at: Layout.checksum)
        footer.patch(Layout.endMagicValue, at: Layout.endMagic)
        try appendUnchecked(footer.bytes)
        return (crc, byteCount)
    }

    /// Reads every block back through the file system and compares its checksum.
    mutating func verifyWritten(
        progress: (Double) -> Bool
    ) throws(SegmentWriteError) {
        let file: any StorageFile
        do throws(StorageIOError) { file = try writer.writtenFile() } catch { throw .io(error) }
        var next = 0
        for section in sections {
            var done: UInt64 = 0
            while done < section.byteCount {
                let count = min(section.byteCount - done, UInt64(SegmentLayout.blockByteCount))
                let offset = section.offset + done
                let bytes: [UInt8]
                do throws(StorageIOError) {
                    bytes = try file.readBytes(count: Int(count), at: offset)
                } catch {
                    throw .io(error)
                }
                let found = seeds.checksum(bytes, at: offset)
                guard found == checksums[next] else {
                    throw .corruption(
                        .checksumMismatch(
                            file: name,
                            offset: offset,
                            expected: checksums[next],
                            found: found
                        )
                    )
                }
                next += 1
                done += count
                guard next % 64 != 0 || progress(Double(next) / Double(checksums.count)) else {
                    throw .cancelled
                }
            }
        }
    }

    consuming func commit() throws(SegmentWriteError) {
        do throws(StorageIOError) {
            try writer.commit(as: name)
        } catch {
            throw .io(error)
        }
    }

    consuming func abandon() {
        writer.abandon()
    }

    private mutating func appendUnchecked(_ bytes: [UInt8]) throws(SegmentWriteError) {
        do throws(StorageIOError) { try writer.append(bytes) } catch { throw .io(error) }
    }

    private mutating func padToPage() throws(SegmentWriteError) {
        do throws(StorageIOError) {
            try writer.pad(to: SegmentLayout.pageByteCount)
        } catch {
            throw .io(error)
        }
    }
}
