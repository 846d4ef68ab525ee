import StorageIO
import Testing

@testable import VectorStore

@Suite struct `Log chain` {
    private func twoFiles(sealing: Bool = true) throws -> LogFixture {
        let fixture = LogFixture()
        var first = try fixture.create()
        try fixture.append(&first)
        if sealing { try first.seal() }
        var second = try fixture.create(2, firstLSN: 4, predecessor: first.summary)
        try fixture.append(&second)
        return fixture
    }

    @Test(arguments: [true, false])
    func `files are read as one log`(sealing: Bool) throws {
        let (summary, batches) = try twoFiles(sealing: sealing).replay([1, 2])
        #expect(batches.map(\.0) == [1, 4])
        #expect(summary.lastLSN == 6)
        #expect(summary.lastFile?.sequence == 2)
    }

    @Test func `a missing file is refused by name`() throws {
        let fixture = try twoFiles()
        try fixture.fileSystem.remove(fixture.path(2))
        do {
            _ = try fixture.replay([1, 2])
            Issue.record("the missing file was not noticed")
        } catch .corruption(.missingFile(let file, _)) {
            #expect(file == fixture.path(2))
        }
    }

    @Test func `a log that begins after the flushed changes is refused`() throws {
        let fixture = try twoFiles()
        #expect(throws: LoadError.self) { try fixture.replay([2], after: 2) }
        #expect(try fixture.replay([2], after: 3).batches.map(\.0) == [4])
    }

    @Test func `a file of another store is refused`() throws {
        let fixture = LogFixture()
        _ = try fixture.create(uuid: [UInt8](repeating: 9, count: 16))
        #expect(throws: LoadError.self) { try fixture.replay() }
    }

    @Test func `a file under another number is refused`() throws {
        let fixture = try twoFiles()
        fixture.fileSystem.put(fixture.path(3), fixture.fileSystem.bytes(fixture.path(2)))
        #expect(throws: LoadError.self) { try fixture.replay([1, 3]) }
    }

    @Test func `a file that does not follow the one before is refused`() throws {
        let fixture = try twoFiles()
        var other = try fixture.create(3, firstLSN: 4, predecessor: nil)
        try fixture.append(&other)
        #expect(throws: LoadError.self) { try fixture.replay([1, 3]) }
    }

    @Test func `a predecessor cut shorter than its successor knew is refused`() throws {
        let fixture = try twoFiles(sealing: false)
        let bytes = fixture.fileSystem.bytes(fixture.path(1))
        for length in stride(from: 4_096, to: bytes.count, by: 8) {
            fixture.fileSystem.put(fixture.path(1), Array(bytes[..<length]))
            #expect(throws: LoadError.self, "length \(length)") { try fixture.replay([1, 2]) }
        }
    }

    @Test func `a torn tail that the successor did not count stays dropped`() throws {
        let fixture = try twoFiles(sealing: false)
        let bytes = fixture.fileSystem.bytes(fixture.path(1))
        fixture.fileSystem.put(fixture.path(1), bytes + [1, 2, 3])
        let (summary, batches) = try fixture.replay([1, 2])
        #expect(batches.map(\.0) == [1, 4])
        #expect(summary.discardedByteCount == 3)
    }

    @Test func `replay makes durable what only the page cache held`() throws {
        let fixture = LogFixture()
        var log = try fixture.create()
        try fixture.append(&log, synchronizing: false)
        let lost = fixture.fileSystem.afterPowerLoss(keepingUnsynced: false)
        #expect(try fixture.replay(in: lost).batches.isEmpty)
        #expect(try fixture.replay().batches.count == 1)
        let kept = fixture.fileSystem.afterPowerLoss(keepingUnsynced: false)
        #expect(try fixture.replay(in: kept).batches.count == 1)
    }
}
