import StorageIO
import TestSupport
import Testing

@testable import VectorStore

/// A write that is sent again under the same id.
@Suite struct `A write sent again` {
    private static let id = WriteID(RecordUUID(high: 1, low: 2))

    private static var options: StoreOptions {
        var options = StoreOptions()
        options.logFileByteCount = 6_000
        options.maintenanceThreadCount = 1
        options.automaticCompaction = false
        options.automaticIndexing = false
        options.ballastByteCount = 0
        options.scrubBytesPerSecond = 0
        return options
    }

    private func open(_ disk: any FileSystem) throws -> VectorDatabase {
        try VectorDatabase.open(at: "/data", options: Self.options, fileSystem: disk)
    }

    private func record(_ id: RecordID, _ group: Int64) -> Record {
        Record(id: id, vector: [1, 2, 3], attributes: ["group": .int64(group)])
    }

    private func collection(_ store: VectorDatabase) async throws -> VectorCollection {
        try await store.createCollection("c", dimension: 3, attributes: ["group": .int64])
    }

    private func group(_ collection: VectorCollection, _ id: RecordID) throws -> AttributeValue? {
        try collection.get([id])[0]?.attributes["group"]
    }

    @Test func `is answered with the first receipt and changes nothing`() async throws {
        let store = try open(SimulatedFileSystem())
        let collection = try await collection(store)
        let first = try await collection.upsert([record("a", 1)], writeID: Self.id)
        try await collection.upsert([record("a", 2)])
        let second = try await collection.upsert([record("a", 1)], writeID: Self.id)
        #expect(!first.isRepeated && second.isRepeated)
        #expect(second.lsn == first.lsn && second.count == 1)
        #expect(try group(collection, "a") == .int64(2))
        // In another collection the same id is another write.
        let other = try await store.createCollection("d", dimension: 3)
        let receipt = try await other.delete(ids: ["a"], writeID: Self.id)
        #expect(!receipt.isRepeated)
        try await store.close()
    }

    @Test func `is answered on a full disk, where the others are refused`() async throws {
        let disk = CappedFileSystem(SimulatedFileSystem(), capacity: 4 << 20)
        let store = try open(disk)
        let collection = try await collection(store)
        let first = try await collection.upsert([record("a", 1)], writeID: Self.id)
        disk.take(nil)
        let refusal = await #expect(throws: VectorStoreError.self) {
            try await collection.upsert([record("b", 1)], writeID: .random())
        }
        #expect(refusal?.code == .diskFull)
        // Once where the log was found full, once where writes that grow are refused at once.
        for _ in 0..<2 {
            let second = try await collection.upsert([record("a", 1)], writeID: Self.id)
            #expect(second.isRepeated && second.lsn == first.lsn)
        }
        #expect(try collection.count() == 1)
        disk.take(0)
        try await store.close()
    }

    @Test func `is known after power loss, flushes, merges, new logs and restarts`() async throws {
        let disk = SimulatedFileSystem()
        var store = try open(disk)
        var collection = try await collection(store)
        let first = try await collection.upsert([record("a", 1)], writeID: Self.id)
        var image = disk
        for round in 0..<4 {
            image = image.image(.none, seed: 1)
            store = try open(image)
            collection = try store.collection("c")
            // More than one log file, all of whose changes are flushed.
            for number in 0..<40 {
                try await collection.upsert([record(.integer(UInt64(number)), Int64(round))])
            }
            try await collection.flush()
            try await collection.compact()
            #expect(try collection.receipt(of: Self.id)?.lsn == first.lsn, "round \(round)")
            if round == 2 { try await store.close() }
        }
        let again = try await collection.upsert([record("a", 5)], writeID: Self.id)
        #expect(again.isRepeated)
        #expect(try group(collection, "a") == .int64(1))
        let reader = try VectorDatabase.openForReading(
            at: "/data",
            options: Self.options,
            fileSystem: image
        )
        #expect(try reader.collection("c").receipt(of: Self.id)?.lsn == first.lsn)
    }

    @Test func `is known when it changed nothing`() async throws {
        let disk = SimulatedFileSystem()
        var store = try open(disk)
        var collection = try await collection(store)
        let first = try await collection.delete(ids: ["a"], writeID: Self.id)
        #expect(first.count == 0)
        store = try open(disk.image(.none, seed: 1))
        collection = try store.collection("c")
        try await collection.upsert([record("a", 1)])
        let again = try await collection.delete(ids: ["a"], writeID: Self.id)
        #expect(again.isRepeated && again.count == 0)
        #expect(try collection.count() == 1)
        try await store.close()
    }

    @Test func `is done when it was refused the first time`() async throws {
        let store = try open(SimulatedFileSystem())
        let collection = try await collection(store)
        let patch = RecordPatch(id: "a", attributes: ["group": .int64(9)])
        await #expect(throws: VectorStoreError.self) {
            try await collection.update([patch], writeID: Self.id)
        }
        try await collection.upsert([record("a", 1)])
        let receipt = try await collection.update([patch], writeID: Self.id)
        #expect(!receipt.isRepeated && receipt.count == 1)
        #expect(try group(collection, "a") == .int64(9))
        try await store.close()
    }

    @Test func `is done once when many send it at the same time`() async throws {
        let store = try open(SimulatedFileSystem())
        let collection = try await collection(store)
        let receipts = try await withThrowingTaskGroup(of: WriteReceipt.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await collection.upsert([record("a", 1)], writeID: Self.id)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(receipts.count { !$0.isRepeated } == 1)
        #expect(Set(receipts.map(\.lsn)).count == 1)
        #expect(try store.statistics().lsn == receipts[0].lsn)
        try await store.close()
    }

    @Test(arguments: FailedSync.allCases)
    func `is done or known after a sync failed, and in no case done twice`(
        _ model: FailedSync
    ) async throws {
        var wasKnown: Set<Bool> = []
        for number in 1...4 {
            let disk = SimulatedFileSystem()
            let store = try open(disk)
            let collection = try await collection(store)
            disk.armSync(disk.syncCount + number, model)
            _ = try? await collection.upsert([record("a", 1)], writeID: Self.id)
            _ = try? await collection.upsert([record("b", 1)])
            for image in [disk.image(.none, seed: 1), disk.clone()] {
                let again = try open(image)
                let found = try again.collection("c")
                let isThere = try group(found, "a") != nil
                #expect(try (found.receipt(of: Self.id) != nil) == isThere, "sync \(number)")
                let receipt = try await found.upsert([record("a", 2)], writeID: Self.id)
                #expect(receipt.isRepeated == isThere, "sync \(number)")
                #expect(try group(found, "a") == .int64(isThere ? 1 : 2))
                wasKnown.insert(isThere)
            }
        }
        #expect(wasKnown == [true, false])
    }
}
