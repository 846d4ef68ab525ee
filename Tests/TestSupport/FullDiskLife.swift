// The life of a store on a small disk that fills up and is freed again, round after round.
//
// In every round: writes until the disk refuses them; then searches that must all be right, deletes
// that must succeed, sometimes a restart on the full disk; then space, and the first write that is
// acknowledged. What was acknowledged must be there, and nothing else.

package import StorageIO
import VectorMath
package import VectorStore

package struct FullDiskLife {
    package struct Violation: Error, CustomStringConvertible {
        package var description: String
    }

    /// What the rounds came to.
    package struct Report: Sendable {
        package var rounds = 0
        package var acknowledged = 0
        package var refused = 0
        package var deletesWhileFull = 0
        package var searchesWhileFull = 0
        package var restartsWhileFull = 0
        package var slowestResume = Duration.zero
    }

    package static let dimension = 24

    package static var options: StoreOptions {
        var options = StoreOptions()
        options.flushThresholdBytes = 200_000
        options.logFileByteCount = 150_000
        options.minimumIndexedRowCount = 1 << 20
        options.maintenanceThreadCount = 1
        options.minimumFreeByteCount = 0
        options.ballastByteCount = 1 << 20
        return options
    }

    private let root: String
    private let fileSystem: any FileSystem
    /// Takes all the space that is left, or gives it back.
    private let fill: (Bool) throws -> Void
    private let options: StoreOptions
    private var random: SeededRandom
    private var contents: [UInt64: [Float]] = [:]
    private var report = Report()

    package init(
        root: String,
        fileSystem: any FileSystem,
        seed: UInt64,
        options: StoreOptions = Self.options,
        fill: @escaping (Bool) throws -> Void
    ) {
        self.root = root
        self.fileSystem = fileSystem
        self.fill = fill
        self.options = options
        random = SeededRandom(seed: seed)
    }

    private func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        if !condition { throw Violation(description: message()) }
    }

    package mutating func run(rounds: Int) async throws -> Report {
        var store = try open()
        var collection = try await store.createCollection("c", dimension: Self.dimension)
        for round in 0..<rounds {
            // Rows must not pile up: the disk is small.
            let old = contents.keys.filter { _ in Int.random(in: 0..<3, using: &random) > 0 }
            try await delete(old.sorted(), in: collection)
            try await collection.compact()
            for _ in 0..<3 { _ = try await upsert(collection) }
            try check(collection, "before round \(round)")

            try fill(true)
            try await writeUntilFull(collection, round: round)
            for _ in 0..<5 { try checkSearch(collection) }
            let some = contents.keys.sorted().prefix(5)
            try await delete(Array(some), in: collection)
            report.deletesWhileFull += 1
            try check(collection, "full, round \(round)")
            if round.isMultiple(of: 4) {
                (store, collection) = try await restart(store)
                report.restartsWhileFull += 1
                try check(collection, "restarted while full, round \(round)")
                try await refuseOrAccept(collection)
            }

            try fill(false)
            try await resume(collection, round: round)
            try check(collection, "after round \(round)")
            report.rounds += 1
        }
        (store, collection) = try await restart(store)
        try check(collection, "at the end")
        try await store.close()
        return report
    }

    private func open() throws -> VectorDatabase {
        try VectorDatabase.open(at: root, options: options, fileSystem: fileSystem)
    }

    private func restart(
        _ store: VectorDatabase
    ) async throws -> (VectorDatabase, VectorCollection) {
        do {
            try await store.close()
        } catch {
            try require(error.code == .diskFull, "close: \(error)")
        }
        let next = try open()
        return (next, try next.collection("c"))
    }

    /// - Returns: Whether the write was acknowledged; every refusal must be for want of space.
    private mutating func upsert(_ collection: VectorCollection) async throws -> Bool {
        var records: [Record] = []
        for _ in 0..<64 {
            let vector = (0..<Self.dimension).map { _ in Float.random(in: -1...1, using: &random) }
            records.append(
                Record(
                    id: .integer(UInt64.random(in: 0..<4_000, using: &random)),
                    vector: vector
                )
            )
        }
        var seen: Set<RecordID> = []
        records = records.filter { seen.insert($0.id).inserted }
        do {
            try await collection.upsert(records)
        } catch {
            try require(error.code == .diskFull, "a write on a full disk: \(error)")
            report.refused += 1
            return false
        }
        report.acknowledged += 1
        for record in records {
            if case .integer(let id) = record.id { contents[id] = record.vector }
        }
        return true
    }

    private mutating func writeUntilFull(_ collection: VectorCollection, round: Int) async throws {
        for _ in 0..<500 where try await !upsert(collection) {
            for _ in 0..<3 { _ = try await upsert(collection) }
            return
        }
        throw Violation(description: "round \(round): the disk never filled up")
    }

    private mutating func refuseOrAccept(_ collection: VectorCollection) async throws {
        _ = try await upsert(collection)
    }

    private mutating func delete(_ ids: [UInt64], in collection: VectorCollection) async throws {
        for start in stride(from: 0, to: ids.count, by: 1_000) {
            let some = ids[start..<min(start + 1_000, ids.count)]
            try await collection.delete(ids: some.map { .integer($0) })
            for id in some { contents[id] = nil }
        }
    }

    private mutating func resume(_ collection: VectorCollection, round: Int) async throws {
        let start = ContinuousClock.now
        while try await !upsert(collection) {
            try require(
                ContinuousClock.now - start < .seconds(10),
                "round \(round): no write in ten seconds after space came back"
            )
            try await Task.sleep(for: .milliseconds(20))
        }
        report.slowestResume = max(report.slowestResume, ContinuousClock.now - start)
    }

    private mutating func checkSearch(_ collection: VectorCollection) throws {
        let query = (0..<Self.dimension).map { _ in Float.random(in: -1...1, using: &random) }
        let answer = try collection.search(SearchQuery(vector: query, k: 10, recallTarget: 1))
        let truth = contents.values.map { Self.similarity($0, query) }.sorted(by: >).prefix(10)
        try require(answer.matches.count == truth.count, "\(answer.matches.count) matches")
        for (match, expected) in zip(answer.matches, truth) {
            try require(abs(Double(match.similarity) - expected) < 1e-4, "\(match) ≠ \(expected)")
        }
        report.searchesWhileFull += 1
    }

    private mutating func check(_ collection: VectorCollection, _ place: String) throws {
        var found: Set<RecordID> = []
        var cursor: String?
        repeat {
            let page = try collection.scan(limit: 1_000, cursor: cursor)
            for record in page.records { found.insert(record.id) }
            cursor = page.nextCursor
        } while cursor != nil
        try require(
            found == Set(contents.keys.map { .integer($0) }),
            "\(place): \(found.count) records, \(contents.count) were acknowledged"
        )
        try checkSearch(collection)
    }

    private static func similarity(_ a: [Float], _ b: [Float]) -> Double {
        var (dot, left, right) = (0.0, 0.0, 0.0)
        for (x, y) in zip(a, b) {
            dot += Double(x) * Double(y)
            left += Double(x) * Double(x)
            right += Double(y) * Double(y)
        }
        return dot / (left * right).squareRoot()
    }
}
