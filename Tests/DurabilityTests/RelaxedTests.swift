import TestSupport
import Testing
import VectorMath

@testable import VectorStore

@Suite struct `Relaxed durability` {
    @Test func `writes that follow one another steadily are synced within their time`() async throws
    {
        let disk = SimulatedFileSystem()
        var options = StoreOptions()
        options.durability = .relaxed(milliseconds: 20)
        let store = try VectorDatabase.open(at: "/db", options: options, fileSystem: disk)
        let collection = try await store.createCollection(
            CollectionConfiguration(name: "c", dimension: 4)
        )
        var written: UInt64 = 0
        let start = ContinuousClock.now
        while ContinuousClock.now - start < .milliseconds(600) {
            try await collection.upsert([
                Record(id: .integer(written), vector: [1, 2, 3, Float(written)])
            ])
            written += 1
            try await Task.sleep(for: .milliseconds(2))
        }
        // No pause: the power fails while the writes still come.
        let image = disk.image(.none, seed: 1)
        let reopened = try VectorDatabase.open(at: "/db", options: options, fileSystem: image)
        let found = try reopened.collection("c").count()
        #expect(found >= Int(written / 2), "\(found) of \(written) were durable")
        try await reopened.close()
        try await store.close()
    }
}
