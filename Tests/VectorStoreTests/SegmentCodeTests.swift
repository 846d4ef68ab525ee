import StorageIO
import Testing
import VectorMath

@testable import VectorStore

/// A segment whose first partition has lists, whose second has flat codes, and all rows postings.
struct CodedSegmentFixture {
    static let nlist = 3
    let file: SegmentBytesFixture
    let generation: IndexGeneration
    let segment: Segment

    init() throws {
        var fixture = try SegmentFixture(
            rowCount: 900,
            dimension: 20,
            partitions: 2,
            nlist: Self.nlist,
            largePayloads: false
        )
        var random = SeededRandom(seed: 77)
        func table(_ partition: String?, nlist: Int) -> CentroidTable {
            var centroids: [Float] = []
            for _ in 0..<nlist {
                let raw = (0..<20).map { _ in Float.random(in: -1...1, using: &random) }
                let norm = raw.reduce(0) { $0 + $1 * $1 }.squareRoot()
                centroids += raw.map { $0 / norm }
            }
            return CentroidTable(
                partition: partition,
                nlist: nlist,
                centroids: centroids,
                trainedRowCount: 900,
                calibration: .exact(nlist: nlist)
            )
        }
        var tables = fixture.plan.partitions.map { table($0.key, nlist: Self.nlist) }
        tables.append(table(nil, nlist: Self.nlist + 3))
        generation = IndexGeneration(
            CentroidSet(generation: 5, collectionID: 3, dimension: 20, seed: 9, tables: tables)
        )
        fixture.plan.secondLists = fixture.plan.globalLists?.assignments.map {
            // Every third row has no second list.
            $0 % 3 == 0 ? $0 : ($0 + 1) % UInt32(Self.nlist + 3)
        }
        file = try SegmentBytesFixture(
            fixture,
            codes: CodeSource(generation: generation, threads: 2)
        )
        segment = try fixture.open(file.description)
    }

    func section(_ kind: SegmentSectionKind) throws -> SegmentSection {
        let index = try #require(segment.file.index(of: kind))
        return segment.file.sections[index]
    }

    /// The error of the file with `bytes` at a place of a section and valid checksums.
    func forged(
        _ kind: SegmentSectionKind,
        _ position: Int,
        _ bytes: [UInt8]
    ) throws -> CorruptionError? {
        let start = Int(try section(kind).offset) + position
        var forged = file.bytes
        forged.replaceSubrange(start..<start + bytes.count, with: bytes)
        let (resealed, description) = file.resealed(forged)
        return file.firstError(resealed, description: description)
    }
}

@Suite struct `Segment codes` {
    /// The nearest rows of a range in double precision.
    private func exact(_ segment: Segment, _ query: [Float], _ range: Range<Int>) throws -> [Int] {
        try range.map { row in
            let vector = try segment.vector(at: row)
            return (row, (0..<20).reduce(0.0) { $0 + Double(query[$1]) * Double(vector[$1]) })
        }.sorted { $0.1 > $1.1 }.prefix(10).map(\.0)
    }

    /// Runs a search that leaves out nothing.
    private func search(
        _ segment: Segment,
        _ query: [Float],
        _ body: (borrowing CodeQuery, ByteRowTable, CodeSearchOptions, CodeSearchHooks) ->
            CodeCandidates
    ) throws -> Set<Int> {
        let rows = try #require(segment.byteRows)
        return query.withUnsafeBufferPointer {
            let prepared = CodeQuery($0, rotation: rows.rotation)
            let found = body(
                prepared,
                rows.table,
                CodeSearchOptions(k: 10, deviations: 8, floor: -.infinity),
                CodeSearchHooks(accepts: nil) { row in
                    (try? segment.verifyByteRow(Int(row))) != nil
                }
            )
            return Set(found.rows.map { Int($0) })
        }
    }

    @Test func `every way to the rows finds the nearest`() throws {
        let fixture = try CodedSegmentFixture()
        defer { fixture.file.fixture.remove() }
        let (segment, generation) = (fixture.segment, fixture.generation)
        let postings = try #require(segment.postings)
        let postingCodes = try #require(segment.postingCodes)
        let (listed, flat) = (segment.partitions[0], segment.partitions[1])
        let listCodes = try #require(segment.listCodes?.lists(of: listed))
        let flatCodes = try #require(segment.flatCodes?.partition(flat))
        #expect(segment.flatCodes?.partition(listed) == nil && postings.hasDuplicates)
        let global = try #require(generation.tables[2].codes)
        let own = try #require(generation.tables[0].codes)
        for row in stride(from: 0, to: segment.rowCount, by: 60) {
            let vector = try segment.vector(at: row)
            let length = (0..<20).reduce(Float(0)) { $0 + vector[$1] * vector[$1] }.squareRoot()
            let query = (0..<20).map { vector[$0] / length }
            let whole = try search(segment, query) { prepared, rows, options, hooks in
                prepared.search(
                    postingCodes.lists(of: postings),
                    rows: rows,
                    ranking: prepared.nearest(in: global, count: 6),
                    options: options,
                    hooks: hooks
                )
            }
            #expect(try whole.isSuperset(of: exact(segment, query, 0..<segment.rowCount)))
            let within = try search(segment, query) { prepared, rows, options, hooks in
                prepared.search(
                    listCodes,
                    rows: rows,
                    ranking: prepared.nearest(in: own, count: 3),
                    options: options,
                    hooks: hooks
                )
            }
            #expect(try within.isSuperset(of: exact(segment, query, listed.ordinals)))
            #expect(within.allSatisfy { listed.ordinals.contains($0) })
            let beside = try search(segment, query) { prepared, rows, options, hooks in
                let (product, length) = prepared.dot(flatCodes.mean)
                return prepared.search(
                    flatCodes.lists,
                    rows: rows,
                    similarity: product,
                    distance: max(0, 1 - 2 * product + length * length).squareRoot(),
                    options: options,
                    hooks: hooks
                )
            }
            #expect(try beside.isSuperset(of: exact(segment, query, flat.ordinals)))
            #expect(beside.allSatisfy { flat.ordinals.contains($0) })
        }
    }

    @Test func `a damaged byte of codes, postings or byte rows is noticed at open`() throws {
        let fixture = try CodedSegmentFixture()
        defer { fixture.file.fixture.remove() }
        for kind in [
            SegmentSectionKind.byteRows, .listCodes, .postings, .postingCodes, .flatCodes,
            .calibration,
        ] {
            let section = try fixture.section(kind)
            for position in stride(from: 0, to: Int(section.byteCount), by: 211) {
                var bytes = fixture.file.bytes
                bytes[Int(section.offset) + position] ^= 1
                #expect(fixture.file.firstError(bytes) != nil, "\(kind) at \(position)")
            }
        }
    }

    @Test func `sections that contradict the segment are refused whatever their checksums`() throws
    {
        let fixture = try CodedSegmentFixture()
        defer { fixture.file.fixture.remove() }
        let starts = PostingsLayout.starts + 4 * (CodedSegmentFixture.nlist + 4)
        let errorAt = Int(try fixture.section(.byteRows).byteCount) - ByteRowLayout.errorByteCount
        let means = FlatCodeLayout.entries
        let forgeries: [(SegmentSectionKind, Int, [UInt8])] = [
            (.postings, PostingsLayout.nlist, [0, 0, 0, 0]),
            (.postings, PostingsLayout.nlist, [255, 255, 255, 127]),
            (.postings, PostingsLayout.starts, [1, 0, 0, 0]),
            (.postings, starts, [0x84, 3, 0, 0]),  // 900 of 900 rows
            (.postings, starts, [5, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0]),
            (.postingCodes, CodeLayout.width, [65]),
            (.postingCodes, CodeLayout.blockCount, [1]),
            (.listCodes, CodeLayout.blockByteCount, [0, 1]),
            (.flatCodes, FlatCodeLayout.width, [1]),
            (.flatCodes, FlatCodeLayout.partitionCount, [0]),
            (.flatCodes, FlatCodeLayout.partitionCount, [200]),
            (.flatCodes, FlatCodeLayout.blockCount, [255, 255, 255, 255, 255, 255, 255, 255]),
            (.flatCodes, means, [2, 0, 0, 0]),
            (.calibration, 0, [255, 255, 255, 127]),  // curves
            (.calibration, 4, [0, 0, 0, 0]),  // k
            (.calibration, 8, [255, 255, 255, 127]),  // points
            (.calibration, 12, [255, 255, 255, 127]),  // nprobe
            (.calibration, 16, [0, 0, 0, 0x40]),  // recall 2
            (.byteRows, ByteRowLayout.width, [128]),
            (.byteRows, errorAt, [0, 0, 0xC0, 0x7F]),
            (.byteRows, errorAt, [0, 0, 0x80, 0xBF]),
        ]
        for (kind, position, bytes) in forgeries {
            #expect(
                try fixture.forged(kind, position, bytes) != nil,
                "\(kind) at \(position): \(bytes)"
            )
        }
    }

    @Test func `segments too small for codes have none`() throws {
        let fixture = try SegmentFixture(rowCount: 255, dimension: 8, partitions: nil)
        defer { fixture.remove() }
        let description = try fixture.write(codes: CodeSource(generation: nil, threads: 1))
        let segment = try fixture.open(description)
        #expect(segment.byteRows == nil && segment.flatCodes == nil && segment.postings == nil)
    }
}
