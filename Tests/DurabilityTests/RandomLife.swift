import StorageIO
import Synchronization
import TestSupport
import VectorMath

@testable import VectorStore

/// A random life of a small store: a function of its seed.
struct RandomLife {
    let seed: UInt64
    let stepCount: Int

    /// What was asked and what was acknowledged, as it was at any moment.
    final class Progress: Sendable {
        struct State {
            var history: [Scenario.Contents] = [[:]]
            var acknowledged = 0
        }
        let state = Mutex(State())

        var outcome: Scenario.Outcome {
            state.withLock {
                Scenario.Outcome(
                    history: $0.history,
                    acknowledged: $0.acknowledged,
                    wasClosed: false
                )
            }
        }
    }

    /// Nothing happens in the background, so that the same seed makes the same calls.
    static func options(seed: UInt64) -> StoreOptions {
        var random = SeededRandom(seed: seed ^ 0x0B57)
        var options = StoreOptions()
        options.flushThresholdBytes = 1 << 20
        options.logFileByteCount = Int.random(in: 4_500...8_000, using: &random)
        options.maximumLogFileCount = .max
        options.minimumIndexedRowCount = [4, 12, 1_000][Int.random(in: 0..<3, using: &random)]
        options.maintenanceThreadCount = 1
        options.automaticCompaction = false
        options.automaticIndexing = false
        options.ballastByteCount = 0
        options.scrubBytesPerSecond = 0
        options.idleMarkMilliseconds = 3_600_000
        options.segmentAccess = Bool.random(using: &random) ? .mapped : .read
        return options
    }

    var options: StoreOptions { Self.options(seed: seed) }

    private static let idCount = 16

    /// Every third life has another collection, which is written once and never flushed: its write keeps
    /// the log, so that a replay meets changes that segments hold already.
    private var hasQuietNeighbour: Bool { seed.isMultiple(of: 3) }

    /// The id of the write with this number, from 1; every second life has them.
    func writeID(_ number: Int) -> WriteID? {
        seed.isMultiple(of: 2) ? WriteID(RecordUUID(high: seed, low: UInt64(number))) : nil
    }

    /// How many of the first `count` writes a store knows: all up to one, and none after it.
    ///
    /// - Returns: Nil when the writes of this life have no ids.
    func knownCount(_ store: VectorDatabase, of count: Int) throws -> Int? {
        let ids = (0..<count).compactMap { writeID($0 + 1) }
        guard ids.count == count else { return nil }
        let collection = try store.collection("c")
        let known = try ids.map { try collection.receipt(of: $0) != nil }
        let last = known.lastIndex(of: true).map { $0 + 1 } ?? 0
        try StoreContents.require(
            known[..<last].allSatisfy { $0 },
            "write \(last) is known, and one before it is not"
        )
        return last
    }

    private static func step(_ random: inout SeededRandom) -> Scenario.Step? {
        let first = Int.random(in: 0..<idCount, using: &random)
        let range = first..<min(idCount, first + Int.random(in: 1...6, using: &random))
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<40: return .upsert(range)
        case 40..<58: return .delete(range)
        case 58..<63: return .deleteGroup(Int64.random(in: 0..<4, using: &random))
        case 63..<70: return .update(range)
        case 70..<82: return .flush
        case 82..<90: return .compact
        case 90..<94: return .rebuild
        default: return nil  // A restart.
        }
    }

    /// Runs to the end or to the first call that fails.
    ///
    /// - Returns: The error that ended it, if one did.
    func run(on disk: any FileSystem, progress: Progress) async -> (any Error)? {
        var random = SeededRandom(seed: seed)
        var maker = Scenario.Maker(seed: seed &+ 1)
        do {
            var (store, collection) = try await open(disk)
            for _ in 0..<stepCount {
                guard let step = Self.step(&random) else {
                    try await store.close()
                    (store, collection) = try await open(disk)
                    continue
                }
                try await take(step, collection, &maker, progress)
            }
            try await store.close()
            return nil
        } catch {
            return error
        }
    }

    private func open(
        _ disk: any FileSystem
    ) async throws -> (VectorDatabase, VectorCollection) {
        let store = try VectorDatabase.open(at: "/data", options: options, fileSystem: disk)
        let collection = try await store.createCollection(
            "c",
            dimension: Scenario.dimension,
            partitionKey: "tenant",
            attributes: ["group": .int64]
        )
        if hasQuietNeighbour {
            let quiet = try await store.createCollection("quiet", dimension: 2)
            try await quiet.upsert([Record(id: .integer(1), vector: [1, 2])])
        }
        return (store, collection)
    }

    private func take(
        _ step: Scenario.Step,
        _ collection: VectorCollection,
        _ maker: inout Scenario.Maker,
        _ progress: Progress
    ) async throws {
        // The intention is noted before the call, so that a picture taken within it knows of it.
        var plan = maker
        var intended = Scenario.Outcome(
            history: [progress.state.withLock { $0.history[$0.history.count - 1] }],
            acknowledged: 0,
            wasClosed: false
        )
        Scenario.intend(step, &plan, &intended)
        if intended.history.count > 1 {
            progress.state.withLock { $0.history.append(intended.history[1]) }
        }
        var outcome = Scenario.Outcome(
            history: [intended.history[0]],
            acknowledged: 0,
            wasClosed: false
        )
        let number = progress.state.withLock { $0.history.count - 1 }
        try await Scenario.take(
            step,
            collection,
            &maker,
            &outcome,
            writeID: writeID(number)
        )
        progress.state.withLock { $0.acknowledged = $0.history.count - 1 }
    }
}
