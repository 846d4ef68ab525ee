import Foundation
import StorageIO
import Testing
import VectorMath

@testable import VectorStore

/// A directory of its own for one test, removed afterwards.
final class ScratchDirectory {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "vs-" + UUID().uuidString
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }
}

/// Seeded random records.
struct RecordMaker {
    var random: SeededRandom
    let dimension: Int

    init(seed: UInt64, dimension: Int) {
        random = SeededRandom(seed: seed)
        self.dimension = dimension
    }

    mutating func vector() -> [Float] {
        (0..<dimension).map { _ in Float.random(in: -1...1, using: &random) }
    }

    mutating func record(_ id: RecordID, partition: String? = nil) -> Record {
        Record(
            id: id,
            vector: vector(),
            partition: partition,
            attributes: [
                "group": .int64(Int64.random(in: 0..<10, using: &random)),
                "name": .string("n\(Int.random(in: 0..<5, using: &random))"),
            ],
            payload: "{\"id\":\"\(id)\"}"
        )
    }
}

/// What a store should hold: the newest record of each id.
struct Oracle {
    var records: [RecordID: Record] = [:]

    func nearest(
        to query: [Float],
        k: Int,
        where matches: (Record) -> Bool = { _ in true }
    ) -> [(id: RecordID, distance: Double)] {
        var found: [(id: RecordID, distance: Double)] = []
        for record in records.values where matches(record) {
            found.append((record.id, Self.distance(query, record.vector)))
        }
        found.sort { left, right in
            left.distance != right.distance ? left.distance < right.distance : left.id < right.id
        }
        return Array(found.prefix(k))
    }

    static func distance(_ a: [Float], _ b: [Float]) -> Double {
        var (dot, left, right) = (0.0, 0.0, 0.0)
        for (x, y) in zip(a, b) {
            dot += Double(x) * Double(y)
            left += Double(x) * Double(x)
            right += Double(y) * Double(y)
        }
        return 1 - dot / (left.squareRoot() * right.squareRoot())
    }
}

/// Checks an answer against the oracle: same ids where distances differ by more than rounding.
func expectSame(
    _ matches: [Match],
    _ expected: [(id: RecordID, distance: Double)],
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(matches.count == expected.count, sourceLocation: sourceLocation)
    for (match, truth) in zip(matches, expected) {
        #expect(
            abs(Double(match.distance) - truth.distance) < 1e-5,
            "\(match.id) \(match.distance) against \(truth.id) \(truth.distance)",
            sourceLocation: sourceLocation
        )
    }
    let ids = Set(matches.map(\.id))
    for truth in expected where truth.distance < (expected.last?.distance ?? 0) - 1e-5 {
        #expect(ids.contains(truth.id), sourceLocation: sourceLocation)
    }
}

@Suite struct `Store` {
    private func options() -> StoreOptions {
        var options = StoreOptions()
        options.automaticIndexing = false
        options.minimumIndexedRowCount = 500
        return options
    }

    @Test func `the README's main job works end to end`() async throws {
        let directory = ScratchDirectory()
        let store = try await VectorDatabase.open(at: directory.path)
        let chunks = try await store.createCollection(
            "chunks",
            dimension: 4,
            partitionKey: "creator_id",
            attributes: ["video_id": .string]
        )
        try await chunks.upsert([
            Record(
                id: "c1",
                vector: [0.1, 0.2, 0.3, 0.4],
                partition: "ada",
                attributes: ["video_id": "v1"],
                payload: #"{"text":"hello"}"#
            )
        ])
        let answer = try chunks.search(
            SearchQuery(
                vector: [0.1, 0.2, 0.3, 0.4],
                k: 5,
                partition: "ada",
                minimumSimilarity: 0.7
            )
        )
        #expect(answer.matches.map(\.id) == ["c1"])
        #expect(answer.matches[0].payloadText == #"{"text":"hello"}"#)
        try await chunks.rebuildIndex()
        #expect(try chunks.count() == 1)
        try await store.close()
    }

    @Test(arguments: [false, true])
    func
        `searches equal brute force through upserts, deletes, flushes, compaction, rebuild and reopening`(
            isPartitioned: Bool
        ) async throws
    {
        let seed = UInt64(isPartitioned ? 11 : 7)
        let directory = ScratchDirectory()
        var store = try await VectorDatabase.open(at: directory.path, options: options())
        var collection = try await store.createCollection(
            "c",
            dimension: 19,
            partitionKey: isPartitioned ? "tenant" : nil,
            attributes: ["group": .int64, "name": .string]
        )
        var maker = RecordMaker(seed: seed, dimension: 19)
        var oracle = Oracle()
        func partition(_ id: Int) -> String? { isPartitioned ? "t\(id % 3)" : nil }

        func check(_ step: String) throws {
            #expect(try collection.count() == oracle.records.count, "\(step)")
            for _ in 0..<5 {
                let query = maker.vector()
                let answer = try collection.search(
                    SearchQuery(vector: query, k: 10, recallTarget: 1)
                )
                expectSame(answer.matches, oracle.nearest(to: query, k: 10))
                let filtered = try collection.search(
                    SearchQuery(
                        vector: query,
                        k: 10,
                        partition: partition(1),
                        filter: .and([.equal("group", 3), .not(.equal("name", "n1"))]),
                        recallTarget: 1
                    )
                )
                expectSame(
                    filtered.matches,
                    oracle.nearest(to: query, k: 10) {
                        $0.attributes["group"] == 3 && $0.attributes["name"] != "n1"
                            && (!isPartitioned || $0.partition == "t1")
                    }
                )
                let probed = try collection.search(SearchQuery(vector: query, k: 10))
                #expect(probed.matches.count == min(10, oracle.records.count), "\(step)")
            }
        }

        for round in 0..<4 {
            var batch: [Record] = []
            for index in 0..<400 {
                let id = round * 300 + index
                let record = maker.record(.integer(UInt64(id)), partition: partition(id))
                batch.append(record)
                oracle.records[record.id] = record
            }
            try await collection.upsert(batch)
            try check("after upsert \(round)")
            let gone = (0..<50).map { RecordID.integer(UInt64(round * 300 + $0 * 2)) }
            let receipt = try await collection.delete(ids: gone)
            #expect(receipt.count == 50)
            for id in gone { oracle.records[id] = nil }
            if round != 2 { try await collection.flush() }
            try check("after flush \(round)")
        }
        try await collection.rebuildIndex()
        #expect(try collection.statistics().nlist > 0)
        try check("after rebuild")
        let doomed = oracle.records.values.filter { $0.attributes["group"] == 5 }.map(\.id)
        let receipt = try await collection.delete(where: .equal("group", 5))
        #expect(receipt.count == doomed.count)
        for id in doomed { oracle.records[id] = nil }
        try check("after delete by filter")
        try await collection.compact()
        try check("after compaction")
        #expect(try collection.statistics().deletedRowCount == 0)
        try await store.close()
        store = try await VectorDatabase.open(at: directory.path, options: options())
        collection = try store.collection("c")
        try check("after reopening")
        try await store.close()
        let report = try VectorDatabase.verify(at: directory.path)
        #expect(report.problems == [])
    }
}
