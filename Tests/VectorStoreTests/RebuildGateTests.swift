import Foundation
import Testing
import VectorMath

@testable import VectorStore

private enum Rows {
    static let dimension = 64
    static let count = 20_000

    static func vector(_ row: Int) -> [Float] {
        var random = SeededRandom(seed: UInt64(row) &+ 1_000_000)
        var topic = SeededRandom(seed: UInt64(row % 200))
        return (0..<dimension).map { _ in
            Float.random(in: -1...1, using: &topic) + 0.45
                * Float.random(in: -1...1, using: &random)
        }
    }

    static var options: StoreOptions {
        var options = StoreOptions()
        options.automaticIndexing = false
        options.automaticCompaction = false
        options.rebuildLeewayMicroseconds = 0
        return options
    }

    static func fill(_ collection: VectorCollection, _ rows: Range<Int>) async throws {
        for start in stride(from: rows.lowerBound, to: rows.upperBound, by: 2_000) {
            try await collection.upsert(
                (start..<min(start + 2_000, rows.upperBound)).map {
                    Record(id: .integer(UInt64($0)), vector: vector($0))
                }
            )
        }
    }

    static func nearest(_ collection: VectorCollection, target: Double) throws -> [[RecordID]] {
        try (0..<40).map { row in
            let query = SearchQuery(vector: vector(500_000 + row), k: 5, recallTarget: target)
            return try collection.search(query).matches.map(\.id)
        }
    }
}

@Suite struct `A rebuild is weighed and can be taken back` {
    private func options(nlist: Int, isForced: Bool = false) -> RebuildOptions {
        var options = RebuildOptions()
        options.nlist = nlist
        options.isForced = isForced
        return options
    }

    @Test func `an index that takes much longer is given up, and leaves no file`() async throws {
        let directory = ScratchDirectory()
        let store = try await VectorDatabase.open(at: directory.path, options: Rows.options)
        let collection = try await store.createCollection(
            CollectionConfiguration(name: "c", dimension: Rows.dimension)
        )
        try await Rows.fill(collection, 0..<Rows.count)
        let first = try await collection.rebuildIndex(options(nlist: 400))
        #expect(first.comparison == nil)
        let files = try segments(of: directory)

        let error = await #expect(throws: VectorStoreError.self) {
            try await collection.rebuildIndex(options(nlist: 1))
        }
        #expect(error?.code == .rebuildRejected)
        #expect(error?.message.contains("µs") == true)
        #expect(try collection.statistics().nlist == 400)
        #expect(try segments(of: directory) == files)

        let forced = try await collection.rebuildIndex(options(nlist: 1, isForced: true))
        let comparison = try #require(forced.comparison)
        #expect(comparison.after.codes > 5 * comparison.before.codes)
        #expect(comparison.before.recall > 0.9)
        #expect(try collection.statistics().nlist == 1)

        // The other way there is nothing to object to.
        let better = try await collection.rebuildIndex(options(nlist: 400))
        let gain = try #require(better.comparison)
        #expect(gain.after.codes < gain.before.codes)
        try await store.close()
    }

    private func segments(of directory: ScratchDirectory) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.path + "/seg").sorted()
    }

    @Test func `recall that falls below target and the old index is objected to`() {
        func figures(_ recall: Double, _ microseconds: Double) -> RebuildReport.Figures {
            RebuildReport.Figures(recall: recall, p99Microseconds: microseconds, codes: 1)
        }
        let nothing = LiveSet(
            lsn: 0,
            configuration: CollectionConfiguration(name: "c", dimension: 2),
            memtables: [],
            segments: [],
            generations: [:],
            currentGeneration: 0
        )
        let gate = RebuildGate(live: nothing, inputs: [], leewayMicroseconds: 10)
        func objection(_ before: (Double, Double), _ after: (Double, Double)) -> String? {
            gate.objection(
                to: RebuildReport.Comparison(
                    before: figures(before.0, before.1),
                    after: figures(after.0, after.1)
                )
            )
        }
        let low = objection((0.99, 100), (0.92, 100))
        #expect(low == "recall@10 92.0 %, where it is 99.0 % now")
        let slow = objection((0.95, 100), (0.95, 161))
        #expect(slow == "99 of 100 searches within 161.0 µs, where it is 100.0 µs now")
        let lower = objection((0.90, 100), (0.87, 100))
        #expect(lower != nil)
        for after in [(0.94, 100.0), (0.97, 100), (0.99, 159)] {
            let reason = objection((0.99, 100), after)
            #expect(reason == nil)
        }
    }

    @Test func `a rebuild that nobody asked for and that is given up does not stop compaction`()
        async throws
    {
        let directory = ScratchDirectory()
        var options = Rows.options
        options.automaticIndexing = true
        options.automaticCompaction = true
        options.minimumIndexedRowCount = 2_000
        // No index is good enough.
        options.rebuildLeewayMicroseconds = -1e9
        let store = try await VectorDatabase.open(at: directory.path, options: options)
        let collection = try await store.createCollection(
            CollectionConfiguration(name: "c", dimension: Rows.dimension)
        )
        try await Rows.fill(collection, 0..<2_000)
        try await collection.rebuildIndex()
        let generation = try collection.statistics().indexGeneration
        for start in stride(from: 2_000, to: 10_000, by: 1_000) {
            try await Rows.fill(collection, start..<start + 1_000)
            try await collection.flush()
        }
        // Flushes that were asked for do not look further; a write that fills a memtable does.
        let end = ContinuousClock.now + .seconds(30)
        var statistics = try collection.statistics()
        while statistics.segmentCount > 5, ContinuousClock.now < end {
            collection.scheduler.scheduleCompaction(collection.state)
            try await Task.sleep(for: .milliseconds(50))
            statistics = try collection.statistics()
        }
        #expect(statistics.segmentCount <= 5)
        #expect(statistics.indexGeneration == generation)
        #expect(try store.statistics().maintenanceFailure == nil)
        try await store.close()
    }

    @Test func `going back takes the earlier centroids for the rows of today`() async throws {
        let directory = ScratchDirectory()
        var store = try await VectorDatabase.open(at: directory.path, options: Rows.options)
        var collection = try await store.createCollection(
            CollectionConfiguration(name: "c", dimension: Rows.dimension)
        )
        try await Rows.fill(collection, 0..<6_000)
        try await collection.rebuildIndex(options(nlist: 64))
        let error = await #expect(throws: VectorStoreError.self) {
            try await collection.rollBackIndex()
        }
        #expect(error?.code == .invalidQuery)

        try await Rows.fill(collection, 6_000..<8_000)
        try await collection.rebuildIndex(options(nlist: 100, isForced: true))
        try await Rows.fill(collection, 8_000..<9_000)
        try await collection.delete(ids: (0..<500).map { .integer(UInt64($0)) })
        try await collection.compact()
        let exact = try Rows.nearest(collection, target: 1)
        try await store.close()

        // What was kept is there after a start, too.
        store = try await VectorDatabase.open(at: directory.path, options: Rows.options)
        collection = try store.collection("c")
        let back = try await collection.rollBackIndex()
        #expect(back.nlist == 64)
        #expect(back.rowCount == 8_500)
        #expect(try collection.statistics().nlist == 64)
        // Or the next flush would train anew at once.
        let trained = collection.state.live?.index?.set.tables.first?.trainedRowCount
        #expect(trained == 8_500)
        #expect(try Rows.nearest(collection, target: 1) == exact)
        var found = 0
        for (near, true5) in zip(try Rows.nearest(collection, target: 0.95), exact) {
            found += Set(near).intersection(true5).count
        }
        #expect(found >= 180, "of 200")
        let again = try await collection.rollBackIndex()
        #expect(again.nlist == 100)
        try await store.close()
        #expect(try VectorDatabase.verify(at: directory.path).problems == [])
        let kept = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/idx")
        #expect(kept.count == 2)
    }
}
