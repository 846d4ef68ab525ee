import StorageIO
import TestSupport

@testable import VectorStore

/// Opens a disk and checks all that a restart promises.
enum RestartCheck {
    static func run(
        _ disk: SimulatedFileSystem,
        _ outcome: Scenario.Outcome,
        seed: UInt64,
        options: StoreOptions = Scenario.options
    ) async throws {
        var store = try VectorDatabase.open(at: "/data", options: options, fileSystem: disk)
        let contents = try StoreContents.read(store)
        let allowed = outcome.history[outcome.acknowledged...]
        let isCommitted = allowed.contains { StoreContents.agree($0, contents ?? [:]) }
        try StoreContents.require(
            isCommitted,
            "\(contents?.count ?? -1) records are no prefix from write \(outcome.acknowledged) on"
        )
        guard let contents else { return }
        var maker = Scenario.Maker(seed: seed)
        try StoreContents.checkSearch(store, contents, query: maker.vector())
        // The same disk after another cut of power holds the same.
        let again = try VectorDatabase.open(
            at: "/data",
            options: options,
            fileSystem: disk.image(.none, seed: 0)
        )
        let repeated = try StoreContents.read(again)
        try StoreContents.require(
            StoreContents.agree(repeated ?? [:], contents),
            "a second recovery differs from the first"
        )
        // And the store goes on.
        let collection = try store.collection("c")
        let record = maker.record(900)
        try await collection.upsert([record])
        try await collection.flush()
        // Nothing that was deleted comes back when segments are merged.
        try await collection.compact()
        try await store.close()
        store = try VectorDatabase.open(at: "/data", options: options, fileSystem: disk)
        var expected = contents
        expected[record.id] = record
        let final = try StoreContents.read(store) ?? [:]
        try StoreContents.require(
            StoreContents.agree(final, expected),
            "a write after recovery was not kept"
        )
        try await store.close()
    }
}
