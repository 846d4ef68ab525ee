import Foundation
import StorageIO
import TestSupport
import Testing

@testable import VectorStore

@Suite struct `A disk in trouble` {
    /// A store on a simulated disk, with a few records in segments and in the memtable.
    private struct Fixture {
        let simulated = SimulatedFileSystem()
        let disk: FaultInjectingFileSystem
        let store: VectorDatabase
        let collection: VectorCollection
        var maker = Scenario.Maker(seed: 5)
        var contents: Scenario.Contents = [:]

        init() async throws {
            disk = FaultInjectingFileSystem(simulated)
            store = try VectorDatabase.open(
                at: "/data",
                options: FaultRun.options,
                fileSystem: disk
            )
            collection = try await store.createCollection(
                "c",
                dimension: Scenario.dimension,
                partitionKey: "tenant",
                attributes: ["group": .int64]
            )
            try await upsert(0..<30)
            try await collection.flush()
            try await upsert(30..<35)
            try await waitForIdleMark()
        }

        /// Afterwards the log syncs for nobody but a writer.
        private func waitForIdleMark() async throws {
            let place = LogFrameLayout.headerByteCount - LogFrameLayout.type
            for _ in 0..<2_000 {
                let path = "/data/wal/" + (try logFiles.last ?? "")
                let type = simulated.bytes(of: path).map { $0[$0.count - place] }
                if type == LogFrameType.idleMark.rawValue { return }
                try await Task.sleep(for: .milliseconds(5))
            }
            throw StoreContents.Violation(description: "the log never marked that it is idle")
        }

        mutating func upsert(_ ids: Range<Int>) async throws {
            let records = ids.map { maker.record($0) }
            try await collection.upsert(records)
            for record in records { contents[record.id] = record }
        }

        func checkReads() throws {
            let found = try StoreContents.read(store)
            #expect(StoreContents.agree(found ?? [:], contents))
            var maker = maker
            try StoreContents.checkSearch(store, contents, query: maker.vector())
        }

        mutating func codeOfUpsert(_ ids: Range<Int>) async -> VectorStoreError.Code? {
            do {
                try await upsert(ids)
                return nil
            } catch {
                return (error as? VectorStoreError)?.code
            }
        }

        var logFiles: [String] {
            get throws { try simulated.list("/data/wal") }
        }
    }

    @Test(arguments: [Fault.inputOutput, .noSpace, .quota, .interrupted])
    func `a failed sync stops writes for good, and reads go on`(_ fault: Fault) async throws {
        var fixture = try await Fixture()
        // The append is one write, so the first sync after it is the log's.
        let syncs = fixture.disk.failedSyncCount
        fixture.disk.armSync(fault)
        #expect(await fixture.codeOfUpsert(35..<36) == .outcomeUnknown)
        #expect(fixture.disk.failedSyncCount == syncs + 1)
        fixture.disk.arm(nil)
        for id in 36..<39 {
            #expect(await fixture.codeOfUpsert(id..<id + 1) == .storePoisoned)
        }
        await #expect(throws: VectorStoreError.self) { try await fixture.collection.flush() }
        await #expect(throws: VectorStoreError.self) { try await fixture.collection.compact() }
        await #expect(throws: VectorStoreError.self) {
            try await fixture.store.createCollection("d", dimension: 3)
        }
        try fixture.checkReads()
        let before = fixture.simulated.operationCount
        try? await fixture.store.close()
        #expect(fixture.simulated.operationCount == before, "a stopped store wrote to its disk")
        #expect(fixture.disk.misdeeds == [])
    }

    @Test func `writers that wait behind a failed sync are all refused`() async throws {
        let fixture = try await Fixture()
        fixture.disk.armSync(.inputOutput)
        let records = (100..<120).map { id in
            var maker = Scenario.Maker(seed: UInt64(id))
            return maker.record(id)
        }
        let codes = await withTaskGroup(of: VectorStoreError.Code?.self) { group in
            for record in records {
                group.addTask {
                    do {
                        try await fixture.collection.upsert([record])
                        return nil
                    } catch {
                        return (error as? VectorStoreError)?.code
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.allSatisfy { $0 == .outcomeUnknown || $0 == .storePoisoned })
        #expect(codes.contains(.outcomeUnknown))
        try fixture.checkReads()
    }

    @Test(arguments: [Fault.noSpace, .quota])
    func `a full disk refuses writes, serves searches, and is recovered from`(
        _ fault: Fault
    ) async throws {
        var fixture = try await Fixture()
        let before = try fixture.logFiles
        for round in 0..<5 {
            fixture.disk.fill(with: fault)
            for attempt in 0..<10 {
                #expect(await fixture.codeOfUpsert(200..<204) == .diskFull, "attempt \(attempt)")
                try fixture.checkReads()
            }
            await #expect(throws: VectorStoreError.self) { try await fixture.collection.flush() }
            #expect(try fixture.logFiles.count <= before.count + round + 1, "files pile up")
            fixture.disk.arm(nil)
            #expect(await fixture.codeOfUpsert(40 + round..<42 + round) == nil)
            try fixture.checkReads()
        }
        #expect(try fixture.logFiles.last != before.last, "the log went on in the same file")
        try await fixture.collection.flush()
        try await fixture.store.close()
        let again = try VectorDatabase.open(
            at: "/data",
            options: FaultRun.options,
            fileSystem: fixture.simulated.image(.none, seed: 0)
        )
        #expect(StoreContents.agree(try StoreContents.read(again) ?? [:], fixture.contents))
    }

    @Test func `after a full disk the log goes on in a new file`() async throws {
        let simulated = SimulatedFileSystem()
        let disk = FaultInjectingFileSystem(simulated)
        // Long enough for its length alone to begin no new one.
        var options = FaultRun.options
        options.logFileByteCount = 1 << 20
        // A mark that finds the disk full begins a new file as well.
        options.idleMarkMilliseconds = 600_000
        let store = try VectorDatabase.open(at: "/data", options: options, fileSystem: disk)
        let collection = try await store.createCollection("c", dimension: 2)
        try await collection.upsert([Record(id: "a", vector: [1, 2])])
        let before = try simulated.list("/data/wal")
        disk.fill()
        let refusal = await #expect(throws: VectorStoreError.self) {
            try await collection.upsert([Record(id: "b", vector: [1, 2])])
        }
        #expect(refusal?.code == .diskFull)
        disk.arm(nil)
        try await collection.upsert([Record(id: "c", vector: [1, 2])])
        let after = try simulated.list("/data/wal")
        #expect(after.count == before.count + 1 && after.last != before.last, "\(after)")
        try await store.close()
    }

    @Test func `no descriptor and no mapping outlives a store whose calls fail`() async throws {
        let parent = ["/dev/shm", NSTemporaryDirectory()].first {
            FileManager.default.isWritableFile(atPath: $0)
        }
        let root = try #require(parent) + "/vs-faults-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: root) }
        for fault in Fault.allCases {
            for number in [3, 20, 45, 80, 130] {
                let disk = FaultInjectingFileSystem(PosixFileSystem())
                let plan = FaultPlan(fault, number: number, isSticky: number.isMultiple(of: 2))
                var run = FaultRun(on: disk, root: root, plan: plan, seed: 3)
                do {
                    try await run.run()
                } catch {
                    Issue.record("\(plan): \(error)")
                }
                #expect(Self.descriptors(below: root) == [], "\(plan)")
                try? FileManager.default.removeItem(atPath: root)
            }
        }
    }

    private static func descriptors(below root: String) -> [String] {
        let directory = "/proc/self/fd"
        let numbers = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return numbers.compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: directory + "/" + $0)
        }
        .filter { $0.hasPrefix(root) }
    }
}
