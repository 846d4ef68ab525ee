import StorageIO

/// The first page of a segment file.
enum SegmentHeader {
    typealias Layout = SegmentHeaderLayout

    /// Checks the header against what the manifest and the configuration say.
    static func check(
        _ header: SegmentBytes,
        seeds: SegmentChecksums,
        description: SegmentDescription,
        identity: SegmentIdentity,
        configuration: CollectionConfiguration
    ) throws(CorruptionError) {
        try checkFrame(header, seeds: seeds)
        let uuid = Array(header.bytes(Layout.storeUUID..<Layout.storeUUID + 16))
        guard uuid == identity.storeUUID else {
            throw header.invalid(
                "store",
                found: "\(uuid)",
                expected: "\(identity.storeUUID)",
                at: Layout.storeUUID
            )
        }
        let stride = SegmentLayout.rowStride(dimension: configuration.dimension)
        let expected32: [(String, Int, UInt32)] = [
            ("header byte count", Layout.headerByteCount, UInt32(SegmentLayout.pageByteCount)),
            ("collection", Layout.collectionID, identity.collectionID),
            ("dimension", Layout.dimension, UInt32(configuration.dimension)),
            ("row stride", Layout.rowStride, UInt32(stride)),
            ("column count", Layout.columnCount, UInt32(configuration.attributes.count)),
        ]
        for (field, offset, expected) in expected32 {
            try require(
                header.integer(at: offset, as: UInt32.self),
                expected,
                field,
                offset,
                header
            )
        }
        let expected64: [(String, Int, UInt64)] = [
            ("segment id", Layout.segmentID, description.segmentID),
            ("row count", Layout.rowCount, description.rowCount),
            ("index generation", Layout.indexGeneration, identity.indexGeneration),
            ("first LSN", Layout.lsnMin, description.lsnMin),
            ("last LSN", Layout.lsnMax, description.lsnMax),
        ]
        for (field, offset, expected) in expected64 {
            try require(
                header.integer(at: offset, as: UInt64.self),
                expected,
                field,
                offset,
                header
            )
        }
        guard description.rowCount <= SegmentLayout.maximumRowCount else {
            throw header.invalid(
                "row count",
                found: "\(description.rowCount)",
                expected: "at most \(SegmentLayout.maximumRowCount)",
                at: Layout.rowCount
            )
        }
    }

    /// Checks magic, checksum, version, flags and zeros.
    private static func checkFrame(
        _ header: SegmentBytes,
        seeds: SegmentChecksums
    ) throws(CorruptionError) {
        let magic: UInt64 = header.integer(at: Layout.magic)
        guard magic == Layout.magicValue else {
            throw .badMagic(
                file: header.file,
                offset: 0,
                expected: Layout.magicValue,
                found: magic
            )
        }
        let expected: UInt32 = header.integer(at: Layout.checksum)
        let found = seeds.checksum(header.bytes(0..<Layout.checksum), at: header.offset)
        guard found == expected else {
            throw .checksumMismatch(
                file: header.file,
                offset: header.offset,
                expected: expected,
                found: found
            )
        }
        let major: UInt16 = header.integer(at: Layout.formatMajor)
        let minor: UInt16 = header.integer(at: Layout.formatMinor)
        let flags: UInt32 = header.integer(at: Layout.incompatibleFlags)
        guard major == SegmentLayout.formatMajor, flags == 0 else {
            throw .formatTooNew(
                file: header.file,
                found: "\(major).\(minor)" + (flags == 0 ? "" : " with flags \(flags)"),
                supported: "\(SegmentLayout.formatMajor).\(SegmentLayout.formatMinor)"
            )
        }
        // A later minor version may name bytes that are zero here.
        guard minor <= SegmentLayout.formatMinor else { return }
        var reader = header.reader()
        _ = try reader.readBytes(count: Layout.end)
        try reader.skipZeros(Layout.checksum - Layout.end)
    }

    private static func require<T: FixedWidthInteger>(
        _ found: T,
        _ expected: T,
        _ field: String,
        _ offset: Int,
        _ header: SegmentBytes
    ) throws(CorruptionError) {
        guard found == expected else {
            throw header.invalid(field, found: "\(found)", expected: "\(expected)", at: offset)
        }
    }
}

/// The last page of a segment file.
struct SegmentFooter {
    typealias Layout = SegmentFooterLayout

    let sections: [SegmentSection]
    let firstBlocks: [Int]
    let blockCount: Int
    let partitionCount: UInt64
    let checksumTableOffset: UInt64
    let checksumTableCRC: UInt32

    init(
        _ footer: SegmentBytes,
        seeds: SegmentChecksums,
        description: SegmentDescription
    ) throws(CorruptionError) {
        try Self.checkFrame(footer, seeds: seeds, description: description)
        let count: UInt32 = footer.integer(at: Layout.sectionCount)
        guard count <= Layout.maximumSectionCount else {
            throw footer.invalid(
                "section count",
                found: "\(count)",
                expected: "at most \(Layout.maximumSectionCount)",
                at: Layout.sectionCount
            )
        }
        var sections: [SegmentSection] = []
        var firstBlocks: [Int] = []
        var blocks: UInt64 = 0
        var next = UInt64(SegmentLayout.pageByteCount)
        for index in 0..<Int(count) {
            let place = Layout.sections + index * Layout.sectionEntryByteCount
            let kindCode: UInt32 = footer.integer(at: place)
            let offset: UInt64 = footer.integer(at: place + 8)
            let byteCount: UInt64 = footer.integer(at: place + 16)
            guard let kind = SegmentSectionKind(rawValue: kindCode),
                !sections.contains(where: { $0.kind == kind }),
                footer.integer(at: place + 4, as: UInt32.self) == 0,
                offset == next, offset < footer.offset, byteCount <= footer.offset - offset
            else {
                throw footer.invalid(
                    "section \(index)",
                    found: "kind \(kindCode), \(byteCount) bytes at \(offset)",
                    expected: "a new kind, inside the file, at \(next)",
                    at: place
                )
            }
            let section = SegmentSection(kind: kind, offset: offset, byteCount: byteCount)
            sections.append(section)
            firstBlocks.append(Int(blocks))
            blocks += section.blockCount
            next = Self.roundedToPage(offset + byteCount)
        }
        let tableOffset: UInt64 = footer.integer(at: Layout.checksumTableOffset)
        let tableCount: UInt64 = footer.integer(at: Layout.checksumCount)
        guard tableOffset == next, tableCount == blocks,
            Self.roundedToPage(tableOffset + blocks * 4) == footer.offset
        else {
            throw footer.invalid(
                "checksum table",
                found: "\(tableCount) checksums at \(tableOffset)",
                expected: "\(blocks) at \(next)",
                at: Layout.checksumTableOffset
            )
        }
        var reader = footer.reader()
        _ = try reader.readBytes(
            count: Layout.sections + Int(count) * Layout.sectionEntryByteCount
        )
        try reader.skipZeros(Layout.checksum - reader.position)
        self.sections = sections
        self.firstBlocks = firstBlocks
        blockCount = Int(blocks)
        partitionCount = footer.integer(at: Layout.partitionCount)
        checksumTableOffset = tableOffset
        checksumTableCRC = footer.integer(at: Layout.checksumTableCRC)
    }

    private static func roundedToPage(_ offset: UInt64) -> UInt64 {
        let page = UInt64(SegmentLayout.pageByteCount)
        return (offset + page - 1) / page * page
    }

    private static func checkFrame(
        _ footer: SegmentBytes,
        seeds: SegmentChecksums,
        description: SegmentDescription
    ) throws(CorruptionError) {
        for (offset, expected) in [
            (Layout.magic, Layout.magicValue), (Layout.endMagic, Layout.endMagicValue),
        ] {
            let found: UInt64 = footer.integer(at: offset)
            guard found == expected else {
                throw .badMagic(
                    file: footer.file,
                    offset: footer.offset + UInt64(offset),
                    expected: expected,
                    found: found
                )
            }
        }
        let stored: UInt32 = footer.integer(at: Layout.checksum)
        let found = seeds.checksum(footer.bytes(0..<Layout.checksum), at: footer.offset)
        guard found == stored, stored == description.footerCRC else {
            throw .checksumMismatch(
                file: footer.file,
                offset: footer.offset,
                expected: description.footerCRC,
                found: found == stored ? stored : found
            )
        }
        let byteCount: UInt64 = footer.integer(at: Layout.fileByteCount)
        let rowCount: UInt64 = footer.integer(at: Layout.rowCount)
        guard byteCount == description.byteCount, rowCount == description.rowCount else {
            throw footer.invalid(
                "counts",
                found: "\(byteCount) bytes, \(rowCount) rows",
                expected: "\(description.byteCount) bytes, \(description.rowCount) rows",
                at: Layout.fileByteCount
            )
        }
        for zero in Layout.reserved where footer.integer(at: zero, as: UInt32.self) != 0 {
            throw footer.invalid("reserved field", found: "not 0", expected: "0", at: zero)
        }
    }
}
