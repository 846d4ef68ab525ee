import Foundation
import StorageIO
import TestSupport
import Testing

@testable import VectorStore

@Suite struct `Archives of stores` {
    /// A closed store with an index, segments, tombstones and a log, and what it holds.
    private func store(_ path: String) async throws -> [RecordID: Record] {
        let store = try await VectorDatabase.open(at: path, options: FaultRun.options)
        let collection = try await store.createCollection(
            "c",
            dimension: Scenario.dimension,
            partitionKey: "tenant",
            attributes: ["group": .int64]
        )
        var maker = Scenario.Maker(seed: 3)
        for batch in 0..<6 {
            try await collection.upsert(
                (0..<60).map { row in
                    var record = maker.record(batch * 60 + row)
                    record.partition = "t"
                    return record
                }
            )
            if batch == 3 { try await collection.rebuildIndex() }
        }
        try await collection.delete(ids: [.integer(5), .integer(70), .integer(300)])
        let contents = try StoreContents.read(store) ?? [:]
        try await store.close()
        return contents
    }

    private func contents(_ path: String) async throws -> [RecordID: Record] {
        let store = try await VectorDatabase.open(at: path, options: FaultRun.options)
        let contents = try StoreContents.read(store) ?? [:]
        try await store.close()
        return contents
    }

    @Test func `an archive brings the store back, here and with tar and lz4`() async throws {
        let scratch = Scratch()
        let source = scratch.path + "/store"
        try FileManager.default.createDirectory(
            atPath: scratch.path,
            withIntermediateDirectories: true
        )
        let expected = try await store(source)
        let archive = scratch.path + "/store.tar.lz4"
        try await VectorDatabase.copy(from: source, to: archive)
        // The copy that it was made of is gone.
        let left = try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted()
        #expect(left == ["store", "store.tar.lz4"])

        try await VectorDatabase.copy(from: archive, to: scratch.path + "/back")
        #expect(try await contents(scratch.path + "/back") == expected)
        #expect(try VectorDatabase.verify(at: scratch.path + "/back").problems == [])

        let error = await #expect(throws: VectorStoreError.self) {
            try await VectorDatabase.copy(from: source, to: archive)
        }
        #expect(error?.code == .notAStore)
        #expect(error?.message.contains("choose a new name") == true)

        // liblz4 comes without its program; bsdtar and Python are not everywhere either.
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/lz4") else {
            print("archive test: /usr/bin/lz4 is not there, so that only the library has read it")
            return
        }
        let unpacked = scratch.path + "/unpacked"
        try FileManager.default.createDirectory(
            atPath: unpacked,
            withIntermediateDirectories: true
        )
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "lz4 -dc '\(archive)' | tar -x -C '\(unpacked)'"]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(try await contents(unpacked) == expected)
    }

    @Test func `an archive that is cut short or changed anywhere makes no store`() async throws {
        let scratch = Scratch()
        try FileManager.default.createDirectory(
            atPath: scratch.path,
            withIntermediateDirectories: true
        )
        _ = try await store(scratch.path + "/store")
        let archive = scratch.path + "/store.tar.lz4"
        try await VectorDatabase.copy(from: scratch.path + "/store", to: archive)
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: archive)))
        var random = SystemRandomNumberGenerator()
        for attempt in 0..<120 {
            var damaged = bytes
            if attempt.isMultiple(of: 2) {
                damaged.removeLast(Int.random(in: 1...bytes.count, using: &random))
            } else {
                let place = Int.random(in: bytes.indices, using: &random)
                damaged[place] ^= 1 << UInt8(attempt / 2 % 8)
            }
            let file = scratch.path + "/damaged-\(attempt).tar.lz4"
            try Data(damaged).write(to: URL(fileURLWithPath: file))
            let target = scratch.path + "/target-\(attempt)"
            let error = await #expect(throws: VectorStoreError.self, "\(attempt)") {
                try await VectorDatabase.copy(from: file, to: target)
            }
            #expect(error?.code == .corrupt, "\(attempt): \(String(describing: error))")
            let open = await #expect(throws: VectorStoreError.self) {
                try await VectorDatabase.openForReading(at: target)
            }
            #expect(open?.code == .notAStore, "\(attempt)")
        }
    }

    /// An archive of entries that somebody else wrote.
    private func hostile(_ entries: [(name: String, bytes: [UInt8])], _ path: String) throws {
        let compressor = LZ4Compressor()
        var bytes = compressor.begin()
        for entry in entries {
            bytes += compressor.compress(
                TarHeader(name: entry.name, byteCount: UInt64(entry.bytes.count)).block
            )
            bytes += compressor.compress(entry.bytes)
            let rest = entry.bytes.count % TarHeader.blockByteCount
            if rest > 0 {
                bytes += compressor.compress(
                    [UInt8](repeating: 0, count: TarHeader.blockByteCount - rest)
                )
            }
        }
        bytes += compressor.compress([UInt8](repeating: 0, count: 1_024)) + compressor.end()
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    @Test(arguments: [
        ["../outside"], ["/etc/outside"], ["seg/../../outside"], ["seg/.hidden"], ["seg/"],
        ["other/00000000000000000001.seg"], ["LOCK"], ["seg/a/b"],
        ["seg/00000000000000000001.seg", "seg/00000000000000000001.seg"],
        ["MANIFEST-00000000000000000001", "MANIFEST-00000000000000000002"], [],
        ["MANIFEST-00000000000000000001"],
    ])
    func `names that no store has are refused, and nothing is written elsewhere`(
        names: [String]
    ) async throws {
        let scratch = Scratch()
        try FileManager.default.createDirectory(
            atPath: scratch.path,
            withIntermediateDirectories: true
        )
        let archive = scratch.path + "/hostile.tar.lz4"
        try hostile(names.map { ($0, Array("contents".utf8)) }, archive)
        let error = await #expect(throws: VectorStoreError.self) {
            try await VectorDatabase.copy(from: archive, to: scratch.path + "/target")
        }
        #expect(error?.code == .corrupt, "\(names): \(String(describing: error))")
        let left = try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted()
        #expect(left == ["hostile.tar.lz4", "target"])
    }

    @Test(arguments: [0, 1, 511, 512, 513, 1 << 20, (1 << 33) - 1, 1 << 33, 1 << 40])
    func `a header is read as it was written`(byteCount: UInt64) throws {
        let header = TarHeader(name: "seg/00000000000000000001.seg", byteCount: byteCount)
        #expect(TarHeader(block: header.block) == header)
        var block = header.block
        block[3] ^= 1
        #expect(TarHeader(block: block) == nil)
    }
}
