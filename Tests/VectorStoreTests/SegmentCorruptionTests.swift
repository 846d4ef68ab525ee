import StorageIO
import Testing

@testable import VectorStore

/// A segment file in memory, and what happens when its bytes are not what was written.
struct SegmentBytesFixture {
    let fixture: SegmentFixture
    let description: SegmentDescription
    let bytes: [UInt8]

    init(rowCount: Int = 12, dimension: Int = 3) throws {
        let fixture = try SegmentFixture(
            rowCount: rowCount,
            dimension: dimension,
            partitions: 2,
            nlist: 3,
            largePayloads: false
        )
        try self.init(fixture, codes: nil)
    }

    init(_ fixture: SegmentFixture, codes: CodeSource?) throws {
        self.fixture = fixture
        description = try fixture.write(codes: codes)
        bytes = try PosixFileSystem().open(fixture.path, .read).readAll()
    }

    /// Opens bytes in memory and reads everything; nil when nothing is noticed.
    func firstError(
        _ bytes: [UInt8],
        description: SegmentDescription? = nil
    ) -> CorruptionError? {
        let base = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: 4_096)
        UnsafeMutableRawBufferPointer(start: base, count: bytes.count).copyBytes(from: bytes)
        let region = MappedRegion(base: base, byteCount: bytes.count, isMapping: false) { base, _ in
            UnsafeMutableRawPointer(mutating: base).deallocate()
        }
        do throws(CorruptionError) {
            let segment = try Segment(
                region: region,
                description: description ?? self.description,
                identity: fixture.identity,
                configuration: fixture.configuration
            )
            for ordinal in 0..<segment.rowCount {
                _ = try segment.vector(at: ordinal)
                _ = try segment.payload(at: ordinal)
                _ = try segment.id(at: ordinal)
                for column in SegmentFixture.attributes.indices {
                    _ = segment.attribute(column, at: ordinal)
                }
            }
            return segment.verifyAll().first
        } catch {
            return error
        }
    }

    /// Bytes whose header, sections and footer have valid checksums over whatever they hold now.
    func resealed(_ bytes: [UInt8]) -> (bytes: [UInt8], description: SegmentDescription) {
        let seeds = SegmentChecksums(fixture.identity)
        var writer = ByteWriter()
        writer.bytes = bytes
        let footer = bytes.count - SegmentLayout.pageByteCount
        func integer(_ offset: Int) -> UInt64 {
            writer.bytes[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        let original = self.bytes[footer + SegmentFooterLayout.sectionCount]
        var tableOffset = Int(self.integer(footer + SegmentFooterLayout.checksumTableOffset))
        let tableStart = tableOffset
        for index in 0..<Int(original) {
            let entry = footer + SegmentFooterLayout.sections + index * 24
            let (offset, count) = (Int(self.integer(entry + 8)), Int(self.integer(entry + 16)))
            for start in stride(from: 0, to: count, by: SegmentLayout.blockByteCount) {
                let end = min(count, start + SegmentLayout.blockByteCount)
                let block = Array(writer.bytes[offset + start..<offset + end])
                writer.patch(seeds.checksum(block, at: UInt64(offset + start)), at: tableOffset)
                tableOffset += 4
            }
        }
        let table = Array(writer.bytes[tableStart..<tableOffset])
        writer.patch(
            seeds.checksum(table, at: UInt64(tableStart)),
            at: footer + SegmentFooterLayout.checksumTableCRC
        )
        let header = Array(writer.bytes[..<SegmentHeaderLayout.checksum])
        writer.patch(seeds.checksum(header, at: 0), at: SegmentHeaderLayout.checksum)
        let body = Array(writer.bytes[footer..<footer + SegmentFooterLayout.checksum])
        var description = description
        description.footerCRC = seeds.checksum(body, at: UInt64(footer))
        writer.patch(description.footerCRC, at: footer + SegmentFooterLayout.checksum)
        return (writer.bytes, description)
    }

    func integer(_ offset: Int) -> UInt64 {
        bytes[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

@Suite struct `Segment corruption` {
    // Unoptimised code takes minutes over every byte, so it takes every 31st from a random one on.
    #if DEBUG
    static let step = 31
    static let firstOffset = Int.random(in: 0..<step)
    #else
    static let step = 1
    static let firstOffset = 0
    #endif

    @Test func `one flipped bit in any byte is noticed`() throws {
        let file = try SegmentBytesFixture()
        defer { file.fixture.remove() }
        #expect(file.firstError(file.bytes) == nil)
        var unnoticed: [Int] = []
        for offset in stride(from: Self.firstOffset, to: file.bytes.count, by: Self.step) {
            var bytes = file.bytes
            bytes[offset] ^= 1 << UInt8(offset % 8)
            if file.firstError(bytes) == nil { unnoticed.append(offset) }
        }
        #expect(
            unnoticed.isEmpty,
            "unnoticed at \(unnoticed.prefix(20)), first offset \(Self.firstOffset)"
        )
    }

    @Test func `a file of another length is refused`() throws {
        let file = try SegmentBytesFixture()
        defer { file.fixture.remove() }
        let fileSystem = PosixFileSystem()
        let page = SegmentLayout.pageByteCount
        for count in [
            0, 1, page - 1, page, 2 * page, file.bytes.count - page, file.bytes.count - 1,
        ] {
            let handle = try fileSystem.open(file.fixture.path, .readWrite)
            try handle.truncate(to: UInt64(count))
            #expect(throws: SegmentOpenError.self, "\(count) bytes") {
                try file.fixture.open(file.description)
            }
        }
        try fileSystem.remove(file.fixture.path)
        #expect(throws: SegmentOpenError.self) { try file.fixture.open(file.description) }
    }

    @Test func `every whole-page truncation is noticed even when the manifest agrees`() throws {
        let file = try SegmentBytesFixture()
        defer { file.fixture.remove() }
        let page = SegmentLayout.pageByteCount
        for pages in 2..<file.bytes.count / page {
            var description = file.description
            description.byteCount = UInt64(pages * page)
            #expect(
                file.firstError(Array(file.bytes[..<(pages * page)]), description: description)
                    != nil,
                "\(pages) pages"
            )
        }
    }

    /// Overwrites fields with hostile numbers under checksums that are right.
    @Test func `a well-sealed lie in the structure is refused or harmless, never a trap`() throws {
        let file = try SegmentBytesFixture()
        defer { file.fixture.remove() }
        let (same, description) = file.resealed(file.bytes)
        #expect(same == file.bytes && description == file.description)
        var refused = 0
        let lies: [UInt64] = [0, 1, 0x7FFF_FFFF, 0xFFFF_FFFF, 1 << 40, .max - 7, .max]
        let footer = file.bytes.count - SegmentLayout.pageByteCount
        var offsets = Array(stride(from: 0, to: 104, by: 4))
        offsets += Array(stride(from: footer, to: footer + 64 + 24 * 16, by: 4))
        let sectionCount = Int(file.bytes[footer + SegmentFooterLayout.sectionCount])
        for index in 0..<sectionCount {
            let entry = footer + SegmentFooterLayout.sections + index * 24
            let kind = SegmentSectionKind(rawValue: UInt32(file.bytes[entry]))
            if kind == .vectors { continue }
            let offset = Int(file.integer(entry + 8))
            let count = Int(file.integer(entry + 16))
            offsets += Array(stride(from: offset, to: offset + max(count - 8, 0), by: 4))
        }
        for offset in offsets.indices.filter({ $0 % min(Self.step, 5) == 0 }).map({ offsets[$0] }) {
            for lie in lies {
                var writer = ByteWriter()
                writer.bytes = file.bytes
                writer.patch(lie, at: offset)
                let (bytes, description) = file.resealed(writer.bytes)
                if file.firstError(bytes, description: description) != nil { refused += 1 }
            }
        }
        #expect(refused > offsets.count / min(Self.step, 5))
    }

    @Test func `a segment of another store, id or configuration is refused`() throws {
        let file = try SegmentBytesFixture()
        defer { file.fixture.remove() }
        var identities = [SegmentIdentity](repeating: file.fixture.identity, count: 4)
        identities[0].storeUUID[3] ^= 1
        identities[1].segmentID += 1
        identities[2].collectionID += 1
        identities[3].indexGeneration += 1
        for identity in identities {
            #expect(throws: SegmentOpenError.self) {
                try Segment.open(
                    path: file.fixture.path,
                    description: file.description,
                    identity: identity,
                    configuration: file.fixture.configuration,
                    fileSystem: PosixFileSystem()
                )
            }
        }
        var configuration = file.fixture.configuration
        configuration.attributes.swapAt(0, 2)
        #expect(throws: SegmentOpenError.self) {
            try Segment.open(
                path: file.fixture.path,
                description: file.description,
                identity: file.fixture.identity,
                configuration: configuration,
                fileSystem: PosixFileSystem()
            )
        }
    }

    @Test(arguments: [SegmentHeaderLayout.formatMajor, SegmentHeaderLayout.incompatibleFlags])
    func `a newer format is called newer`(offset: Int) throws {
        let file = try SegmentBytesFixture()
        defer { file.fixture.remove() }
        var changed = file.bytes
        changed[offset] = 2
        let (bytes, description) = file.resealed(changed)
        guard case .formatTooNew = file.firstError(bytes, description: description) else {
            Issue.record("the error is not formatTooNew")
            return
        }
    }
}
