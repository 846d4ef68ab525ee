import Foundation
import StorageIO
import Synchronization
import TestSupport
import Testing

@testable import VectorStore

@Suite struct `Readers and copies beside a writer` {
    private static func options() -> StoreOptions {
        var options = FaultRun.options
        options.flushThresholdBytes = 6_000
        options.automaticCompaction = true
        return options
    }

    private func create(_ path: String) async throws -> (VectorDatabase, VectorCollection) {
        let store = try await VectorDatabase.open(at: path, options: Self.options())
        let collection = try await store.createCollection(
            "c",
            dimension: Scenario.dimension,
            partitionKey: "tenant",
            attributes: ["group": .int64]
        )
        return (store, collection)
    }

    /// Each write numbers all of its records alike, so that a mixture shows.
    private func write(_ number: Int, _ collection: VectorCollection) async throws {
        var maker = Scenario.Maker(seed: UInt64(number))
        try await collection.upsert(
            (0..<20).map { id in
                var record = maker.record(id)
                record.partition = "t"
                record.payload = Array("\(number)".utf8)
                return record
            }
        )
    }

    /// The number of the write whose records a store holds.
    private func number(in store: VectorDatabase) throws -> Int {
        let contents = try StoreContents.read(store) ?? [:]
        let payloads = Set(
            contents.values.map { String(decoding: $0.payload ?? [], as: UTF8.self) }
        )
        try StoreContents.require(
            contents.count == 20 && payloads.count == 1,
            "\(contents.count) records of the writes \(payloads.sorted())"
        )
        return Int(payloads.first ?? "") ?? -1
    }

    @Test func `a reader beside the writer sees one acknowledged state and changes nothing`()
        async throws
    {
        let scratch = Scratch()
        let (store, collection) = try await create(scratch.path)
        try await write(0, collection)
        let writer = Task {
            var last = 0
            while !Task.isCancelled {
                last += 1
                try await write(last, collection)
                if last.isMultiple(of: 9) { try await collection.compact() }
            }
            return last
        }
        var seen = 0
        for _ in 0..<60 {
            let reader = try await VectorDatabase.openForReading(at: scratch.path)
            let number = try number(in: reader)
            #expect(number >= seen, "an acknowledged write is gone")
            seen = number
            let refused = await #expect(throws: VectorStoreError.self) {
                try await reader.collection("c").delete(ids: [.integer(1)])
            }
            #expect(refused?.code == .readOnly)
            try await reader.close()
        }
        writer.cancel()
        let last = try await writer.value
        #expect(seen > 0)
        let reader = try await VectorDatabase.openForReading(at: scratch.path)
        #expect(try number(in: reader) == last)
        try await store.close()
        // Its files are gone or stay, its answers stay.
        #expect(try number(in: reader) == last)
        try await reader.close()
    }

    @Test func `a reader opens a store that nobody has closed without touching a byte`()
        async throws
    {
        let disk = SimulatedFileSystem()
        let outcome = await Scenario.run(on: disk, seed: 4)
        let dirty = disk.image(.all, seed: 0)
        let before = dirty.operationCount
        let reader = try VectorDatabase.openForReading(
            at: "/data",
            options: Scenario.options,
            fileSystem: dirty
        )
        let contents = try StoreContents.read(reader) ?? [:]
        #expect(StoreContents.agree(contents, outcome.history[outcome.acknowledged]))
        try await reader.close()
        #expect(dirty.operationCount == before)
    }

    @Test func `a reader follows the writer through flushes, compactions and drops`() async throws {
        let scratch = Scratch()
        let (store, collection) = try await create(scratch.path)
        try await write(1, collection)
        let reader = try await VectorDatabase.openForReading(at: scratch.path)
        #expect(try !reader.refresh())
        for number in 2..<40 {
            try await write(number, collection)
            switch number % 5 {
            case 0: try await collection.flush()
            case 1: try await collection.compact()
            case 2: try await collection.rebuildIndex()
            default: break
            }
            #expect(try reader.refresh(), "nothing new after write \(number)")
            #expect(try self.number(in: reader) == number)
        }
        let other = try await store.createCollection("other", dimension: 2)
        try await other.upsert([Record(id: "x", vector: [1, 1])])
        #expect(try reader.refresh())
        #expect(try reader.collection("other").count() == 1)
        let held = try reader.collection("other")
        try await store.dropCollection("other")
        #expect(try reader.refresh())
        #expect(throws: VectorStoreError.self) { try held.count() }
        #expect(throws: VectorStoreError.self) { try reader.collection("other") }
        let refused = await #expect(throws: VectorStoreError.self) {
            try await reader.collection("c").delete(ids: [.integer(1)])
        }
        #expect(refused?.code == .readOnly)
        try await reader.close()
        try await store.close()
    }

    @Test func `a reader that follows sees writes without being asked to look`() async throws {
        let scratch = Scratch()
        let (store, collection) = try await create(scratch.path)
        try await write(1, collection)
        var options = StoreOptions()
        options.followMilliseconds = 5
        let reader = try await VectorDatabase.openForReading(at: scratch.path, options: options)
        for number in 2..<12 {
            try await write(number, collection)
            if number == 6 { try await collection.flush() }
            // Between two reads it may go on to the next moment: a picture of two is looked at again.
            try await waited { (try? self.number(in: reader)) == number }
        }
        let seen = try reader.statistics()
        let lsn = try store.statistics().lsn
        #expect(seen.lsn == lsn && seen.follow.failure == nil)
        #expect(seen.follow.refreshCount >= 10)

        // Nothing new: nothing is read.
        try await Task.sleep(for: .milliseconds(300))
        let count = try reader.statistics().follow.refreshCount
        try await Task.sleep(for: .milliseconds(100))
        #expect(try reader.statistics().follow.refreshCount == count)

        // A writer whose newest manifest cannot be read is told of; searches go on.
        try await store.close()
        let names = try PosixFileSystem().list(scratch.path).filter { $0.hasPrefix("MANIFEST-") }
        let newest = try #require(names.max())
        let next = try #require(ManifestFile.number(ofName: newest)) + 1
        let file = try PosixFileSystem().open(
            scratch.path + "/" + ManifestFile.name(number: next),
            .createNew
        )
        try file.writeAll([1, 2, 3], at: 0)
        try await waited { try reader.statistics().follow.failure != nil }
        #expect(try self.number(in: reader) == 11)
        try await reader.close()
        #expect(throws: VectorStoreError.self) { try reader.refresh() }
    }

    /// Waits until something holds, at most 20 s.
    private func waited(_ holds: () throws -> Bool) async throws {
        let start = ContinuousClock.now
        while try !holds() {
            guard ContinuousClock.now - start < .seconds(20) else {
                Issue.record("it did not come true within 20 s")
                return
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    @Test func `a copy made under writes is one acknowledged state, verified`() async throws {
        let scratch = Scratch()
        let (store, collection) = try await create(scratch.path)
        try await write(0, collection)
        let acknowledged = Acknowledged()
        let writer = Task {
            var last = 0
            while !Task.isCancelled {
                last += 1
                try await write(last, collection)
                acknowledged.number.store(last, ordering: .sequentiallyConsistent)
                if last.isMultiple(of: 7) { try await collection.compact() }
            }
        }
        for _ in 0..<15 {
            let lower = acknowledged.number.load(ordering: .sequentiallyConsistent)
            let target = Scratch()
            try await store.snapshot(to: target.path)
            let upper = acknowledged.number.load(ordering: .sequentiallyConsistent)
            #expect(try VectorDatabase.verify(at: target.path).problems == [])
            let restored = Scratch()
            try await VectorDatabase.copy(from: target.path, to: restored.path)
            let copy = try await VectorDatabase.open(at: restored.path, options: Self.options())
            let number = try number(in: copy)
            #expect((lower...upper + 1).contains(number))
            try await write(number + 1, copy.collection("c"))
            try await copy.close()
        }
        writer.cancel()
        try await writer.value
        try await store.close()
    }

    @Test func `a copy goes to no directory that holds anything`() async throws {
        let disk = SimulatedFileSystem()
        _ = await Scenario.run(on: disk, seed: 9)
        try disk.createDirectory("/full")
        _ = try disk.open("/full/notes.txt", .createNew)
        let before = disk.operationCount
        let error = #expect(throws: VectorStoreError.self) {
            try StoreCopy(fileSystem: disk, source: "/data", target: "/full").run()
        }
        #expect(error?.code == .notAStore)
        #expect(disk.operationCount == before)
    }

    @Test func `a damaged store is not copied`() async throws {
        let disk = SimulatedFileSystem()
        _ = await Scenario.run(on: disk, seed: 9)
        let path = try #require(disk.filePaths.first { $0.hasSuffix(".seg") })
        var bytes = try #require(disk.bytes(of: path))
        bytes[5_000] ^= 1
        disk.overwrite(path, with: bytes)
        let error = #expect(throws: VectorStoreError.self) {
            try StoreCopy(fileSystem: disk, source: "/data", target: "/copy").run()
        }
        #expect(error?.code == .corrupt)
        #expect(throws: VectorStoreError.self) {
            try VectorDatabase.open(at: "/copy", options: Scenario.options, fileSystem: disk)
        }
    }

    @Test func `a copy that was cut short at any call is refused or whole`() async throws {
        let disk = SimulatedFileSystem()
        let outcome = await Scenario.run(on: disk, seed: 9)
        let whole = disk.image(.all, seed: 0)
        let start = whole.operationCount
        try StoreCopy(fileSystem: whole, source: "/data", target: "/copy").run()
        let operations = whole.operationCount - start
        #expect(operations > 10)
        var wholeCount = 0
        for number in 1...operations + 1 {
            let tried = disk.image(.all, seed: 0)
            tried.armCrash(atOperation: number)
            try? StoreCopy(fileSystem: tried, source: "/data", target: "/copy").run()
            for profile in CrashProfile.allCases {
                let image = tried.image(profile, seed: UInt64(number))
                guard
                    let store = try? VectorDatabase.openForReading(
                        at: "/copy",
                        options: Scenario.options,
                        fileSystem: image
                    )
                else { continue }
                wholeCount += 1
                let contents = try StoreContents.read(store) ?? [:]
                #expect(
                    StoreContents.agree(contents, outcome.history[outcome.acknowledged]),
                    "cut at \(number), \(profile)"
                )
            }
        }
        #expect(wholeCount >= 3)
    }
}

/// The last write that was acknowledged.
private final class Acknowledged: Sendable {
    let number = Atomic<Int>(0)
}
