import StorageIO
import VectorMath

@testable import VectorStore

/// A scripted life of a store: every kind of change and of maintenance, with what it should hold after
/// each acknowledged write.
struct Scenario {
    /// The records after the first n writes, by id; nil while the collection does not exist.
    typealias Contents = [RecordID: Record]

    static let dimension = 6

    /// What a run came to.
    struct Outcome {
        /// Contents after each issued write; the first is empty.
        var history: [Contents]
        /// Writes that were acknowledged.
        var acknowledged: Int
        var wasClosed: Bool
    }

    static var options: StoreOptions {
        var options = StoreOptions()
        options.flushThresholdBytes = 6_000
        options.logFileByteCount = 9_000
        options.minimumIndexedRowCount = 40
        options.maintenanceThreadCount = 1
        options.automaticIndexing = false
        return options
    }

    enum Step {
        case upsert(Range<Int>)
        case delete(Range<Int>)
        case deleteGroup(Int64)
        case update(Range<Int>)
        case flush
        case compact
        case rebuild
    }

    static let steps: [Step] = [
        .upsert(0..<12), .upsert(8..<20), .delete(3..<6), .flush, .upsert(20..<40),
        .update(10..<14), .delete(0..<2), .upsert(15..<25), .flush, .deleteGroup(2), .compact,
        .upsert(40..<70), .rebuild, .upsert(5..<15), .delete(50..<55), .flush,
        .update(41..<43), .compact, .upsert(70..<74), .rebuild, .delete(70..<72), .upsert(1..<3),
    ]

    /// Runs the steps until one fails or all are done.
    static func run(on fileSystem: any FileSystem, seed: UInt64) async -> Outcome {
        var maker = Maker(seed: seed)
        var outcome = Outcome(history: [[:]], acknowledged: 0, wasClosed: false)
        do {
            let store = try VectorDatabase.open(
                at: "/data",
                options: options,
                fileSystem: fileSystem
            )
            let collection = try await store.createCollection(
                "c",
                dimension: dimension,
                partitionKey: "tenant",
                attributes: ["group": .int64]
            )
            for step in steps {
                try await take(step, collection, &maker, &outcome)
            }
            try await store.close()
            outcome.wasClosed = true
        } catch {
            return outcome
        }
        return outcome
    }

    static func take(
        _ step: Step,
        _ collection: VectorCollection,
        _ maker: inout Maker,
        _ outcome: inout Outcome,
        writeID: WriteID? = nil
    ) async throws {
        var contents = outcome.history[outcome.history.count - 1]
        switch step {
        case .upsert(let ids):
            let records = ids.map { maker.record($0) }
            for record in records { contents[record.id] = record }
            outcome.history.append(contents)
            try await collection.upsert(records, writeID: writeID)
        case .delete(let ids):
            for id in ids { contents[.integer(UInt64(id))] = nil }
            outcome.history.append(contents)
            try await collection.delete(
                ids: ids.map { .integer(UInt64($0)) },
                writeID: writeID
            )
        case .deleteGroup(let group):
            contents = contents.filter { $0.value.attributes["group"] != .int64(group) }
            outcome.history.append(contents)
            try await collection.delete(
                where: .equal("group", .int64(group)),
                writeID: writeID
            )
        case .update(let ids):
            let present = ids.map { RecordID.integer(UInt64($0)) }.filter { contents[$0] != nil }
            for id in present {
                contents[id]?.attributes["group"] = .int64(77)
                contents[id]?.payload = Array("changed".utf8)
            }
            outcome.history.append(contents)
            try await collection.update(
                present.map {
                    RecordPatch(
                        id: $0,
                        attributes: ["group": .int64(77)],
                        payload: .some(Array("changed".utf8))
                    )
                },
                writeID: writeID
            )
        case .flush: return try await collection.flush()
        case .compact: return try await collection.compact()
        case .rebuild:
            try await collection.rebuildIndex()
            return
        }
        outcome.acknowledged = outcome.history.count - 1
    }

    /// Appends what the store will hold after a step, and does nothing.
    static func intend(_ step: Step, _ maker: inout Maker, _ outcome: inout Outcome) {
        var contents = outcome.history[outcome.history.count - 1]
        switch step {
        case .upsert(let ids):
            for record in ids.map({ maker.record($0) }) { contents[record.id] = record }
        case .delete(let ids):
            for id in ids { contents[.integer(UInt64(id))] = nil }
        case .deleteGroup(let group):
            contents = contents.filter { $0.value.attributes["group"] != .int64(group) }
        case .update(let ids):
            for id in ids.map({ RecordID.integer(UInt64($0)) }) where contents[id] != nil {
                contents[id]?.attributes["group"] = .int64(77)
                contents[id]?.payload = Array("changed".utf8)
            }
        case .flush, .compact, .rebuild: return
        }
        outcome.history.append(contents)
    }

    /// Seeded records.
    struct Maker {
        var random: SeededRandom

        init(seed: UInt64) { random = SeededRandom(seed: seed) }

        mutating func vector() -> [Float] {
            (0..<Scenario.dimension).map { _ in Float.random(in: -1...1, using: &random) }
        }

        mutating func record(_ id: Int) -> Record {
            Record(
                id: .integer(UInt64(id)),
                vector: vector(),
                partition: "t\(id % 3)",
                attributes: ["group": .int64(Int64.random(in: 0..<4, using: &random))],
                payload: "payload \(random.next())"
            )
        }
    }
}
