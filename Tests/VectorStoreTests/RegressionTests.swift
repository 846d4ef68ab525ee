import Foundation
import Testing
import VectorMath

@testable import VectorStore

/// Defects that were there once.
@Suite struct `What went wrong once` {
    private func configuration(_ name: String = "c") -> CollectionConfiguration {
        CollectionConfiguration(
            name: name,
            dimension: 16,
            attributes: [
                AttributeDeclaration("group", .int64), AttributeDeclaration("name", .string),
            ]
        )
    }

    @Test func `two patches of a batch may not take the same new id`() async throws {
        let scratch = ScratchDirectory()
        let store = try await VectorDatabase.open(at: scratch.path)
        let collection = try await store.createCollection(configuration())
        var maker = RecordMaker(seed: 1, dimension: 16)
        try await collection.upsert([maker.record("a"), maker.record("b")])
        let error = await #expect(throws: VectorStoreError.self) {
            try await collection.update([
                RecordPatch(id: "a", newID: "x"), RecordPatch(id: "b", newID: "x"),
            ])
        }
        #expect(error?.code == .duplicateID)
        #expect(error?.row == 1)
        #expect(try collection.count() == 2)
        // A patch that names its own id as the new one changes nothing.
        try await collection.update([RecordPatch(id: "a", newID: "a")])
        #expect(try collection.count() == 2)
        try await store.close()
    }

    @Test(arguments: [nil, Float(-0.9)])
    func `a filter whose rows are all far from the query still finds k of them`(
        floor: Float?
    ) async throws {
        let scratch = ScratchDirectory()
        var options = StoreOptions()
        options.automaticIndexing = false
        let store = try await VectorDatabase.open(at: scratch.path, options: options)
        let collection = try await store.createCollection(configuration())
        var random = SeededRandom(seed: 7)
        // A fifth of the rows lie away from the others, and only they match.
        let records = (0..<10_000).map { number -> Record in
            let isFar = number % 5 == 0
            var vector = (0..<16).map { _ in Float.random(in: -0.3...0.3, using: &random) }
            vector[isFar ? 1 : 0] += 1
            return Record(
                id: .integer(UInt64(number)),
                vector: vector,
                attributes: ["group": .int64(isFar ? 1 : 0)]
            )
        }
        for start in stride(from: 0, to: records.count, by: 1_000) {
            try await collection.upsert(Array(records[start..<start + 1_000]))
        }
        try await collection.rebuildIndex()
        let query: [Float] = [1] + [Float](repeating: 0, count: 15)
        let answer = try collection.search(
            SearchQuery(
                vector: query,
                k: 10,
                filter: .equal("group", 1),
                minimumSimilarity: floor
            )
        )
        #expect(answer.matches.count == 10)
        try await store.close()
    }

    @Test func `a collection that is written no more does not hold the log`() async throws {
        let scratch = ScratchDirectory()
        var options = StoreOptions()
        options.logFileByteCount = 64 << 10
        options.flushThresholdBytes = 64 << 10
        options.automaticIndexing = false
        let store = try await VectorDatabase.open(at: scratch.path, options: options)
        let cold = try await store.createCollection(configuration("cold"))
        let hot = try await store.createCollection(configuration("hot"))
        var maker = RecordMaker(seed: 4, dimension: 16)
        try await cold.upsert([maker.record("only")])
        for _ in 0..<60 {
            let batch = (0..<100).map { maker.record(.integer(UInt64($0))) }
            try await hot.upsert(batch)
        }
        try await Self.expectShortLog(in: scratch.path)
        #expect(try cold.count() == 1)
        #expect(try hot.count() == 100)
        try await store.close()
    }

    @Test func `deletes alone do not make the log grow for ever`() async throws {
        let scratch = ScratchDirectory()
        var options = StoreOptions()
        options.logFileByteCount = 64 << 10
        let store = try await VectorDatabase.open(at: scratch.path, options: options)
        let collection = try await store.createCollection(configuration())
        var maker = RecordMaker(seed: 5, dimension: 16)
        try await collection.upsert((0..<100).map { maker.record(.integer(UInt64($0))) })
        try await collection.flush()
        for start in stride(from: 0, to: 40_000, by: 1_000) {
            try await collection.delete(
                ids: (start..<start + 1_000).map { .integer(UInt64($0 + 50)) }
            )
        }
        try await Self.expectShortLog(in: scratch.path)
        #expect(try collection.count() == 50)
        try await store.close()
    }

    /// Waits for the background to leave a handful of log files.
    private static func expectShortLog(in path: String) async throws {
        var count = Int.max
        for _ in 0..<100 where count > 6 {
            try await Task.sleep(for: .milliseconds(50))
            count = try FileManager.default.contentsOfDirectory(atPath: path + "/wal").count
        }
        #expect(count <= 6)
    }
}
