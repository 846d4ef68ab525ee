import StorageIO
import Synchronization
import TestSupport
import Testing
import VectorMath

@testable import VectorStore

/// Pairs of ways to the same answer: no oracle is needed to see that they differ.
@Suite struct `Answers do not depend on the way` {
    private static let dimension = 6

    private struct Fixture: Sendable {
        let disk = SimulatedFileSystem()
        let records: [Record]
        let queries: [[Float]]

        init(seed: UInt64) {
            var maker = Scenario.Maker(seed: seed)
            records = (0..<90).map { maker.record($0) }
            queries = (0..<8).map { _ in maker.vector() }
        }

        func open(
            _ disk: SimulatedFileSystem,
            _ access: SegmentAccess = .mapped
        ) throws
            -> VectorDatabase
        {
            var options = FaultRun.options
            options.segmentAccess = access
            return try VectorDatabase.open(at: "/data", options: options, fileSystem: disk)
        }

        func fill(
            _ disk: SimulatedFileSystem,
            _ batches: [[Record]]
        ) async throws -> (VectorDatabase, VectorCollection) {
            let store = try open(disk)
            let collection = try await store.createCollection(
                "c",
                dimension: Scenario.dimension,
                partitionKey: "tenant",
                attributes: ["group": .int64]
            )
            for batch in batches { try await collection.upsert(batch) }
            return (store, collection)
        }

        /// Ids and distances of exact searches, whole, by partition and under filters.
        func answers(_ collection: VectorCollection, scale: Float = 1) throws -> [[String]] {
            var answers: [[String]] = []
            for vector in queries {
                let scaled = vector.map { $0 * scale }
                for partition in [nil, "t1"] {
                    for filter in [nil, Filter.equal("group", .int64(2))] {
                        var query = SearchQuery(vector: scaled, k: 12, recallTarget: 1)
                        query.partitions = partition.map { [$0] }
                        query.filter = filter
                        let found = try collection.search(query)
                        answers.append(
                            found.matches.map { "\($0.id) \(($0.distance * 1e4).rounded())" }
                        )
                    }
                }
            }
            return answers
        }
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func `maintenance, restarts, copies and access change no answer`(
        _ seed: UInt64
    ) async throws {
        let fixture = Fixture(seed: seed)
        var (store, collection) = try await fixture.fill(fixture.disk, [fixture.records])
        try await collection.delete(ids: (20..<31).map { .integer(UInt64($0)) })
        let expected = try fixture.answers(collection)
        try await collection.flush()
        #expect(try fixture.answers(collection) == expected, "after a flush")
        try await collection.rebuildIndex()
        #expect(try fixture.answers(collection) == expected, "after a rebuild")
        try await collection.upsert(Array(fixture.records[40..<50]))
        #expect(try fixture.answers(collection) == expected, "after the same records again")
        try await collection.compact()
        #expect(try fixture.answers(collection) == expected, "after a compaction")
        try await store.close()
        for access in [SegmentAccess.mapped, .read] {
            store = try fixture.open(fixture.disk, access)
            collection = try store.collection("c")
            #expect(try fixture.answers(collection) == expected, "after a restart, \(access)")
            try await store.snapshot(to: "/copy-\(access)")
            try await store.close()
            let copy = try VectorDatabase.open(
                at: "/copy-\(access)",
                options: FaultRun.options,
                fileSystem: fixture.disk
            )
            #expect(try fixture.answers(copy.collection("c")) == expected, "in a copy")
            try await copy.close()
        }
    }

    @Test func `the order and the size of batches change no answer`() async throws {
        let fixture = Fixture(seed: 7)
        let (store, collection) = try await fixture.fill(fixture.disk, [fixture.records])
        let expected = try fixture.answers(collection)
        try await store.close()
        var random = SeededRandom(seed: 8)
        let shuffled = fixture.records.shuffled(using: &random)
        for batches in [fixture.records.map { [$0] }, [shuffled]] {
            let disk = SimulatedFileSystem()
            let (other, found) = try await fixture.fill(disk, batches)
            #expect(try fixture.answers(found) == expected)
            try await found.flush()
            #expect(try fixture.answers(found) == expected)
            try await other.close()
        }
    }

    @Test func `a scaled query, a shorter list and a further condition fit together`() async throws
    {
        let fixture = Fixture(seed: 9)
        let (store, collection) = try await fixture.fill(fixture.disk, [fixture.records])
        try await collection.rebuildIndex()
        let expected = try fixture.answers(collection)
        #expect(try fixture.answers(collection, scale: 64) == expected)
        for vector in fixture.queries {
            func ids(_ k: Int, _ filter: Filter?) throws -> [RecordID] {
                var query = SearchQuery(vector: vector, k: k, recallTarget: 1)
                query.filter = filter
                return try collection.search(query).matches.map(\.id)
            }
            #expect(try ids(10, nil) == Array(try ids(20, nil).prefix(10)))
            let one = Filter.equal("group", .int64(1))
            let broad = Set(try ids(90, one))
            let narrow = try ids(90, .and([one, .isIn("group", [.int64(1), .int64(2)])]))
            #expect(Set(narrow) == broad)
            let none = try ids(90, .and([one, .equal("group", .int64(2))]))
            #expect(none == [])
            let rest = try ids(90, .not(one))
            #expect(Set(rest).isDisjoint(with: broad) && rest.count + broad.count == 90)
        }
        try await store.close()
    }

    private final class Flag: Sendable {
        let isSet = Atomic(false)
        var value: Bool { isSet.load(ordering: .relaxed) }
    }

    private final class Count: Sendable {
        private let number = Atomic(0)
        var value: Int { number.load(ordering: .relaxed) }
        func increase() { number.add(1, ordering: .relaxed) }
    }

    /// A batch of all records carries one number; a reader that meets two has seen half a batch.
    @Test(.timeLimit(.minutes(2)))
    func `a search sees one moment, whatever goes on`() async throws {
        let fixture = Fixture(seed: 10)
        let (store, collection) = try await fixture.fill(fixture.disk, [])
        let records = fixture.records
        let queries = fixture.queries
        func batch(_ number: Int) -> [Record] {
            records[..<24].map { record in
                var record = record
                record.attributes["group"] = .int64(Int64(number))
                return record
            }
        }
        try await collection.upsert(batch(0))
        let isDone = Flag()
        let maintenance = Task {
            while !isDone.value {
                try await collection.flush()
                try await collection.compact()
                try await collection.rebuildIndex()
            }
        }
        let searches = Count()
        let readers = (0..<2).map { reader in
            Task {
                var last: Int64 = 0
                while !isDone.value {
                    var query = SearchQuery(
                        vector: queries[reader],
                        k: 24,
                        recallTarget: 1
                    )
                    query.include = [.attributes]
                    let matches = try collection.search(query).matches
                    let numbers = Set(matches.map { $0.attributes["group"] })
                    guard matches.count == 24, numbers.count == 1,
                        case .int64(let number)?? = numbers.first
                    else {
                        throw StoreContents.Violation(
                            description: "\(matches.count) matches of moments \(numbers)"
                        )
                    }
                    try StoreContents.require(number >= last, "\(number) after \(last)")
                    last = number
                    searches.increase()
                    await Task.yield()
                }
            }
        }
        // A busy machine makes few searches in the time of 300 writes.
        var number = 0
        while number < 300 || (number < 30_000 && searches.value <= 100) {
            number += 1
            try await collection.upsert(batch(number))
        }
        isDone.isSet.store(true, ordering: .relaxed)
        for reader in readers { try await reader.value }
        try await maintenance.value
        #expect(searches.value > 100, "\(searches.value) searches")
        try await store.close()
    }
}
