// Stores that an earlier version wrote stay readable.
//
// The stores under fixtures/formats/v1 and v1.3 were written once, by `write`, and are never written
// again: a change of the format comes with a new folder. Tests work on copies.

import Foundation
import TestSupport
import Testing

@testable import VectorStore

@Suite struct `Format 1` {
    private static let formats = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("fixtures/formats").path

    /// The version whose files the damaged ones come from.
    private static let fixtures = formats + "/v1"

    /// Copies a store to where it may be opened.
    private func copy(_ name: String, version: GoldenLife = .v1) throws -> String {
        let target = NSTemporaryDirectory() + "vs-golden-" + UUID().uuidString
        let source = Self.formats + "/" + version.rawValue + "/" + name
        try FileManager.default.copyItem(atPath: source, toPath: target)
        for directory in ["wal", "seg", "idx"] {
            try FileManager.default.createDirectory(
                atPath: target + "/" + directory,
                withIntermediateDirectories: true
            )
        }
        return target
    }

    @Test(arguments: GoldenLife.allCases, [("clean", UInt64(40)), ("dirty", UInt64(55))])
    func `a store of this format opens and holds what was written`(
        version: GoldenLife,
        life: (name: String, operations: UInt64)
    ) async throws {
        let (name, operations) = life
        let path = try copy(name, version: version)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let store = try await VectorDatabase.open(at: path, options: version.options)
        let collection = try store.collection("c")
        let expected = version.contents(after: operations)
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

    /// Answers of a collection of each version are those of a scan of what was written.
    @Test(arguments: GoldenLife.allCases)
    func `a store of this format is searched`(version: GoldenLife) async throws {
        let path = try copy("clean", version: version)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let store = try await VectorDatabase.open(at: path, options: version.options)
        let collection = try store.collection("c")
        let contents = version.contents(after: 40)
        var coded = 0
        for target in [1, 0.95] {
            for record in contents.values {
                for partition in [nil, record.partition] {
                    let query = SearchQuery(
                        vector: record.vector,
                        k: 1,
                        partition: partition,
                        recallTarget: target
                    )
                    let answer = try collection.search(query)
                    let best = answer.matches.first
                    #expect(best?.id == record.id, "\(record.id) at \(target)")
                    if answer.statistics.codesScanned > 0 { coded += 1 }
                }
            }
        }
        // Each row of the newer one by the lists over all, those of two partitions by codes of their own.
        #expect(version == .v1 ? coded == 0 : coded >= contents.count + 880)
        try await store.close()
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
            try await VectorDatabase.open(at: path, options: GoldenLife.v1.options)
        }
        #expect(error?.code == .formatTooNew)
        #expect(error?.message.contains(manifest) == true)
        let after = try FileManager.default.contentsOfDirectory(atPath: path)
        #expect(Set(after).subtracting(["LOCK"]) == Set(files).subtracting(["LOCK"]))
    }

    /// The annotated bytes of docs/formats: a change of a layout or of the dump shows here.
    @Test(arguments: GoldenLife.allCases)
    func `every kind of file has the annotated dump that lies beside it`(
        version: GoldenLife
    ) throws {
        let folder = Self.formats + "/" + version.rawValue
        let dumps = try FileManager.default.contentsOfDirectory(atPath: folder + "/dumps")
        #expect(dumps.count >= 5)
        for dump in dumps {
            let name = dump.dropLast(".txt".count)
            let place =
                switch name.split(separator: ".").last {
                case "wal": "wal/"
                case "cent": "idx/"
                case "seg", "del": "seg/"
                default: ""
                }
            let text = try VectorDatabase.inspect(file: folder + "/dirty/" + place + name)
            let expected = try String(contentsOfFile: folder + "/dumps/" + dump, encoding: .utf8)
            #expect(text.trimmingWhitespace == expected.trimmingWhitespace, "\(name)")
        }
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
            let store = try await VectorDatabase.open(at: path, options: GoldenLife.v1.options)
            let count = try store.collection("c").count()
            // The operation whose frame was cut is gone, and no other.
            #expect(count == GoldenLife.v1.contents(after: 54).count)
            try await store.close()
            return
        }
        #expect(problems.count == 1)
        #expect(problems.first?.contains(message) == true, "\(problems)")
        if damage.isSeenAtOpen {
            let error = await #expect(throws: VectorStoreError.self) {
                try await VectorDatabase.open(at: path, options: GoldenLife.v1.options)
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
        let life = GoldenLife.newest
        for (name, operations) in [("clean", UInt64(40)), ("dirty", UInt64(55))] {
            let folder = Self.formats + "/" + life.rawValue
            let path = folder + "/" + name
            try #require(!FileManager.default.fileExists(atPath: path), "never written twice")
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true
            )
            let store = try await VectorDatabase.open(at: path, options: life.options)
            let collection = try await store.createCollection(life.configuration)
            for number in 0..<operations {
                switch life.operation(number) {
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
