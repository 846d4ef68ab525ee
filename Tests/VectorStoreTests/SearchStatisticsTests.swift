import Foundation
import Testing
import VectorMath

@testable import VectorStore

/// 6,000 rows around 64 centres.
private enum Rows {
    static let dimension = 64
    static let count = 6_000

    static func vector(_ row: Int, centre: Int? = nil) -> [Float] {
        var random = SeededRandom(seed: UInt64(row) &+ 1_000_000)
        var topic = SeededRandom(seed: UInt64(centre ?? row % 64))
        return (0..<dimension).map { _ in
            Float.random(in: -1...1, using: &topic) + 0.45
                * Float.random(in: -1...1, using: &random)
        }
    }

    static func build(
        _ directory: ScratchDirectory,
        isPartitioned: Bool = false
    ) async throws -> (VectorDatabase, VectorCollection) {
        var options = StoreOptions()
        options.minimumIndexedRowCount = 2_048
        options.automaticIndexing = false
        options.automaticCompaction = false
        let store = try await VectorDatabase.open(at: directory.path, options: options)
        let collection = try await store.createCollection(
            CollectionConfiguration(
                name: "c",
                dimension: dimension,
                partitionKey: isPartitioned ? "owner" : nil,
                attributes: [AttributeDeclaration("residue", .int64)]
            )
        )
        for start in stride(from: 0, to: count, by: 2_000) {
            try await collection.upsert(
                (start..<start + 2_000).map {
                    Record(
                        id: .integer(UInt64($0)),
                        vector: vector($0),
                        partition: isPartitioned ? "all" : nil,
                        attributes: ["residue": .int64(Int64($0 % 10))]
                    )
                }
            )
        }
        try await collection.rebuildIndex()
        return (store, collection)
    }
}

@Suite struct `Search statistics` {
    @Test func `only searches that calibration knows end early`() async throws {
        let directory = ScratchDirectory()
        let (store, collection) = try await Rows.build(directory)
        // A topic of 94 rows lies in several lists.
        var rebuild = RebuildOptions()
        (rebuild.nlist, rebuild.isForced) = (400, true)
        try await collection.rebuildIndex(rebuild)
        /// Lists that a hundred searches left out of those that they could have visited.
        func leftOut(_ change: (inout SearchQuery) -> Void) throws -> Int {
            try (0..<100).reduce(0) { sum, number in
                var query = SearchQuery(
                    vector: Rows.vector(20_000 + number),
                    k: 80,
                    recallTarget: 0.9995
                )
                change(&query)
                let statistics = try collection.search(query).statistics
                #expect(statistics.nprobe > 0 && statistics.nprobe * 2 < statistics.nlist)
                return sum + statistics.nprobe - statistics.listsScanned
            }
        }
        #expect(try leftOut { _ in } > 50)
        #expect(try leftOut { $0.nprobe = 20 } == 0)
        #expect(try leftOut { $0.k = 101 } == 0)
        #expect(try leftOut { $0.filter = .greaterOrEqual("residue", .int64(5)) } == 0)
        // Every eighth row is hidden: where a whole topic is, lists that show nothing are no sign.
        try await collection.delete(
            ids: stride(from: 0, to: Rows.count, by: 8).map { .integer(UInt64($0)) }
        )
        #expect(try leftOut { _ in } == 0)
        try await store.close()
    }

    @Test func `a search tells what it looked at and how far it can be relied on`() async throws {
        let directory = ScratchDirectory()
        let (store, collection) = try await Rows.build(directory)
        var query = SearchQuery(vector: Rows.vector(9_001), k: 10, recallTarget: 0.9)
        let plain = try collection.search(query)
        #expect(plain.statistics.exactness == .estimated)
        #expect(plain.statistics.profile == nil)
        #expect(plain.statistics.listsScanned <= plain.statistics.nprobe)
        let statistics = plain.statistics
        #expect(statistics.blocksScanned * 32 >= statistics.codesScanned)
        #expect(statistics.codesScanned > statistics.byteRowsScanned)
        #expect(statistics.byteRowsScanned >= statistics.rowsScanned)
        #expect(statistics.rowsScanned >= 10)

        query.recallTarget = 1
        #expect(try collection.search(query).statistics.exactness == .exact)
        try await store.close()
    }

    @Test func `a search cut off in the memtable does not promise what it did not see`()
        async throws
    {
        let directory = ScratchDirectory()
        let store = try await VectorDatabase.open(at: directory.path)
        let collection = try await store.createCollection(
            CollectionConfiguration(name: "c", dimension: Rows.dimension)
        )
        for start in stride(from: 0, to: 6_000, by: 2_000) {
            try await collection.upsert(
                (start..<start + 2_000).map {
                    Record(id: .integer(UInt64($0)), vector: Rows.vector($0))
                }
            )
        }
        let query = SearchQuery(vector: Rows.vector(9_001), k: 10, timeLimit: .nanoseconds(1))
        let cut = try collection.search(query).statistics
        #expect(cut.exactness == .truncated(.timeLimit))
        #expect(cut.estimatedRecall < 0.2, "of \(cut.rowsScanned) rows in 6,000")
        try await store.close()
    }

    @Test func `a profile has the time of each phase, only when asked for`() async throws {
        let directory = ScratchDirectory()
        let (store, collection) = try await Rows.build(directory)
        var query = SearchQuery(vector: Rows.vector(9_001), k: 10, recallTarget: 0.9)
        query.isProfiled = true
        let profile = try #require(try collection.search(query).statistics.profile)
        #expect(profile.rank > 0 && profile.scan > 0 && profile.compare > 0)
        #expect(profile.order > 0 && profile.read > 0)
        let sum = profile.phases.reduce(0) { $0 + $1.microseconds }
        #expect(abs(sum - profile.total) < 1e-6)
        try await store.close()
    }

    @Test(arguments: [true, false])
    func `a search whose time is up says so and keeps what it found`(
        isPartitioned: Bool
    ) async throws {
        let directory = ScratchDirectory()
        let (store, collection) = try await Rows.build(directory, isPartitioned: isPartitioned)
        for target in [0.9, 0.99, 1.0] {
            var query = SearchQuery(
                vector: Rows.vector(9_001),
                k: 10,
                partition: isPartitioned ? "all" : nil,
                recallTarget: target
            )
            query.timeLimit = .nanoseconds(1)
            let late = try collection.search(query)
            #expect(late.statistics.exactness == .truncated(.timeLimit))
            #expect(late.statistics.estimatedRecall < 0.5)
            #expect(late.statistics.rowsScanned < 1_000)
            query.timeLimit = .seconds(60)
            let whole = try collection.search(query)
            #expect(whole.matches.count == 10)
            #expect(whole.statistics.exactness == (target == 1 ? .exact : .estimated))
        }
        try await store.close()
    }

    @Test func `a time limit that is not above zero is refused by name`() async throws {
        let directory = ScratchDirectory()
        let (store, collection) = try await Rows.build(directory)
        for limit in [Duration.zero, .seconds(-1)] {
            let error = #expect(throws: VectorStoreError.self) {
                try collection.search(
                    SearchQuery(vector: Rows.vector(1), k: 1, timeLimit: limit)
                )
            }
            #expect(error?.code == .invalidQuery)
            #expect(error?.field == "timeLimit")
        }
        try await store.close()
    }
}

@Suite struct `Live recall` {
    /// Searches the collection and an exact scan of it, measuring each search; the mean true recall.
    private func ask(
        _ collection: VectorCollection,
        rows: Range<Int>,
        centres: Int = 0,
        target: Double,
        measured: LiveRecall,
        filter: Filter? = nil
    ) throws -> Double {
        var sum = 0.0
        for row in rows {
            let vector = Rows.vector(row, centre: centres + row % 64)
            var query = SearchQuery(
                vector: vector,
                k: 10,
                filter: filter,
                recallTarget: target
            )
            let checked = try QueryCheck(collection.configuration).check(query)
            let live = try #require(collection.state.live)
            let outcome = try Searcher(live: live, liveRecall: measured).search(checked)
            measured.note(checked, outcome, live: live)
            measured.measurePending()
            let found = try collection.search(query).matches.map(\.id)
            query.recallTarget = 1
            let truth = try collection.search(query).matches.map(\.id)
            let answer = try outcome.rows.map {
                try live.store($0.key.store).id(at: $0.key.ordinal)
            }
            #expect(found.count == 10)
            sum += Double(truth.count { answer.contains($0) }) / Double(truth.count)
        }
        return sum / Double(rows.count)
    }

    @Test func `what is measured in the background is the true recall`() async throws {
        let directory = ScratchDirectory()
        let (store, collection) = try await Rows.build(directory)
        let measured = LiveRecall(interval: 1, isInBackground: false)
        let truth = try ask(
            collection,
            rows: 20_000..<20_200,
            target: 0.8,
            measured: measured
        )
        let report = try #require(measured.reports.first)
        #expect(report.band == .unfiltered)
        #expect(report.sampleCount == 200)
        #expect(abs(report.recall - truth) < 0.002)
        #expect(abs(report.target - 0.8) < 1e-9)
        let filtered = try ask(
            collection,
            rows: 20_000..<20_050,
            target: 0.8,
            measured: measured,
            filter: .greaterOrEqual("residue", .int64(4))
        )
        let band = try #require(measured.reports.first { $0.band == .half })
        #expect(band.sampleCount == 50)
        #expect(abs(band.recall - filtered) < 0.002)
        try await store.close()
    }

    @Test func `a search that had to look at every list is no evidence for few`() async throws {
        let directory = ScratchDirectory()
        let (store, collection) = try await Rows.build(directory)
        let live = try #require(collection.state.live)
        for floor in [Float?.none, 0.999] {
            var query = SearchQuery(
                vector: Rows.vector(20_000),
                k: 10,
                filter: .greaterOrEqual("residue", .int64(4)),
                recallTarget: 0.8
            )
            query.minimumSimilarity = floor
            let checked = try QueryCheck(collection.configuration).check(query)
            let outcome = try Searcher(live: live).search(checked)
            #expect((outcome.calibratedRecall != nil) == (floor == nil))
        }
        try await store.close()
    }

    @Test func `one search in so many is measured, none at zero`() async throws {
        let directory = ScratchDirectory()
        let (store, collection) = try await Rows.build(directory)
        let (some, none) = (
            LiveRecall(interval: 10, isInBackground: false),
            LiveRecall(interval: 0, isInBackground: false)
        )
        _ = try ask(collection, rows: 20_000..<20_100, target: 0.8, measured: some)
        _ = try ask(collection, rows: 20_000..<20_020, target: 0.8, measured: none)
        #expect(some.reports.first?.sampleCount == 10)
        #expect(none.reports.isEmpty)
        try await store.close()
    }

    @Test func `new topics and deletes do not cost recall, and a rebuild pays as foretold`()
        async throws
    {
        let directory = ScratchDirectory()
        let (store, collection) = try await Rows.build(directory)
        let before = try #require(try collection.statistics().rebuildSavings)
        // Topics that training never saw, all near one another.
        for start in stride(from: 100_000, to: 106_000, by: 2_000) {
            try await collection.upsert(
                (start..<start + 2_000).map {
                    Record(
                        id: .integer(UInt64($0)),
                        vector: Rows.vector($0, centre: 500 + $0 % 64),
                        attributes: ["residue": .int64(Int64($0 % 10))]
                    )
                }
            )
        }
        try await collection.delete(ids: (0..<1_800).map { .integer(UInt64($0)) })
        try await collection.flush()
        let drifted = try #require(try collection.statistics().rebuildSavings)
        #expect(drifted > before + 0.1)

        let measured = LiveRecall(interval: 1, isInBackground: false)
        _ = try ask(
            collection,
            rows: 200_000..<200_100,
            centres: 500,
            target: 0.9,
            measured: measured
        )
        let truth = try ask(
            collection,
            rows: 200_100..<200_400,
            centres: 500,
            target: 0.9,
            measured: measured
        )
        #expect(truth >= 0.9 - 0.02)

        let codes = try cost(collection)
        try await collection.rebuildIndex()
        let after = try #require(try collection.statistics().rebuildSavings)
        #expect(after < drifted - 0.1)
        #expect(try cost(collection) < codes)
        try await store.close()
    }

    /// Rows looked at, a query, by code or in the memtable.
    private func cost(_ collection: VectorCollection) throws -> Double {
        var sum = 0
        for row in 300_000..<300_200 {
            let centre = row % 2 == 0 ? row % 64 : 500 + row % 64
            let statistics = try collection.search(
                SearchQuery(
                    vector: Rows.vector(row, centre: centre),
                    k: 10,
                    recallTarget: 0.95
                )
            ).statistics
            sum += statistics.codesScanned
        }
        return Double(sum) / 200
    }
}
