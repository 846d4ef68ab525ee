import Glibc
import StorageIO
import TestSupport

@testable import VectorStore

/// The scripted life of a store on a disk that fails once or for good, and what must hold then.
struct FaultRun {
    let disk: FaultInjectingFileSystem
    let root: String
    let plan: FaultPlan?
    let seed: UInt64

    /// What the store may hold afterwards: one picture, or two when the outcome of a write is unknown.
    private(set) var possible: [Scenario.Contents] = [[:]]
    /// Writes that were acknowledged and refused.
    private(set) var acknowledgedCount = 0
    private(set) var refusedCount = 0

    init(on disk: FaultInjectingFileSystem, root: String, plan: FaultPlan?, seed: UInt64) {
        self.disk = disk
        self.root = root
        self.plan = plan
        self.seed = seed
    }

    /// No work in the background, so that the number of a call names the same call in every run.
    static var options: StoreOptions {
        var options = Scenario.options
        options.flushThresholdBytes = 1 << 20
        options.logFileByteCount = 8_000
        options.automaticCompaction = false
        options.maximumLogFileCount = .max  // Nothing in the background: call numbers repeat.
        return options
    }

    /// Runs the scenario; throws what must not be.
    mutating func run() async throws {
        disk.arm(plan)
        defer { disk.arm(nil) }
        do {
            let store = try openInTwoAttempts()
            guard let store else { return }
            try await use(store)
        }
        try requireNothingOpen()
        try StoreContents.require(
            disk.misdeeds.isEmpty,
            "after a failed sync: \(disk.misdeeds.first ?? "")"
        )
    }

    private func openInTwoAttempts() throws -> VectorDatabase? {
        for _ in 0..<2 {
            do {
                return try VectorDatabase.open(at: root, options: Self.options, fileSystem: disk)
            } catch {
                try requirePlausible(error)
            }
        }
        return nil
    }

    /// A fault is no damage and no lock of another.
    private func requirePlausible(_ error: VectorStoreError) throws {
        let permitted: [VectorStoreError.Code] = [
            .diskFull, .inputOutput, .storePoisoned, .outcomeUnknown,
        ]
        try StoreContents.require(
            permitted.contains(error.code),
            "\(error) after the failure of: \(disk.firstFiring)"
        )
    }

    private mutating func use(_ store: VectorDatabase) async throws {
        let failedSyncs = disk.failedSyncCount
        if let collection = try await create(store) {
            var maker = Scenario.Maker(seed: seed)
            var outcome = Scenario.Outcome(history: [[:]], acknowledged: 0, wasClosed: false)
            for step in Scenario.steps {
                let wasSynced = disk.failedSyncCount == failedSyncs
                try await take(step, collection, &maker, &outcome, mayAcknowledge: wasSynced)
            }
            let contents = outcome.history[outcome.history.count - 1]
            try readOn(store, contents)
            if disk.failedSyncCount == failedSyncs { try await goOn(store, contents) }
        }
        do {
            try await store.close()
        } catch {
            try requirePlausible(error)
        }
    }

    private func create(_ store: VectorDatabase) async throws -> VectorCollection? {
        for _ in 0..<2 {
            do {
                return try await store.createCollection(
                    "c",
                    dimension: Scenario.dimension,
                    partitionKey: "tenant",
                    attributes: ["group": .int64]
                )
            } catch {
                try requirePlausible(error)
            }
        }
        return nil
    }

    private mutating func take(
        _ step: Scenario.Step,
        _ collection: VectorCollection,
        _ maker: inout Scenario.Maker,
        _ outcome: inout Scenario.Outcome,
        mayAcknowledge: Bool
    ) async throws {
        let count = outcome.history.count
        do {
            try await Scenario.take(step, collection, &maker, &outcome)
            guard outcome.history.count > count else { return }
            try StoreContents.require(
                mayAcknowledge,
                "a write was acknowledged after a failed sync"
            )
            acknowledgedCount += 1
            possible = [outcome.history[count]]
        } catch let error as VectorStoreError {
            try requirePlausible(error)
            guard outcome.history.count > count else { return }
            refusedCount += 1
            let attempted = outcome.history.removeLast()
            if error.code == .outcomeUnknown { possible.append(attempted) }
        }
    }

    /// Reads go on with what was acknowledged, unless reading is what fails.
    private func readOn(_ store: VectorDatabase, _ contents: Scenario.Contents) throws {
        do {
            let found = try StoreContents.read(store)
            try StoreContents.require(
                StoreContents.agree(found ?? [:], contents),
                "\(found?.count ?? -1) records are visible, \(contents.count) were acknowledged"
            )
            var maker = Scenario.Maker(seed: seed)
            try StoreContents.checkSearch(store, contents, query: maker.vector())
        } catch let error as VectorStoreError {
            try StoreContents.require(disk.firedCount > 0, "\(error) without a fault")
            try requirePlausible(error)
        }
    }

    /// Once the cause is gone, the same handle writes again: only a failed sync, or a failure that
    /// leaves it open what is on disk, stops a store for good.
    private mutating func goOn(
        _ store: VectorDatabase,
        _ contents: Scenario.Contents
    ) async throws {
        disk.arm(nil)
        let collection = try store.collection("c")
        var maker = Scenario.Maker(seed: seed &+ 1)
        let record = maker.record(901)
        var expected = contents
        expected[record.id] = record
        do {
            try await collection.upsert([record])
            try await collection.flush()
            possible = [expected]
            try readOn(store, expected)
        } catch let error as VectorStoreError {
            let stops = plan?.fault == .inputOutput || plan?.fault == .interrupted
            try StoreContents.require(
                stops && error.code == .storePoisoned,
                "the store does not go on after \(disk.firstFiring): \(error)"
            )
        }
    }

    private func requireNothingOpen() throws {
        // Queues let go of their last closure a moment after it ran.
        for _ in 0..<2_000 where disk.openCount > 0 || disk.mappedCount > 0 { usleep(1_000) }
        try StoreContents.require(
            disk.openCount == 0 && disk.mappedCount == 0,
            "\(disk.openCount) files are open and \(disk.mappedCount) mapped after close"
        )
    }
}
