import Foundation
import StorageIO
import TestSupport
import Testing
import VectorMath

@testable import VectorStore

@Suite struct `Unreadable pages` {
    /// A store on the real disk with one segment of many pages.
    private struct Fixture {
        static let dimension = 48
        let scratch = Scratch()
        var vectors: [[Float]] = []
        let segment: String
        let bytes: Data

        init(rows: Int = 3_000) async throws {
            let store = try await VectorDatabase.open(at: scratch.path)
            let collection = try await store.createCollection(
                "c",
                dimension: Self.dimension
            )
            var random = SeededRandom(seed: 9)
            for _ in 0..<rows {
                vectors.append(
                    (0..<Self.dimension).map { _ in Float.random(in: -1...1, using: &random) }
                )
            }
            try await collection.upsert(
                vectors.enumerated().map {
                    Record(id: .integer(UInt64($0)), vector: $1, payload: "row \($0)")
                }
            )
            try await store.close()
            let directory = scratch.path + "/seg"
            let name = try FileManager.default.contentsOfDirectory(atPath: directory)[0]
            segment = directory + "/" + name
            bytes = try Data(contentsOf: URL(fileURLWithPath: segment))
        }

        func cut(to byteCount: Int) { _ = truncate(segment, off_t(byteCount)) }

        /// Puts the bytes back into the same file.
        func mend() throws {
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: segment))
            try file.write(contentsOf: bytes)
            try file.close()
        }

        func open(_ access: SegmentAccess) async throws -> VectorDatabase {
            var options = StoreOptions()
            options.segmentAccess = access
            return try await VectorDatabase.open(at: scratch.path, options: options)
        }
    }

    private func query(_ fixture: Fixture, row: Int) -> SearchQuery {
        SearchQuery(vector: fixture.vectors[row], k: 5, recallTarget: 1)
    }

    @Test func `a lost page ends the search, the process lives`() async throws {
        let fixture = try await Fixture()
        let store = try await fixture.open(.mapped)
        let collection = try store.collection("c")
        let other = try await store.createCollection("other", dimension: 2)
        try await other.upsert([Record(id: "x", vector: [1, 1])])
        #expect(try collection.search(query(fixture, row: 7)).matches.first?.id == .integer(7))
        fixture.cut(to: 8_192)
        let search = #expect(throws: VectorStoreError.self) {
            try collection.search(query(fixture, row: 7))
        }
        #expect(search?.code == .inputOutput)
        let get = #expect(throws: VectorStoreError.self) { try collection.get([.integer(2_999)]) }
        #expect(get?.code == .inputOutput)
        // No change rests on zeros in the place of ids.
        let log = try store.statistics().lsn
        let delete = await #expect(throws: VectorStoreError.self) {
            try await collection.delete(ids: [.integer(1)])
        }
        #expect(delete?.code == .inputOutput)
        let compaction = await #expect(throws: VectorStoreError.self) {
            try await collection.rebuildIndex()
        }
        #expect(compaction?.code == .inputOutput)
        #expect(try store.statistics().lsn == log)
        #expect(try other.search(SearchQuery(vector: [1, 1], k: 1)).matches.count == 1)
        try await other.upsert([Record(id: "y", vector: [1, 0])])
        try await store.close()
        // Whole again, it answers again.
        try fixture.mend()
        let mended = try await fixture.open(.mapped)
        let found = try mended.collection("c").search(query(fixture, row: 7))
        #expect(found.matches.first?.id == .integer(7))
        #expect(try mended.collection("other").count() == 2)
        try await mended.close()
    }

    /// A store with lists, codes, columns and payloads, cut at one page after the other under its users.
    @Test(.timeLimit(.minutes(5)))
    func `whichever pages are lost, nobody dies and nothing wrong is said`() async throws {
        let scratch = Scratch()
        var options = StoreOptions()
        options.minimumIndexedRowCount = 300
        options.ballastByteCount = 0
        let made = try await VectorDatabase.open(at: scratch.path, options: options)
        let collection = try await made.createCollection(
            "c",
            dimension: 24,
            partitionKey: "tenant",
            attributes: ["group": .int64, "name": .string]
        )
        var random = SeededRandom(seed: 21)
        let records = (0..<1_500).map { id in
            Record(
                id: id.isMultiple(of: 2) ? .integer(UInt64(id)) : .string("id \(id)"),
                vector: (0..<24).map { _ in Float.random(in: -1...1, using: &random) },
                partition: "t\(id % 3)",
                attributes: ["group": .int64(Int64(id % 7)), "name": .string("name \(id % 50)")],
                payload: "payload \(id)"
            )
        }
        try await collection.upsert(records)
        try await collection.rebuildIndex()
        let expected = try Self.use(collection, records)
        try await made.close()
        let directory = scratch.path + "/seg"
        let name = try FileManager.default.contentsOfDirectory(atPath: directory)[0]
        let path = directory + "/" + name
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        var (refused, answered) = (0, 0)
        for cut in stride(from: 0, to: bytes.count - 8_192, by: 4_096) {
            let store = try await VectorDatabase.open(at: scratch.path, options: options)
            let open = try store.collection("c")
            _ = truncate(path, off_t(cut))
            for (index, use) in Self.uses(open, records).enumerated() {
                do {
                    let found = try use()
                    #expect(found == expected[index], "cut to \(cut), use \(index)")
                    answered += 1
                } catch let error as VectorStoreError {
                    #expect(error.code == .inputOutput, "cut to \(cut), use \(index): \(error)")
                    refused += 1
                }
            }
            await #expect(throws: VectorStoreError.self) { try await open.rebuildIndex() }
            try? await store.close()
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try file.write(contentsOf: bytes)
            try file.close()
        }
        print(
            "lost pages: \(bytes.count / 4_096) cuts, \(refused) uses refused, \(answered) answered"
        )
        #expect(refused > 0)
    }

    /// Ways to read a collection; each tells what it found.
    private static func uses(
        _ collection: VectorCollection,
        _ records: [Record]
    ) -> [() throws -> [String]] {
        func search(_ change: @escaping (inout SearchQuery) -> Void) -> () throws -> [String] {
            {
                var query = SearchQuery(vector: records[11].vector, k: 9)
                query.include = [.attributes, .payload]
                change(&query)
                return try collection.search(query).matches.map {
                    "\($0.id) \($0.payloadText ?? "")"
                }
            }
        }
        return [
            search { $0.recallTarget = 0.9 },
            search { $0.recallTarget = 1 },
            search { $0.partitions = ["t1"] },
            search { $0.filter = .equal("name", .string("name 7")) },
            search { $0.filter = .greater("group", .int64(4)) },
            {
                try collection.get([.integer(40), .string("id 41")]).map {
                    "\(String(describing: $0))"
                }
            },
            { try collection.scan(partition: "t2", limit: 900).records.map { "\($0.id)" } },
            { ["\(try collection.count(filter: .equal("group", .int64(3))))"] },
        ]
    }

    private static func use(
        _ collection: VectorCollection,
        _ records: [Record]
    ) throws -> [[String]] {
        try uses(collection, records).map { try $0() }
    }

    @Test func `a hole in the place of a page makes opening fail`()
        async throws
    {
        let fixture = try await Fixture()
        // Long enough by its length, and a hole in the place of the middle: damage, not a signal.
        fixture.cut(to: 8_192)
        fixture.cut(to: fixture.bytes.count)
        let error = await #expect(throws: VectorStoreError.self) { try await fixture.open(.mapped) }
        #expect(error?.code == .corrupt)
    }

    @Test func `files that are read answer as files that are mapped`() async throws {
        let fixture = try await Fixture()
        let mapped = try await fixture.open(.mapped)
        var expected: [[Match]] = []
        for row in 0..<20 {
            var query = query(fixture, row: row * 100)
            query.include = [.payload, .vector]
            expected.append(try mapped.collection("c").search(query).matches)
        }
        let scanned = try mapped.collection("c").scan(limit: 3_000).records
        try await mapped.close()
        let read = try await fixture.open(.read)
        let collection = try read.collection("c")
        for row in 0..<20 {
            var query = query(fixture, row: row * 100)
            query.include = [.payload, .vector]
            let found = try collection.search(query).matches
            #expect(found.map(\.id) == expected[row].map(\.id))
            #expect(found.map(\.distance) == expected[row].map(\.distance))
            #expect(found.map(\.payload) == expected[row].map(\.payload))
            #expect(found.map(\.vector) == expected[row].map(\.vector))
        }
        #expect(try collection.scan(limit: 3_000).records == scanned)
        try await collection.rebuildIndex()
        #expect(try collection.search(query(fixture, row: 7)).matches.first?.id == .integer(7))
        try await read.close()
    }

    @Test func `a failed read ends one search`() async throws {
        let fixture = try await Fixture()
        let disk = FaultInjectingFileSystem(PosixFileSystem())
        var options = StoreOptions()
        options.segmentAccess = .read
        let store = try VectorDatabase.open(
            at: fixture.scratch.path,
            options: options,
            fileSystem: disk
        )
        let collection = try store.collection("c")
        disk.arm(FaultPlan(.inputOutput, number: 1, isSticky: true))
        let error = #expect(throws: VectorStoreError.self) {
            try collection.search(query(fixture, row: 7))
        }
        #expect(error?.code == .inputOutput)
        // Unlike a lost page of a mapping, a read is tried again.
        disk.arm(nil)
        #expect(try collection.search(query(fixture, row: 7)).matches.first?.id == .integer(7))
        try await store.close()
    }

    @Test func `a scrub finds what no search has touched`() async throws {
        let fixture = try await Fixture()
        let store = try await fixture.open(.mapped)
        let clean = try await store.scrub()
        #expect(clean.problems == [] && clean.passCount == 1)
        #expect(clean.byteCount >= UInt64(fixture.bytes.count) * 9 / 10)
        var damaged = fixture.bytes
        let middle = damaged.count / 2
        damaged[middle] ^= 4
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: fixture.segment))
        try file.write(contentsOf: damaged)
        try file.close()
        let found = try await store.scrub()
        #expect(found.problems.count == 1, "\(found.problems)")
        #expect(try store.statistics().scrub.problems == found.problems)
        try await store.close()
    }

    @Test func `a scrub keeps to its rate`() async throws {
        let fixture = try await Fixture()
        let store = try await fixture.open(.mapped)
        let start = ContinuousClock.now
        let status = try await store.scrub(bytesPerSecond: fixture.bytes.count * 2)
        let elapsed = ContinuousClock.now - start
        #expect(elapsed > .milliseconds(350), "\(status.byteCount) bytes in \(elapsed)")
        try await store.close()
    }
}
