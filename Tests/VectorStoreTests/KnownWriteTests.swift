import Foundation
import StorageIO
import Testing

@testable import VectorStore

extension LogFixture {
    static func known(
        _ number: UInt64,
        lsn: UInt64,
        count: Int = 3,
        collection: UInt32 = 3
    ) -> KnownWrite {
        KnownWrite(
            collection: collection,
            id: WriteID(RecordUUID(high: 0x0102_0304_0506_0708, low: number)),
            receipt: WriteReceipt(lsn: lsn, count: count)
        )
    }

    /// Appends the operations under ids.
    func append(_ log: inout LogFile, _ knownWrites: [KnownWrite]) throws {
        var frame = LogFrameBuilder()
        for operation in Self.operations { _ = frame.add(operation) }
        try log.append(
            payload: frame.payload,
            firstLSN: log.summary.lastLSN + 1,
            operationCount: frame.operationCount,
            knownWrites: knownWrites
        )
        try log.synchronize()
    }

    /// The writes that a replay tells of.
    func knownWrites(
        _ files: [UInt64] = [1],
        after lsn: UInt64 = 0,
        in other: CrashingFileSystem? = nil
    ) throws(LoadError) -> [KnownWrite] {
        var known: [KnownWrite] = []
        _ = try LogReplay(
            fileSystem: other ?? fileSystem,
            directory: "wal",
            storeUUID: uuid
        ).replay(files: files, after: lsn, knownWrites: { known += $0 }) { _, _ in }
        return known
    }
}

@Suite struct `Known writes` {
    /// Two groups under ids, one write that changed nothing, and a successor that carries them over.
    private func log() throws -> LogFixture {
        let fixture = LogFixture()
        var log = try LogFile.create(
            fileSystem: fixture.fileSystem,
            directory: "wal",
            storeUUID: fixture.uuid,
            sequence: 1,
            firstLSN: 1,
            predecessor: nil,
            salt: 0x5AA5
        )
        try fixture.append(&log, [LogFixture.known(1, lsn: 3)])
        try fixture.append(
            &log,
            [LogFixture.known(2, lsn: 6, count: 2), LogFixture.known(3, lsn: 6, count: 1)]
        )
        try log.append(
            payload: [],
            firstLSN: 7,
            operationCount: 0,
            knownWrites: [LogFixture.known(4, lsn: 6, count: 0, collection: 9)]
        )
        try log.seal()
        var next = try LogFile.create(
            fileSystem: fixture.fileSystem,
            directory: "wal",
            storeUUID: fixture.uuid,
            sequence: 2,
            firstLSN: 7,
            predecessor: log.summary,
            knownWrites: Self.all,
            salt: 0x5AA6
        )
        try fixture.append(&next, [LogFixture.known(5, lsn: 9)])
        return fixture
    }

    private static let all = [
        LogFixture.known(1, lsn: 3), LogFixture.known(2, lsn: 6, count: 2),
        LogFixture.known(3, lsn: 6, count: 1),
        LogFixture.known(4, lsn: 6, count: 0, collection: 9),
    ]

    @Test func `what was done under an id is replayed with its receipt`() throws {
        #expect(try log().knownWrites() == Self.all)
    }

    @Test func `a new file tells what the files before it told`() throws {
        let fixture = try log()
        let last = LogFixture.known(5, lsn: 9)
        #expect(try fixture.knownWrites([1, 2]) == Self.all + Self.all + [last])
        #expect(try fixture.knownWrites([2], after: 6) == Self.all + [last])
        #expect(try fixture.knownWrites([2], after: 9) == Self.all + [last])
    }

    @Test func `a write is known if and only if its group is there, wherever the file is cut`()
        throws
    {
        let fixture = LogFixture()
        var log = try fixture.create()
        try fixture.append(&log, [LogFixture.known(1, lsn: 3)])
        let before = Int(log.byteCount)
        try fixture.append(&log, [LogFixture.known(2, lsn: 6)])
        let bytes = fixture.fileSystem.bytes(fixture.path(1))
        var wholeCount = 0
        for end in before...bytes.count {
            let cut = CrashingFileSystem()
            cut.put(fixture.path(1), Array(bytes[..<end]))
            let groups = try fixture.replay(in: cut).batches.count
            let known = try fixture.knownWrites(in: cut)
            #expect(known.count == groups, "\(end) bytes")
            wholeCount += groups == 2 ? 1 : 0
        }
        #expect(wholeCount == 1)
    }

    @Test func `an id that is announced without its group is damage`() throws {
        let fixture = LogFixture()
        var frames = LogFrameWriter(
            storeUUID: fixture.uuid,
            sequence: 1,
            salt: 7,
            offset: UInt64(LogHeaderLayout.byteCount),
            syncedUpTo: UInt64(LogHeaderLayout.byteCount)
        )
        frames.append([LogFixture.known(1, lsn: 3)], firstLSN: 1)
        let header = LogHeader(
            storeUUID: fixture.uuid,
            sequence: 1,
            firstLSN: 1,
            predecessor: nil,
            salt: 7
        )
        fixture.fileSystem.put(fixture.path(1), header.encoded + frames.bytes)
        #expect(try fixture.knownWrites().isEmpty)
        frames.append(.idleMark, firstLSN: 1)
        fixture.fileSystem.put(fixture.path(1), header.encoded + frames.bytes)
        #expect(throws: LoadError.self) { try fixture.knownWrites() }
    }

    @Test func `the oldest writes are forgotten first`() {
        var known = KnownWrites(capacity: 3)
        for number in UInt64(1)...5 { known.remember(LogFixture.known(number, lsn: number)) }
        known.remember(LogFixture.known(4, lsn: 99))
        #expect(known.all.map(\.receipt.lsn) == [3, 4, 5])
        #expect(known.receipt(of: LogFixture.known(2, lsn: 2).id, in: 3) == nil)
        #expect(known.receipt(of: LogFixture.known(4, lsn: 4).id, in: 3)?.lsn == 4)
        #expect(known.receipt(of: LogFixture.known(4, lsn: 4).id, in: 4) == nil)
    }

    /// The bytes of log format 1.1, compared with the files that lie in the repository.
    @Test func `the golden files of format 1_1 are what is written`() throws {
        let fixture = try log()
        let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("fixtures/formats/log-1.1")
        for sequence in UInt64(1)...2 {
            let name = LogFile.name(sequence: sequence)
            let bytes = fixture.fileSystem.bytes(fixture.path(sequence))
            let dump = LogDump(bytes: bytes, name: name).text
            let file = directory.appendingPathComponent(name)
            if ProcessInfo.processInfo.environment["VS_WRITE_GOLDEN"] != nil {
                try FileManager.default.createDirectory(
                    at: directory,
                    withIntermediateDirectories: true
                )
                try Data(bytes).write(to: file)
                try dump.write(
                    to: directory.appendingPathComponent(name + ".txt"),
                    atomically: true,
                    encoding: .utf8
                )
            }
            #expect(try [UInt8](Data(contentsOf: file)) == bytes)
            let text = try String(
                contentsOf: directory.appendingPathComponent(name + ".txt"),
                encoding: .utf8
            )
            #expect(text == dump)
        }
    }
}
