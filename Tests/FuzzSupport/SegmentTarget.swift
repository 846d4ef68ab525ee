import StorageIO
import TestSupport
import VectorMath

@testable import VectorStore

/// A whole segment with patches, opened and used as a store would.
enum SegmentTarget {
    private static let configuration = CollectionConfiguration(
        name: "c",
        dimension: 6,
        partitionKey: "tenant",
        attributes: [
            AttributeDeclaration("group", .int64), AttributeDeclaration("name", .string),
            AttributeDeclaration("weight", .double), AttributeDeclaration("flag", .bool),
        ]
    )
    private static let identity = SegmentIdentity(
        storeUUID: FuzzStore.uuid,
        segmentID: 1,
        collectionID: 1,
        indexGeneration: 0
    )

    /// A segment of every kind of value, and what the manifest says of it.
    private static let base: (bytes: [UInt8], description: SegmentDescription) = {
        let memtable = Memtable(dimension: configuration.dimension)
        var random = SeededRandom(seed: 4)
        for index in 0..<40 {
            var vector = (0..<6).map { _ in Float.random(in: -1...1, using: &random) }
            let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            vector = vector.map { $0 / length }
            let id: RecordID =
                index.isMultiple(of: 3)
                ? .string("id-\(index)") : .integer(UInt64(index))
            _ = memtable.append(
                StoredRow(
                    id: id,
                    partition: "t\(index % 3)",
                    vector: vector,
                    attributes: [
                        .int64(Int64(index % 4)),
                        index.isMultiple(of: 5) ? nil : .string("n\(index)"),
                        .double(Double(index) / 3), .bool(index.isMultiple(of: 2)),
                    ],
                    payload: index.isMultiple(of: 4) ? nil : Array("payload \(index)".utf8)
                ),
                lsn: UInt64(index + 1)
            )
        }
        let disk = SimulatedFileSystem()
        do {
            try disk.createDirectory(FuzzStore.directory)
            let replacement = SegmentReplacement(inputs: [
                .memtable(
                    MemtableView(
                        memtable: memtable,
                        rowCount: memtable.rowCount,
                        tombstones: TombstoneSet(rowCount: memtable.rowCount)
                    )
                )
            ])
            let plan = try RowPlanner(
                configuration: configuration,
                sources: [memtable],
                generation: nil,
                threads: 1
            ).plan(replacement.rows) { _ in true }
            guard let plan else { preconditionFailure("no plan") }
            let description = try SegmentWriter.write(
                plan: plan,
                sources: [memtable],
                configuration: configuration,
                identity: identity,
                codes: nil,
                fileSystem: disk,
                directory: FuzzStore.directory,
                progress: { _ in true }
            )
            let path = FuzzStore.directory + "/" + Segment.fileName(1)
            return (disk.bytes(of: path) ?? [], description)
        } catch {
            preconditionFailure("the segment to be damaged cannot be made: \(error)")
        }
    }()

    /// Makes every checksum true again, as far as the footer can be followed.
    private static func mend(_ bytes: inout [UInt8]) -> UInt32 {
        let seeds = SegmentChecksums(identity)
        let page = SegmentLayout.pageByteCount
        let footer = bytes.count - page
        bytes.patch(
            seeds.checksum(Array(bytes[..<SegmentHeaderLayout.checksum]), at: 0),
            at: SegmentHeaderLayout.checksum
        )
        func number(_ offset: Int, _ width: Int) -> Int? {
            guard offset >= 0, offset + width <= bytes.count else { return nil }
            var value: UInt64 = 0
            for index in 0..<width { value |= UInt64(bytes[offset + index]) << (8 * index) }
            return Int(exactly: value)
        }
        if let sections = number(footer + SegmentFooterLayout.sectionCount, 4),
            let table = number(footer + SegmentFooterLayout.checksumTableOffset, 8),
            let count = number(footer + SegmentFooterLayout.checksumCount, 8),
            sections <= SegmentFooterLayout.maximumSectionCount, table <= footer,
            count <= (footer - table) / 4
        {
            var block = 0
            for index in 0..<sections {
                let entry =
                    footer + SegmentFooterLayout.sections
                    + index * SegmentFooterLayout.sectionEntryByteCount
                guard let start = number(entry + 8, 8), let length = number(entry + 16, 8),
                    start <= footer, length <= footer - start
                else { break }
                for first in stride(from: 0, to: length, by: SegmentLayout.blockByteCount)
                where block < count {
                    let end = min(first + SegmentLayout.blockByteCount, length)
                    let crc = seeds.checksum(
                        Array(bytes[start + first..<start + end]),
                        at: UInt64(start + first)
                    )
                    bytes.patch(crc, at: table + block * 4)
                    block += 1
                }
            }
            bytes.patch(
                seeds.checksum(Array(bytes[table..<table + count * 4]), at: UInt64(table)),
                at: footer + SegmentFooterLayout.checksumTableCRC
            )
        }
        let crc = seeds.checksum(
            Array(bytes[footer..<footer + SegmentFooterLayout.checksum]),
            at: UInt64(footer)
        )
        bytes.patch(crc, at: footer + SegmentFooterLayout.checksum)
        return crc
    }

    /// Patches of eight bytes: a place (UInt32), how many bytes (UInt8, 1 to 3), the bytes.
    static func run(_ input: [UInt8]) {
        var bytes = base.bytes
        for start in stride(from: 0, to: input.count - 7, by: 8) {
            var place = 0
            for index in 0..<4 { place |= Int(input[start + index]) << (8 * index) }
            let count = Int(input[start + 4]) % 3 + 1
            for index in 0..<count {
                bytes[(place + index) % bytes.count] = input[start + 5 + index]
            }
        }
        let footerCRC = mend(&bytes)
        var description = base.description
        description.footerCRC = footerCRC
        let disk = FuzzStore.disk(Segment.fileName(1), bytes)
        guard
            let segment = try? Segment.open(
                directory: FuzzStore.directory,
                description: description,
                identity: identity,
                configuration: configuration,
                fileSystem: disk
            )
        else { return }
        use(segment)
    }

    private static func use(_ segment: Segment) {
        _ = segment.verifyAll()
        let view = SegmentView(
            segment: segment,
            tombstones: TombstoneSet(rowCount: segment.rowCount),
            persistedTombstones: nil
        )
        let live = LiveSet(
            lsn: 40,
            configuration: configuration,
            memtables: [MemtableView(empty: configuration)],
            segments: [view],
            generations: [:],
            currentGeneration: 0
        )
        let check = QueryCheck(configuration)
        for filter in [nil, Filter.equal("group", .int64(1)), .equal("name", .string("n7"))] {
            var query = SearchQuery(vector: [1, 2, 3, 4, 5, 6], k: 7)
            query.filter = filter
            if let checked = try? check.check(query),
                let found = try? Searcher(live: live).search(checked)
            {
                precondition(found.rows.count <= 7)
                for row in found.rows {
                    _ = try? live.match(row, include: [.payload, .vector])
                }
            }
        }
        for ordinal in 0..<min(segment.rowCount, 64) {
            if let id = try? segment.id(at: ordinal) { _ = try? live.visibleRow(of: id) }
            _ = try? live.record(
                RowKey(store: 1, ordinal: ordinal),
                include: [.attributes, .payload, .vector]
            )
        }
        for name in ["t0", "t1", "zz"] { _ = segment.partition(named: name) }
        var text = ""
        segment.dump(into: &text)
    }
}
