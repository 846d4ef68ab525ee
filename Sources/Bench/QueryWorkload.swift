import ArgumentParser
import Evaluation
import Foundation
import Synchronization
import VectorStore

/// Queries that cost the same whenever and wherever they are asked.
enum QueryWorkload: String, CaseIterable, ExpressibleByArgument {
    /// Through the posting lists of the whole collection.
    case collection
    /// The same at a high target.
    case thorough
    /// Among the rows of one partition.
    case partition
    /// Through posting lists under a filter that lets a half pass.
    case filter
    /// Every row.
    case exact

    private static let (rowCount, dimension) = (10_000, 384)
    private static let partitionCount = 5

    private static var options: StoreOptions {
        var options = StoreOptions()
        options.automaticCompaction = false
        options.automaticIndexing = false
        options.minimumIndexedRowCount = 8_192
        options.scrubBytesPerSecond = 0
        options.liveRecallInterval = 0
        options.maintenanceThreadCount = 1
        return options
    }

    private static var vectors: SyntheticVectors {
        SyntheticVectors(dimension: dimension, count: rowCount, seed: 11)
    }

    /// Writes the rows into two collections, one of them with partitions, and builds their indexes.
    static func build(store: String) async throws {
        let database = try await VectorDatabase.open(at: store, options: options)
        for name in ["plain", "owned"] {
            let collection = try await database.createCollection(
                name,
                dimension: dimension,
                partitionKey: name == "owned" ? "owner" : nil,
                attributes: ["residue": .int64]
            )
            let vectors = vectors
            let rows = Mutex(0)
            _ = try await collection.importRecords {
                rows.withLock { next in
                    let batch = next..<min(next + 2_000, rowCount)
                    next = batch.upperBound
                    var vector = [Float](repeating: 0, count: dimension)
                    return batch.map { row in
                        vectors.fill(row: row, into: &vector)
                        return Record(
                            id: .integer(UInt64(row)),
                            vector: vector,
                            partition: name == "owned" ? "p\(row % partitionCount)" : nil,
                            attributes: ["residue": .int64(Int64(row % 10))]
                        )
                    }
                }
            }
            try await collection.rebuildIndex()
        }
        try await database.close()
    }

    /// Opens the store and asks `count` queries, one after the other.
    func run(store: String, count: Int) async throws {
        let database = try await VectorDatabase.open(at: store, options: Self.options)
        let collection = try database.collection(self == .partition ? "owned" : "plain")
        let vectors = Self.vectors
        var vector = [Float](repeating: 0, count: Self.dimension)
        for number in 0..<count {
            // The same few queries again and again: what differs is only their number.
            vectors.fill(row: Self.rowCount + number % 16, into: &vector)
            var query = SearchQuery(vector: vector, k: 10, include: [])
            switch self {
            case .collection: break
            case .thorough: query.recallTarget = 0.99
            case .partition: query.partitions = ["p3"]
            case .filter: query.filter = .less("residue", .int64(5))
            case .exact: query.recallTarget = 1
            }
            let result = try collection.search(query)
            guard result.matches.count == 10 else {
                throw BenchError("\(result.matches.count) matches in place of 10")
            }
        }
        try await database.close()
    }
}
