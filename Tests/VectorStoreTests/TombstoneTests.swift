import StorageIO
import Testing

@testable import VectorStore

@Suite struct `Tombstones` {
    private let uuid = [UInt8](repeating: 3, count: 16)

    @Test func `a set agrees with a set of integers`() {
        var generator = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 0...UInt64.max, using: &generator)
        var state = seed
        var set = TombstoneSet(rowCount: 100_000)
        var truth: Set<Int> = []
        for _ in 0..<3_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let ordinal = Int(state >> 33) % 100_000
            set.insert(ordinal)
            truth.insert(ordinal)
        }
        #expect(set.count == truth.count, "seed \(seed)")
        #expect((0..<100_000).allSatisfy { set.contains($0) == truth.contains($0) }, "seed \(seed)")
    }

    @Test(arguments: [0, 1, 63, 64, 32_767, 32_768, 1_000_000])
    func `a copy does not see what the other hides`(ordinal: Int) {
        var set = TombstoneSet(rowCount: 10)
        set.insert(5)
        let copy = set
        set.insert(ordinal)
        #expect(set.contains(ordinal))
        #expect(!copy.contains(ordinal))
        #expect(copy.count == 1 && set.count == 2)
    }

    private func write(
        _ ordinals: [Int],
        rowCount: Int,
        to fileSystem: CrashingFileSystem
    ) throws -> TombstoneFileEntry {
        var set = TombstoneSet(rowCount: rowCount)
        for ordinal in ordinals { set.insert(ordinal) }
        return try TombstoneFile.write(
            set,
            rowCount: rowCount,
            segmentID: 8,
            lsn: 55,
            storeUUID: uuid,
            directory: "seg",
            fileSystem: fileSystem
        )
    }

    private func load(
        _ entry: TombstoneFileEntry,
        segmentID: UInt64 = 8,
        rowCount: Int,
        from fileSystem: CrashingFileSystem
    ) throws(LoadError) -> TombstoneSet {
        try TombstoneFile.load(
            entry,
            segmentID: segmentID,
            rowCount: rowCount,
            storeUUID: uuid,
            directory: "seg",
            fileSystem: fileSystem
        )
    }

    @Test(arguments: [1, 63, 64, 65, 32_768, 70_001])
    func `a file is read back as it was`(rowCount: Int) throws {
        let fileSystem = CrashingFileSystem()
        let ordinals = Set([0, rowCount / 2, rowCount - 1])
        let entry = try write(Array(ordinals), rowCount: rowCount, to: fileSystem)
        #expect(entry.count == UInt64(ordinals.count))
        let found = try load(entry, rowCount: rowCount, from: fileSystem)
        #expect(found.count == ordinals.count)
        #expect((0..<rowCount).allSatisfy { found.contains($0) == ordinals.contains($0) })
    }

    @Test func `a flipped byte, a cut and a longer file are refused`() throws {
        let fileSystem = CrashingFileSystem()
        let entry = try write([1, 64], rowCount: 70, to: fileSystem)
        let path = "seg/" + TombstoneFile.name(segmentID: 8, lsn: 55)
        let bytes = fileSystem.bytes(path)
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 4
            fileSystem.put(path, damaged)
            #expect(throws: LoadError.self) { try load(entry, rowCount: 70, from: fileSystem) }
            fileSystem.put(path, Array(bytes[..<index]))
            #expect(throws: LoadError.self) { try load(entry, rowCount: 70, from: fileSystem) }
        }
        fileSystem.put(path, bytes + [0])
        #expect(throws: LoadError.self) { try load(entry, rowCount: 70, from: fileSystem) }
    }

    @Test func `a file with the same rows is used again, one with others is left alone`() throws {
        let fileSystem = CrashingFileSystem()
        let first = try write([1, 64], rowCount: 70, to: fileSystem)
        #expect(try write([1, 64], rowCount: 70, to: fileSystem) == first)
        let second = try write([1, 2, 64], rowCount: 70, to: fileSystem)
        #expect(first.lsn == 55 && second.lsn == 56)
        #expect(try write([1, 2, 64], rowCount: 70, to: fileSystem) == second)
        for (entry, count) in [(first, 2), (second, 3)] {
            #expect(try load(entry, rowCount: 70, from: fileSystem).count == count)
        }
    }

    @Test func `a file of another segment or row count is refused`() throws {
        let fileSystem = CrashingFileSystem()
        let entry = try write([1], rowCount: 70, to: fileSystem)
        fileSystem.put(
            "seg/" + TombstoneFile.name(segmentID: 9, lsn: 55),
            fileSystem.bytes("seg/" + TombstoneFile.name(segmentID: 8, lsn: 55))
        )
        #expect(throws: LoadError.self) {
            try load(entry, segmentID: 9, rowCount: 70, from: fileSystem)
        }
        #expect(throws: LoadError.self) { try load(entry, rowCount: 71, from: fileSystem) }
    }
}
