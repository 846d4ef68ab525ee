// Stores that an earlier version wrote stay readable.
//
// The stores under fixtures/formats/v1 were written once, by `write`, and are never written again: a
// change of the format comes with a new folder. Tests work on copies.

import Foundation
import TestSupport
import Testing

@testable import VectorStore

@Suite struct `Format 1` {
    private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("fixtures/formats/v1").path

    private static var options: StoreOptions {
        var options = StoreOptions()
        options.minimumIndexedRowCount = 40
        options.maintenanceThreadCount = 1
        options.automaticCompaction = false
        options.automaticIndexing = false
        return options
    }

    /// The operations of the golden stores: a function of their numbers.
    private static func contents(through last: UInt64) -> [RecordID: Record] {
        var contents: [RecordID: Record] = [:]
        for number in 0..<last {
            switch KillPlan.operation(seed: 1, writer: 0, number: number) {
            case .upsert(let records): for record in records { contents[record.id] = record }
            case .delete(let ids): for id in ids { contents[id] = nil }
            }
        }
        return contents
    }

    /// Copies a store to where it may be opened.
    private func copy(_ name: String) throws -> String {
        let target = NSTemporaryDirectory() + "vs-golden-" + UUID().uuidString
        try FileManager.default.copyItem(atPath: Self.fixtures + "/" + name, toPath: target)
        for directory in ["wal", "seg", "idx"] {
            try FileManager.default.createDirectory(
                atPath: target + "/" + directory,
                withIntermediateDirectories: true
            )
        }
        return target
    }

    @Test(arguments: [("clean", UInt64(40)), ("dirty", UInt64(55))])
    func `a store of this format opens and holds what was written`(
        name: String,
        operations: UInt64
    ) async throws {
        let path = try copy(name)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let store = try await VectorDatabase.open(at: path, options: Self.options)
        let collection = try store.collection("c")
        let expected = Self.contents(through: operations)
        let count = try collection.count()
        #expect(count == expected.count)
        let found = try collection.get(expected.keys.sorted())
        for (record, id) in zip(found, expected.keys.sorted()) {
            let wanted = expected[id]
            let isSame =
                record?.attributes == wanted?.attributes && record?.payload == wanted?.payload
                && record?.partition == wanted?.partition
            #expect(isSame, "\(id)")
        }
        let statistics = try store.statistics()
        #expect(statistics.recovery.wasClean == (name == "clean"))
        #expect(try collection.statistics().indexGeneration > 0)
        try await store.close()
        #expect(try VectorDatabase.verify(at: path).problems == [])
    }

    @Test func `a newer format is refused by name and nothing is touched`() async throws {
        let path = try copy("clean")
        defer { try? FileManager.default.removeItem(atPath: path) }
        let files = try FileManager.default.contentsOfDirectory(atPath: path)
        let manifest = try #require(files.filter { $0.hasPrefix("MANIFEST-") }.max())
        var bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path + "/" + manifest)))
        bytes[8] = 2
        try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + manifest))
        let error = await #expect(throws: VectorStoreError.self) {
            try await VectorDatabase.open(at: path, options: Self.options)
        }
        #expect(error?.code == .formatTooNew)
        #expect(error?.message.contains(manifest) == true)
        let after = try FileManager.default.contentsOfDirectory(atPath: path)
        #expect(Set(after).subtracting(["LOCK"]) == Set(files).subtracting(["LOCK"]))
    }

    /// The annotated bytes of docs/formats: a change of a layout or of the dump shows here.
    @Test(arguments: [
        "MANIFEST-00000000000000000006", "wal/00000000000000000001.wal",
        "idx/00000000000000000001.cent", "seg/00000000000000000003.seg",
        "seg/00000000000000000002.00000000000000000142.del",
    ])
    func `every kind of file has the annotated dump that lies beside it`(name: String) throws {
        let text = try VectorDatabase.inspect(file: Self.fixtures + "/dirty/" + name)
        let base = name.split(separator: "/").last.map(String.init) ?? name
        let expected = try String(
            contentsOfFile: Self.fixtures + "/dumps/" + base + ".txt",
            encoding: .utf8
        )
        #expect(text.trimmingWhitespace == expected.trimmingWhitespace)
    }

    /// A file of a store, the damaged one that takes its place, and the offset that is named.
    struct Damage: Sendable {
        var file: String
        var damaged: String
        /// What the message says after the file's name; nil when the damage is no damage.
        var message: String?
        /// Whether an open already notices.
        var isSeenAtOpen: Bool
    }

    @Test(arguments: [
        Damage(
            file: "wal/00000000000000000001.wal",
            damaged: "middle-of-log.wal",
            message: "offset 10656",
            isSeenAtOpen: true
        ),
        Damage(
            file: "wal/00000000000000000001.wal",
            damaged: "torn-tail.wal",
            message: nil,
            isSeenAtOpen: false
        ),
        Damage(
            file: "seg/00000000000000000003.seg",
            damaged: "flipped-byte.seg",
            message: "offset 12288",
            isSeenAtOpen: false
        ),
        Damage(
            file: "seg/00000000000000000003.seg",
            damaged: "truncated.seg",
            message: "61440 bytes are needed, 56440 are there",
            isSeenAtOpen: true
        ),
        Damage(
            file: "idx/00000000000000000001.cent",
            damaged: "flipped-byte.cent",
            message: "offset 2752",
            isSeenAtOpen: true
        ),
    ])
    func `a damaged file is named with the place, and nothing is changed`(
        damage: Damage
    ) async throws {
        let path = try copy("dirty")
        defer { try? FileManager.default.removeItem(atPath: path) }
        let target = path + "/" + damage.file
        try FileManager.default.removeItem(atPath: target)
        try FileManager.default.copyItem(
            atPath: Self.fixtures + "/damaged/" + damage.damaged,
            toPath: target
        )
        let before = FileManager.default.contents(atPath: target)

        let problems = try VectorDatabase.verify(at: path).problems.map { "\($0)" }
        guard let message = damage.message else {
            #expect(problems == [])
            let store = try await VectorDatabase.open(at: path, options: Self.options)
            let count = try store.collection("c").count()
            // The operation whose frame was cut is gone, and no other.
            #expect(count == Self.contents(through: 54).count)
            try await store.close()
            return
        }
        #expect(problems.count == 1)
        #expect(problems.first?.contains(message) == true, "\(problems)")
        if damage.isSeenAtOpen {
            let error = await #expect(throws: VectorStoreError.self) {
                try await VectorDatabase.open(at: path, options: Self.options)
            }
            #expect(error?.code == .corrupt)
            #expect(error?.message.contains(message) == true)
        }
        #expect(FileManager.default.contents(atPath: target) == before)
    }

    /// Writes the golden stores; only for a new format, by hand:
    /// `VS_WRITE_GOLDEN=1 swift test --filter FormatCompatibilityTests`.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["VS_WRITE_GOLDEN"] != nil))
    func `write the golden stores`() async throws {
        for (name, operations) in [("clean", UInt64(40)), ("dirty", UInt64(55))] {
            let path = Self.fixtures + "/" + name
            try #require(!FileManager.default.fileExists(atPath: path), "never written twice")
            try FileManager.default.createDirectory(
                atPath: Self.fixtures,
                withIntermediateDirectories: true
            )
            let store = try await VectorDatabase.open(at: path, options: Self.options)
            let collection = try await store.createCollection(KillPlan.configuration)
            for number in 0..<operations {
                switch KillPlan.operation(seed: 1, writer: 0, number: number) {
                case .upsert(let records): try await collection.upsert(records)
                case .delete(let ids): try await collection.delete(ids: ids)
                }
                if number == 25 { try await collection.rebuildIndex() }
                if number == 32 { try await collection.flush() }
            }
            if name == "clean" { try await store.close() }
        }
    }
}

extension String {
    fileprivate var trimmingWhitespace: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
