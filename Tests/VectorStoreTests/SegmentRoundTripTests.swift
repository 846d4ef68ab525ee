import StorageIO
import Testing

@testable import VectorStore

struct SegmentShape: Sendable, CustomTestStringConvertible {
    var rowCount: Int
    var dimension: Int
    var partitions: Int?
    var nlist: Int

    var testDescription: String {
        "\(rowCount) rows, dimension \(dimension), partitions \(partitions ?? 0), nlist \(nlist)"
    }
}

@Suite struct `Segment round trip` {
    static let shapes = [
        SegmentShape(rowCount: 0, dimension: 4, partitions: nil, nlist: 0),
        SegmentShape(rowCount: 1, dimension: 1, partitions: nil, nlist: 0),
        SegmentShape(rowCount: 63, dimension: 16, partitions: nil, nlist: 5),
        SegmentShape(rowCount: 64, dimension: 17, partitions: 1, nlist: 0),
        SegmentShape(rowCount: 500, dimension: 33, partitions: 7, nlist: 4),
        SegmentShape(rowCount: 1_500, dimension: 100, partitions: 200, nlist: 3),
    ]

    @Test(arguments: shapes)
    func `every row comes back as it was written`(_ shape: SegmentShape) throws {
        let fixture = try SegmentFixture(
            rowCount: shape.rowCount,
            dimension: shape.dimension,
            partitions: shape.partitions,
            nlist: shape.nlist
        )
        defer { fixture.remove() }
        let segment = try fixture.open(try fixture.write())
        #expect(segment.rowCount == shape.rowCount)
        for ordinal in 0..<segment.rowCount {
            let row = fixture.row(ordinal)
            let vector = try segment.vector(at: ordinal)
            #expect(Array(UnsafeBufferPointer(start: vector, count: shape.dimension)) == row.vector)
            #expect(Int(bitPattern: vector) % 64 == 0)
            #expect(try segment.id(at: ordinal) == row.id)
            #expect(try segment.ordinal(of: row.id) == ordinal)
            #expect(segment.partition(at: ordinal) == row.partition)
            #expect(segment.lsn(at: ordinal) == UInt64(fixture.plan.rows[ordinal].ordinal) * 3 + 7)
            #expect(try segment.payload(at: ordinal) == row.payload)
            for column in row.attributes.indices {
                let found = segment.attribute(column, at: ordinal)
                #expect(found == row.attributes[column])
                if case .string(let left)? = found,
                    case .string(let right)? = row.attributes[column]
                {
                    #expect(Array(left.utf8) == Array(right.utf8))
                }
            }
        }
        #expect(segment.verifyAll().isEmpty)
        #expect(try PosixFileSystem().list(fixture.directory) == [Segment.fileName(42)])
    }

    @Test(arguments: shapes)
    func `partitions and posting lists are those of the plan`(_ shape: SegmentShape) throws {
        let fixture = try SegmentFixture(
            rowCount: shape.rowCount,
            dimension: shape.dimension,
            partitions: shape.partitions,
            nlist: shape.nlist
        )
        defer { fixture.remove() }
        let segment = try fixture.open(try fixture.write())
        #expect(segment.partitionCount == fixture.plan.partitions.count)
        for expected in fixture.plan.partitions {
            let entry = try #require(segment.partition(named: expected.key))
            #expect(entry.ordinals == expected.rows)
            #expect(entry.centroidTable == expected.centroidTable)
            var next = expected.rows.lowerBound
            for (list, count) in (expected.listCounts ?? []).enumerated() {
                #expect(entry.list(list) == next..<next + Int(count))
                next += Int(count)
            }
        }
        #expect(segment.partition(named: "nobody") == nil)
        guard let lists = fixture.plan.globalLists else {
            #expect(segment.globalLists == nil)
            return
        }
        let found = try #require(segment.globalLists)
        #expect(found.nlist == lists.nlist)
        for list in 0..<lists.nlist {
            let expected = lists.assignments.indices.filter { Int(lists.assignments[$0]) == list }
            #expect(found.ordinals(of: list).map { Int($0) } == expected)
        }
    }

    @Test(arguments: [65, 200, 1_000, 3_000, 3_001], [1, 2, 3] as [UInt64])
    func `the id map is in hash order and finds no absent id`(
        rowCount: Int,
        seed: UInt64
    ) throws {
        let fixture = try SegmentFixture(
            rowCount: rowCount,
            dimension: 2,
            partitions: nil,
            seed: seed,
            largePayloads: false
        )
        defer { fixture.remove() }
        let segment = try fixture.open(try fixture.write())
        let hashes = (0..<rowCount).map { segment.hash(atMapPosition: $0) }
        #expect(hashes == fixture.source.rows.map(\.id.stableHash).sorted())
        // At, just below and just above every hash: the answer is known from the position.
        for (position, hash) in hashes.enumerated() {
            #expect(segment.mapPosition(firstHashAtLeast: hash) == position)
            #expect(segment.mapPosition(firstHashAtLeast: hash - 1) == position)
            #expect(segment.mapPosition(firstHashAtLeast: hash + 1) == position + 1)
        }
        #expect(segment.mapPosition(firstHashAtLeast: 0) == 0)
        #expect(segment.mapPosition(firstHashAtLeast: .max) == rowCount)
        #expect(try segment.ordinal(of: .integer(1)) == nil)
        #expect(try segment.ordinal(of: .string("0")) == nil)
    }

    @Test func `a segment of a segment is the same rows`() throws {
        let fixture = try SegmentFixture(rowCount: 200, dimension: 8, partitions: nil)
        defer { fixture.remove() }
        let first = try fixture.open(try fixture.write())
        var plan = fixture.plan
        plan.rows = (0..<200).reversed().map { .init(source: 0, ordinal: UInt32($0)) }
        var identity = fixture.identity
        identity.segmentID = 43
        let description = try SegmentWriter.write(
            plan: plan,
            sources: [first],
            configuration: fixture.configuration,
            identity: identity,
            fileSystem: PosixFileSystem(),
            directory: fixture.directory
        )
        let second = try Segment.open(
            directory: fixture.directory,
            description: description,
            identity: identity,
            configuration: fixture.configuration,
            fileSystem: PosixFileSystem()
        )
        for ordinal in 0..<200 {
            #expect(try second.id(at: ordinal) == first.id(at: 199 - ordinal))
            #expect(try second.payload(at: ordinal) == first.payload(at: 199 - ordinal))
            #expect(second.lsn(at: ordinal) == first.lsn(at: 199 - ordinal))
        }
    }

    @Test func `a cancelled write leaves nothing behind`() throws {
        let fixture = try SegmentFixture(rowCount: 10, dimension: 8, partitions: nil)
        defer { fixture.remove() }
        var calls = 0
        #expect(throws: SegmentWriteError.self) {
            try SegmentWriter.write(
                plan: fixture.plan,
                sources: [fixture.source],
                configuration: fixture.configuration,
                identity: fixture.identity,
                fileSystem: PosixFileSystem(),
                directory: fixture.directory
            ) { _ in
                calls += 1
                return calls < 3
            }
        }
        #expect(try PosixFileSystem().list(fixture.directory).isEmpty)
    }
}

@Suite struct `Segment dump` {
    @Test func `a dump names every section and no id`() throws {
        let fixture = try SegmentFixture(rowCount: 40, dimension: 5, partitions: 3, nlist: 2)
        defer { fixture.remove() }
        let segment = try fixture.open(try fixture.write())
        var text = ""
        segment.dump(into: &text)
        for section in segment.file.sections {
            #expect(text.contains("\(section.kind.rawValue)  \(section.kind)  \(section.offset)  "))
        }
        #expect(!text.contains("BAD"))
        #expect(text.contains("rows              40"))
        #expect(!text.contains("id-2"))
    }
}
