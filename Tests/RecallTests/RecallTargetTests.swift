// The recall that is asked for, on queries that calibration never saw, against exact search in double
// precision. Real data is in docs/benchmarks.md; here are 24,000 generated vectors.

import Evaluation
import Foundation
import Testing
import VectorMath
import VectorStore

@Suite struct `Recall targets` {
    private static let dimension = 96
    private static let rowCount = 24_000
    private static let queryCount = 200
    private static let partitionCount = 12
    private static let vectors = SyntheticVectors(
        dimension: dimension,
        count: rowCount,
        seed: 2_026
    )

    private static func vector(_ row: Int) -> [Float] {
        var vector = [Float](repeating: 0, count: dimension)
        vectors.fill(row: row, into: &vector)
        return vector
    }

    private static func partition(_ row: Int) -> String {
        "p\(vectors.partition(ofRow: row, of: partitionCount))"
    }

    /// A store of the rows with an index, in `path`.
    private static func build(
        _ path: String,
        isPartitioned: Bool
    ) async throws -> (VectorDatabase, VectorCollection) {
        var options = StoreOptions()
        options.minimumIndexedRowCount = 4_096
        let store = try await VectorDatabase.open(at: path, options: options)
        let collection = try await store.createCollection(
            CollectionConfiguration(
                name: "c",
                dimension: dimension,
                partitionKey: isPartitioned ? "owner" : nil,
                attributes: [AttributeDeclaration("residue", .int64)]
            )
        )
        for start in stride(from: 0, to: rowCount, by: 2_000) {
            try await collection.upsert(
                (start..<start + 2_000).map { row in
                    Record(
                        id: .integer(UInt64(row)),
                        vector: vector(row),
                        partition: isPartitioned ? partition(row) : nil,
                        attributes: ["residue": .int64(Int64(row % 20))]
                    )
                }
            )
        }
        try await collection.rebuildIndex()
        return (store, collection)
    }

    private static func found(_ result: SearchResult) -> [Int] {
        result.matches.map { match in
            if case .integer(let number) = match.id { return Int(number) }
            return -1
        }
    }

    private static func truth(
        where admits: @escaping @Sendable (Int, Int) -> Bool = { _, _ in true }
    ) throws -> TruthFile {
        try ExactSearch(base: (0..<rowCount).flatMap(vector), dimension: dimension).truth(
            queries: (rowCount..<rowCount + queryCount).flatMap(vector),
            k: 10,
            threads: 2,
            where: admits
        )
    }

    @Test(.timeLimit(.minutes(5)))
    func `the recall found is the recall asked for, of the whole and of one partition`()
        async throws
    {
        let path = NSTemporaryDirectory() + "vs-recall-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        let (store, collection) = try await Self.build(path, isPartitioned: true)
        let whole = try Self.truth()
        for target in [0.9, 0.95, 0.99, 1.0] {
            var (sum, codes) = (0.0, 0)
            for query in 0..<Self.queryCount {
                let result = try collection.search(
                    SearchQuery(
                        vector: Self.vector(Self.rowCount + query),
                        k: 10,
                        recallTarget: target
                    )
                )
                #expect(result.matches.count == 10)
                codes += result.statistics.codesScanned
                sum += try #require(
                    Recall.at(10, found: Self.found(result), truth: whole.neighbours(of: query))
                )
            }
            let recall = sum / Double(Self.queryCount)
            #expect(recall >= target - 0.01, "asked \(target), found \(recall)")
            #expect((codes > 0) == (target < 1), "codes serve every target but an exact one")
        }

        let within = try Self.truth { query, row in
            Self.partition(row) == "p\(query % Self.partitionCount)"
        }
        var sum = 0.0
        for query in 0..<Self.queryCount {
            let result = try collection.search(
                SearchQuery(
                    vector: Self.vector(Self.rowCount + query),
                    k: 10,
                    partition: "p\(query % Self.partitionCount)"
                )
            )
            sum += try #require(
                Recall.at(10, found: Self.found(result), truth: within.neighbours(of: query))
            )
        }
        let recall = sum / Double(Self.queryCount)
        #expect(recall >= 0.94, "within partitions \(recall)")
        try await store.close()
    }

    /// Without topics the neighbours of a query are hardly nearer than the next rows, and their codes lose more of
    /// them than those of real embeddings do.
    @Test(.timeLimit(.minutes(5)))
    func `the recall found is the recall asked for among random vectors`() async throws {
        try await Self.checkTargets(dimension: 96, queryCount: 400) { row in
            var random = SeededRandom(seed: UInt64(row) &+ 45_000_000)
            return (0..<96).map { _ in Float.random(in: -1...1, using: &random) }
        }
    }

    /// Where a topic is about as large as a list, most neighbours lie in the first lists, whose rows wait for each
    /// other before any is compared.
    @Test(.timeLimit(.minutes(5)))
    func `the recall found is the recall asked for among topics as large as lists`() async throws {
        @Sendable func normal(_ random: inout SeededRandom) -> Float {
            let length = (-2 * log(Float.random(in: 1e-7..<1, using: &random))).squareRoot()
            return length * cos(2 * .pi * Float.random(in: 0..<1, using: &random))
        }
        try await Self.checkTargets(dimension: 32, queryCount: 1_000) { row in
            var random = SeededRandom(seed: UInt64(row) &+ 46_000_000)
            var topic = SeededRandom(seed: UInt64.random(in: 0..<1_600, using: &random))
            return (0..<32).map { _ in normal(&topic) + 0.7 * normal(&random) }
        }
    }

    /// Holds what targets find of the ten nearest of 40,000 rows against exact search.
    private static func checkTargets(
        dimension: Int,
        queryCount: Int,
        vector: @Sendable (Int) -> [Float]
    ) async throws {
        let path = NSTemporaryDirectory() + "vs-recall-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        let rowCount = 40_000
        var options = StoreOptions()
        options.minimumIndexedRowCount = 4_096
        options.liveRecallInterval = 0
        let store = try await VectorDatabase.open(at: path, options: options)
        let collection = try await store.createCollection("c", dimension: dimension)
        for start in stride(from: 0, to: rowCount, by: 2_000) {
            try await collection.upsert(
                (start..<start + 2_000).map { Record(id: .integer(UInt64($0)), vector: vector($0)) }
            )
        }
        try await collection.rebuildIndex()
        let truth = try ExactSearch(base: (0..<rowCount).flatMap(vector), dimension: dimension)
            .truth(queries: (rowCount..<rowCount + queryCount).flatMap(vector), k: 10, threads: 2)
        for target in [0.88, 0.9, 0.95, 0.98] {
            var sum = 0.0
            for query in 0..<queryCount {
                let result = try collection.search(
                    SearchQuery(vector: vector(rowCount + query), k: 10, recallTarget: target)
                )
                sum += try #require(
                    Recall.at(10, found: Self.found(result), truth: truth.neighbours(of: query))
                )
            }
            let recall = sum / Double(queryCount)
            #expect(recall >= target - 0.01, "asked \(target), found \(recall)")
        }
        try await store.close()
    }

    @Test(.timeLimit(.minutes(5)))
    func `filters find as much, and what they find is exact after writes and deletes`()
        async throws
    {
        let path = NSTemporaryDirectory() + "vs-recall-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        let (store, collection) = try await Self.build(path, isPartitioned: false)
        // Deleted rows lie in the codes still; new ones are in memory.
        try await collection.delete(
            ids: stride(from: 0, to: Self.rowCount, by: 7).map { .integer(UInt64($0)) }
        )
        for (filter, residues) in [
            (Filter.less("residue", 10), 0..<10), (Filter.equal("residue", 3), 3..<4),
        ] {
            let truth = try Self.truth { _, row in
                row % 7 != 0 && residues.contains(row % 20)
            }
            var sum = 0.0
            for query in 0..<Self.queryCount {
                let vector = Self.vector(Self.rowCount + query)
                let result = try collection.search(
                    SearchQuery(vector: vector, k: 10, filter: filter)
                )
                let found = Self.found(result)
                #expect(found.count == 10)
                #expect(found.allSatisfy { $0 % 7 != 0 && residues.contains($0 % 20) })
                for match in result.matches.prefix(1) {
                    guard case .integer(let row) = match.id else { continue }
                    let exact = zip(vector, Self.vector(Int(row))).reduce(0.0) {
                        $0 + Double($1.0) * Double($1.1)
                    }
                    #expect(abs(Double(match.similarity) - exact) < 1e-5)
                }
                sum += try #require(Recall.at(10, found: found, truth: truth.neighbours(of: query)))
            }
            let recall = sum / Double(Self.queryCount)
            #expect(recall >= 0.93, "\(filter): \(recall)")
        }
        try await store.close()
    }
}

extension TruthFile {
    fileprivate func neighbours(of query: Int) -> [Int] {
        rows[query * k..<(query + 1) * k].filter { $0 >= 0 }.map { Int($0) }
    }
}
