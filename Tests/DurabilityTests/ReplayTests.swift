import StorageIO
import TestSupport
import Testing
import VectorMath

@testable import VectorStore

/// Changes that are replayed although segments hold them already: another collection was not flushed.
@Suite struct `Replay over what is there` {
    private static var options: StoreOptions {
        var options = StoreOptions()
        options.automaticCompaction = false
        options.automaticIndexing = false
        return options
    }

    private func record(_ id: UInt64, _ value: Float = 1) -> Record {
        Record(id: .integer(id), vector: [1, value, Float(id)])
    }

    private func create(_ store: VectorDatabase, _ name: String) async throws -> VectorCollection {
        try await store.createCollection(CollectionConfiguration(name: name, dimension: 3))
    }

    private func ids(_ name: String, in store: VectorDatabase) throws -> [UInt64] {
        let found = try store.collection(name).search(
            SearchQuery(vector: [1, 1, 1], k: 100, recallTarget: 1, include: [])
        )
        return found.matches.compactMap { if case .integer(let id) = $0.id { id } else { nil } }
            .sorted()
    }

    /// The tombstones of a segment at the last LSN are durable; the replay hides more of its rows.
    @Test func `a store whose collections were flushed at different times opens, again and again`()
        async throws
    {
        let disk = SimulatedFileSystem()
        let store = try VectorDatabase.open(at: "/db", options: Self.options, fileSystem: disk)
        let flushed = try await create(store, "flushed")
        let quiet = try await create(store, "quiet")
        try await quiet.upsert([record(100)])
        try await flushed.upsert([record(1), record(2)])
        try await flushed.flush()
        try await flushed.delete(ids: [.integer(1)])
        try await flushed.flush()
        for profile in CrashProfile.allCases {
            var image = disk.image(profile, seed: 7)
            for round in 0..<3 {
                let again = try VectorDatabase.open(
                    at: "/db",
                    options: Self.options,
                    fileSystem: image
                )
                #expect(try ids("flushed", in: again) == [2], "\(profile), round \(round)")
                #expect(try ids("quiet", in: again) == [100], "\(profile), round \(round)")
                try await again.collection("flushed").upsert([record(2, Float(round))])
                image = image.image(profile, seed: UInt64(round))
            }
        }
        try await store.close()
    }

    /// Requests that share a frame, of which one collection has its part in a segment.
    @Test func `what a segment holds of a frame is not applied twice`() async throws {
        let disk = SimulatedFileSystem()
        let slow = TracingFileSystem(disk, syncMicroseconds: 20_000)
        let store = try VectorDatabase.open(at: "/db", options: Self.options, fileSystem: slow)
        let one = try await create(store, "one")
        let other = try await create(store, "other")
        let calls = slow.calls.count
        // While the first is synced the others become one group. Were one of them visible before the others,
        // there would be two states with one LSN.
        await withTaskGroup(of: Void.self) { group in
            for id in 0..<32 as Range<UInt64> {
                group.addTask { _ = try? await one.upsert([record(id), record(id + 1)]) }
                group.addTask { _ = try? await other.upsert([record(id)]) }
            }
        }
        let syncs = slow.calls[calls...].count { $0.hasPrefix("synchronize") }
        #expect(syncs < 32, "the writes did not share frames")
        try await one.flush()
        let replayed = try VectorDatabase.open(
            at: "/db",
            options: Self.options,
            fileSystem: disk.image(.all, seed: 1)
        )
        #expect(try ids("one", in: replayed) == Array(0...32))
        #expect(try ids("other", in: replayed) == Array(0..<32))
        try await replayed.close()
        try await store.close()
    }
}
