import Dispatch
import Synchronization
import TestSupport
import Testing

@testable import VectorStore

/// Hands out batches one after the other.
private final class Batches: Sendable {
    private let rest: Mutex<[[Record]]>
    private let beforeEach: @Sendable (Int) -> Void
    private let taken = Mutex(0)

    init(_ batches: [[Record]], beforeEach: @escaping @Sendable (Int) -> Void = { _ in }) {
        rest = Mutex(batches)
        self.beforeEach = beforeEach
    }

    func next() -> [Record] {
        let number = taken.withLock { taken in
            taken += 1
            return taken
        }
        beforeEach(number)
        return rest.withLock { $0.isEmpty ? [] : $0.removeFirst() }
    }
}

@Suite struct `Bulk import` {
    private let dimension = 24

    private func options() -> StoreOptions {
        var options = StoreOptions()
        options.automaticIndexing = false
        options.automaticCompaction = false
        options.minimumIndexedRowCount = 500
        return options
    }

    private func records(_ ids: Range<UInt64>, seed: UInt64) -> [Record] {
        var maker = RecordMaker(seed: seed, dimension: dimension)
        return ids.map { maker.record(.integer($0)) }
    }

    private func batches(_ records: [Record], of size: Int = 700) -> [[Record]] {
        stride(from: 0, to: records.count, by: size).map {
            Array(records[$0..<min(records.count, $0 + size)])
        }
    }

    private func collection(_ store: VectorDatabase) async throws -> VectorCollection {
        try await store.createCollection(
            "c",
            dimension: dimension,
            attributes: ["group": .int64, "name": .string]
        )
    }

    private func expect(_ collection: VectorCollection, holds oracle: Oracle) throws {
        #expect(try collection.count() == oracle.records.count)
        var maker = RecordMaker(seed: 99, dimension: dimension)
        for _ in 0..<5 {
            let query = maker.vector()
            var search = SearchQuery(vector: query, k: 10)
            search.recallTarget = 1
            let answer = try collection.search(search)
            expectSame(answer.matches, oracle.nearest(to: query, k: 10))
        }
        for (id, record) in oracle.records.prefix(200) {
            let found = try #require(try collection.get([id]).first ?? nil)
            #expect(found.payload == record.payload)
            #expect(found.attributes == record.attributes)
        }
    }

    @Test func `imported records are found, survive power loss, and can be indexed`() async throws {
        let disk = SimulatedFileSystem()
        let store = try VectorDatabase.open(at: "/data", options: options(), fileSystem: disk)
        let collection = try await collection(store)
        let all = records(0..<3_000, seed: 1)
        let source = Batches(batches(all))
        let report = try await collection.importRecords { source.next() }
        #expect(report.recordCount == 3_000 && report.replacedCount == 0)
        let oracle = Oracle(records: Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0) }))
        try expect(collection, holds: oracle)

        // Nothing of it is in the log, and nothing of it is lost.
        let after = disk.image(.none, seed: 0)
        let again = try VectorDatabase.open(at: "/data", options: options(), fileSystem: after)
        #expect(try again.statistics().recovery.replayedOperationCount == 0)
        let reopened = try again.collection("c")
        try expect(reopened, holds: oracle)
        try await reopened.rebuildIndex()
        try expect(reopened, holds: oracle)
        try await again.close()
        try await store.close()
    }

    @Test func `an import replaces older records, also after a replay of the log`() async throws {
        let disk = SimulatedFileSystem()
        let store = try VectorDatabase.open(at: "/data", options: options(), fileSystem: disk)
        let collection = try await collection(store)
        let other = try await store.createCollection("other", dimension: 2)
        let flushed = records(0..<600, seed: 2)
        try await collection.upsert(flushed)
        try await collection.flush()
        let logged = records(500..<900, seed: 3)
        try await collection.upsert(logged)
        try await collection.delete(ids: [5, 550])
        try await other.upsert([Record(id: 1, vector: [1, 0])])

        let imported = records(400..<1_000, seed: 4)
        let during = records(450..<451, seed: 5)
        let source = Batches(batches(imported, of: 200)) { number in
            // A write of one of the ids while the import runs: the import ends later.
            guard number == 2 else { return }
            let done = DispatchSemaphore(value: 0)
            Task {
                try await collection.upsert(during)
                done.signal()
            }
            done.wait()
        }
        let report = try await collection.importRecords { source.next() }
        #expect(report.recordCount == 600)
        var oracle = Oracle()
        for record in flushed + logged { oracle.records[record.id] = record }
        for id: RecordID in [5, 550] { oracle.records[id] = nil }
        let before = imported.filter { oracle.records[$0.id] != nil }.count
        #expect(report.replacedCount == before)
        for record in imported { oracle.records[record.id] = record }
        try expect(collection, holds: oracle)

        try await collection.upsert(records(999..<1_001, seed: 6))
        for record in records(999..<1_001, seed: 6) { oracle.records[record.id] = record }
        let after = disk.image(.none, seed: 0)
        let again = try VectorDatabase.open(at: "/data", options: options(), fileSystem: after)
        try expect(try again.collection("c"), holds: oracle)
        #expect(try again.collection("other").count() == 1)
        try await again.close()
        try await store.close()
    }

    @Test(arguments: ["dimension", "duplicate", "cancel", "source"])
    func `an import that fails changes nothing and leaves no file`(failure: String) async throws {
        struct SourceFailure: Error {}
        let disk = SimulatedFileSystem()
        var limited = options()
        // Eight megabytes a chunk: a part is written before the failure.
        limited.memoryLimitBytes = 64 << 20
        let store = try VectorDatabase.open(at: "/data", options: limited, fileSystem: disk)
        let collection = try await collection(store)
        let kept = records(0..<10, seed: 7)
        try await collection.upsert(kept)
        var rows = records(0..<40_000, seed: 8)
        if failure == "dimension" { rows[39_000].vector.removeLast() }
        if failure == "duplicate" { rows[39_000].id = 17 }
        let source = Batches(batches(rows, of: 5_000))
        let isFailing = failure == "source"
        do {
            try await collection.importRecords {
                let next = source.next()
                if isFailing, next.isEmpty { throw SourceFailure() }
                return next
            } progress: {
                failure != "cancel" || $0.recordCount < 30_000
            }
            Issue.record("the import succeeded")
        } catch let error as VectorStoreError {
            switch failure {
            case "dimension": #expect(error.code == .dimensionMismatch && error.row == 39_000)
            case "duplicate": #expect(error.code == .duplicateID && error.row == 39_000)
            default: #expect(error.code == .cancelled)
            }
        } catch is SourceFailure {
            #expect(failure == "source")
        }
        let oracle = Oracle(records: Dictionary(uniqueKeysWithValues: kept.map { ($0.id, $0) }))
        try expect(collection, holds: oracle)
        #expect(disk.filePaths.filter { $0.hasPrefix("/data/seg/") }.isEmpty)
        try await store.close()
    }

    @Test func `a power cut at any moment leaves all of the import or nothing`() async throws {
        let rows = records(0..<300, seed: 9)
        var cuts = 0
        for limit in 0..<200 {
            let disk = SimulatedFileSystem()
            let store = try VectorDatabase.open(at: "/data", options: options(), fileSystem: disk)
            let collection = try await collection(store)
            try await collection.upsert(records(0..<20, seed: 10))
            disk.armCrash(atOperation: disk.operationCount + limit + 1)
            let source = Batches(batches(rows, of: 100))
            let report = try? await collection.importRecords { source.next() }
            let after = disk.image(CrashProfile.allCases[limit % 3], seed: UInt64(limit))
            let again = try VectorDatabase.open(at: "/data", options: options(), fileSystem: after)
            let count = try again.collection("c").count()
            #expect(count == 20 || count == 300, "after \(limit) operations")
            if report != nil { #expect(count == 300, "after \(limit) operations") }
            try await again.close()
            try? await store.close()
            if report != nil { break }
            cuts += 1
        }
        #expect(cuts > 10 && cuts < 200)
    }
}
