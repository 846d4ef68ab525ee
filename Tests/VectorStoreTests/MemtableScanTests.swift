import StorageIO
import Synchronization
import TestSupport
import Testing
import VectorMath

@testable import VectorStore

/// 5,000 rows that no flush has written yet, in two partitions.
private enum Rows {
    static let (dimension, count) = (64, 5_000)

    static func vector(_ row: Int) -> [Float] {
        var random = SeededRandom(seed: UInt64(row) &+ 1_000_000)
        var topic = SeededRandom(seed: UInt64(row % 40))
        return (0..<dimension).map { _ in
            Float.random(in: -1...1, using: &topic) + 0.6 * Float.random(in: -1...1, using: &random)
        }
    }

    static func record(_ row: Int) -> Record {
        Record(
            id: .integer(UInt64(row)),
            vector: vector(row),
            partition: row % 3 == 0 ? "third" : "rest",
            attributes: ["residue": .int64(Int64(row % 10))]
        )
    }

    static func open(
        _ directory: ScratchDirectory,
        count: Int = count
    ) async throws -> (VectorDatabase, VectorCollection) {
        var options = StoreOptions()
        options.automaticIndexing = false
        let store = try await VectorDatabase.open(at: directory.path, options: options)
        let collection = try await store.createCollection(
            "c",
            dimension: dimension,
            partitionKey: "owner",
            attributes: ["residue": .int64]
        )
        for start in stride(from: 0, to: count, by: 1_000) {
            try await collection.upsert((start..<min(start + 1_000, count)).map(record))
        }
        return (store, collection)
    }
}

@Suite struct `Many rows of a memtable` {
    /// The share of the true ten nearest that searches find, and their statistics.
    private func ask(
        _ collection: VectorCollection,
        partition: String? = nil,
        filter: Filter? = nil,
        queries: Int = 60
    ) throws -> (recall: Double, statistics: [SearchStatistics], found: [Match]) {
        var (hits, statistics, found) = (0, [SearchStatistics](), [Match]())
        for number in 0..<queries {
            var query = SearchQuery(
                vector: Rows.vector(700_000 + number),
                k: 10,
                partition: partition,
                filter: filter
            )
            let result = try collection.search(query)
            query.recallTarget = 1
            let truth = try collection.search(query)
            #expect(truth.statistics.exactness == .exact)
            #expect(truth.statistics.byteRowsScanned == 0)
            #expect(result.matches.count == 10 && truth.matches.count == 10)
            let ids = Set(truth.matches.map(\.id))
            hits += result.matches.count { ids.contains($0.id) }
            // What both found is as similar in both: the float32 vectors decide.
            for match in result.matches {
                if let same = truth.matches.first(where: { $0.id == match.id }) {
                    #expect(match.distance == same.distance)
                }
            }
            statistics.append(result.statistics)
            found += result.matches
        }
        return (Double(hits) / Double(queries * 10), statistics, found)
    }

    @Test func `are looked at by their bytes, and hardly any is compared`() async throws {
        let directory = ScratchDirectory()
        let (store, collection) = try await Rows.open(directory)
        let (recall, statistics, _) = try ask(collection)
        #expect(recall >= 0.998)
        for one in statistics {
            #expect(one.byteRowsScanned == Rows.count)
            #expect(one.rowsScanned < 300)
            #expect(one.mode == .probed && one.exactness == .estimated)
            #expect(one.estimatedRecall < 1)
        }
        try await store.close()
    }

    @Test func `count only where partition, filter and tombstones let them`() async throws {
        let directory = ScratchDirectory()
        let (store, collection) = try await Rows.open(directory)
        // Every other row is deleted, and some are written anew.
        try await collection.delete(
            ids: stride(from: 0, to: 2_000, by: 2).map { .integer(UInt64($0)) }
        )
        try await collection.upsert((3_000..<3_500).map(Rows.record))
        let alone = try ask(collection, partition: "third")
        #expect(alone.recall >= 0.998)
        #expect(alone.found.allSatisfy { $0.partition == "third" })
        // Only the partition's rows are looked at, hidden ones included.
        #expect(alone.statistics.allSatisfy { (1_600...1_900).contains($0.byteRowsScanned) })
        let filtered = try ask(collection, filter: .equal("residue", .int64(4)))
        #expect(filtered.recall >= 0.998)
        let ids = (alone.found + filtered.found).map(\.id)
        let deleted = stride(from: 0, to: 2_000, by: 2).map { RecordID.integer(UInt64($0)) }
        #expect(Set(ids).isDisjoint(with: deleted))
        let both = try ask(collection, partition: "rest", filter: .equal("residue", .int64(7)))
        #expect(both.recall >= 0.998)
        try await store.close()
    }

    @Test func `fewer than a chunk are all compared`() async throws {
        let directory = ScratchDirectory()
        let (store, collection) = try await Rows.open(directory, count: 1_000)
        let (recall, statistics, _) = try ask(collection, queries: 5)
        #expect(recall == 1)
        #expect(statistics.allSatisfy { $0.exactness == .exact && $0.rowsScanned == 1_000 })
        try await store.close()
    }

    @Test func `are found beside those of a segment, while more are written`() async throws {
        let directory = ScratchDirectory()
        let (store, collection) = try await Rows.open(directory)
        try await collection.flush()
        let isWritten = Mutex(false)
        let writer = Task {
            defer { isWritten.withLock { $0 = true } }
            for start in stride(from: 10_000, to: 16_000, by: 500) {
                try await collection.upsert((start..<start + 500).map(Rows.record))
            }
        }
        var count = 0
        while count < 200 || !isWritten.withLock({ $0 }) {
            let number = count % 200
            count += 1
            let wanted = Rows.vector(number * 7)
            let result = try collection.search(SearchQuery(vector: wanted, k: 3))
            #expect(result.matches.first?.id == .integer(UInt64(number * 7)))
        }
        try await writer.value
        for row in [10_000, 12_345, 15_999] {
            let result = try collection.search(SearchQuery(vector: Rows.vector(row), k: 1))
            #expect(result.matches.first?.id == .integer(UInt64(row)))
            #expect(result.statistics.byteRowsScanned >= 6_000)
        }
        try await store.close()
    }
}
