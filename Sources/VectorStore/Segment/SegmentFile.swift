import StorageIO

/// The frame of a mapped segment file: header, footer, section table and checksums, all checked.
struct SegmentFile: Sendable {
    let region: MappedRegion
    let name: String
    let seeds: SegmentChecksums
    let sections: [SegmentSection]
    /// The number of the first block of each section.
    let firstBlocks: [Int]
    /// Masked checksums, one a block.
    let checksums: SegmentBytes
    let partitionCount: UInt64
    let verification: BlockVerification

    /// Maps a file that the manifest describes.
    static func map(
        path: String,
        name: String,
        description: SegmentDescription,
        fileSystem: any FileSystem
    ) throws(SegmentOpenError) -> MappedRegion {
        let status = try loading { () throws(StorageIOError) in try fileSystem.status(path) }
        guard let status, status.kind == .regular else {
            throw .corruption(.missingFile(file: name, reason: "the manifest names it"))
        }
        let file = try loading { () throws(StorageIOError) in try fileSystem.open(path, .read) }
        let byteCount = try loading { () throws(StorageIOError) in try file.byteCount() }
        let page = UInt64(SegmentLayout.pageByteCount)
        guard byteCount >= 2 * page, byteCount % page == 0, byteCount == description.byteCount,
            Int(exactly: byteCount) != nil
        else {
            throw .corruption(
                .truncated(
                    file: name,
                    offset: 0,
                    needed: max(description.byteCount, 2 * page),
                    available: byteCount
                )
            )
        }
        return try loading { () throws(StorageIOError) in try file.map(byteCount: byteCount) }
    }

    init(
        region: MappedRegion,
        name: String,
        description: SegmentDescription,
        identity: SegmentIdentity,
        configuration: CollectionConfiguration
    ) throws(CorruptionError) {
        self.region = region
        self.name = name
        seeds = SegmentChecksums(identity)
        let page = SegmentLayout.pageByteCount
        let footerStart = region.byteCount - page
        try Self.load(0..<page, of: region)
        try Self.load(footerStart..<region.byteCount, of: region)
        let header = Self.bytes(of: region, name: name, 0..<page)
        let footer = Self.bytes(of: region, name: name, footerStart..<region.byteCount)
        try SegmentHeader.check(
            header,
            seeds: seeds,
            description: description,
            identity: identity,
            configuration: configuration
        )
        let table = try SegmentFooter(footer, seeds: seeds, description: description)
        sections = table.sections
        firstBlocks = table.firstBlocks
        partitionCount = table.partitionCount
        let tableOffset = Int(table.checksumTableOffset)
        try Self.load(tableOffset..<tableOffset + table.blockCount * 4, of: region)
        checksums = Self.bytes(
            of: region,
            name: name,
            tableOffset..<tableOffset + table.blockCount * 4
        )
        let found = seeds.checksum(
            checksums.bytes(0..<checksums.count),
            at: table.checksumTableOffset
        )
        guard found == table.checksumTableCRC else {
            throw .checksumMismatch(
                file: name,
                offset: table.checksumTableOffset,
                expected: table.checksumTableCRC,
                found: found
            )
        }
        verification = BlockVerification(blockCount: table.blockCount)
        var ends = sections.map { Int($0.offset + $0.byteCount) }
        ends.append(tableOffset + checksums.count)
        for end in ends { try checkPadding(from: end) }
        for (index, section) in sections.enumerated() where !section.kind.isVerifiedLazily {
            try verify(section: index, range: 0..<Int(section.byteCount))
        }
    }

    private static func bytes(
        of region: MappedRegion,
        name: String,
        _ range: Range<Int>
    ) -> SegmentBytes {
        SegmentBytes(
            base: region.baseAddress + range.lowerBound,
            count: range.count,
            file: name,
            offset: UInt64(range.lowerBound)
        )
    }

    private func checkPadding(from end: Int) throws(CorruptionError) {
        let page = SegmentLayout.pageByteCount
        let next = (end + page - 1) / page * page
        try load(end..<next)
        var reader = Self.bytes(of: region, name: name, end..<next).reader()
        try reader.skipZeros(next - end)
    }

    /// The index of a section in the table.
    func index(of kind: SegmentSectionKind) -> Int? {
        sections.firstIndex { $0.kind == kind }
    }

    /// The bytes of a section that every segment has.
    func bytes(_ kind: SegmentSectionKind) throws(CorruptionError) -> SegmentBytes {
        guard let index = index(of: kind) else {
            throw .invalidField(
                file: name,
                offset: UInt64(region.byteCount - SegmentLayout.pageByteCount),
                field: "section table",
                found: "no section \(kind)",
                expected: "one"
            )
        }
        return bytes(section: index)
    }

    func bytes(section index: Int) -> SegmentBytes {
        let start = Int(sections[index].offset)
        return Self.bytes(of: region, name: name, start..<start + Int(sections[index].byteCount))
    }

    // MARK: - Checksums

    /// Compares the blocks that hold a range of a section with their checksums, once each.
    @inline(__always)
    func verify(section: Int, range: Range<Int>) throws(CorruptionError) {
        guard !range.isEmpty else { return }
        let size = SegmentLayout.blockByteCount
        let first = firstBlocks[section] + range.lowerBound / size
        let last = firstBlocks[section] + (range.upperBound - 1) / size
        for block in first...last where !verification.isVerified(block) {
            try verifyBlock(block, section: section)
            verification.setVerified(block)
        }
    }

    /// Compares one block with its checksum, whatever was found before.
    @inline(never)
    func verifyBlock(_ block: Int, section: Int) throws(CorruptionError) {
        let size = SegmentLayout.blockByteCount
        let start = (block - firstBlocks[section]) * size
        let bytes = bytes(section: section)
        let offset = bytes.offset + UInt64(start)
        let end = min(start + size, bytes.count)
        try load(Int(offset)..<Int(bytes.offset) + end)
        let found = seeds.checksum(bytes.bytes(start..<end), at: offset)
        let expected: UInt32 = checksums.integer(at: block * 4)
        guard found == expected else {
            throw .checksumMismatch(file: name, offset: offset, expected: expected, found: found)
        }
    }
}
