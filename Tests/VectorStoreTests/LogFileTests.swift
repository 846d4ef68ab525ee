import Glibc
import StorageIO
import Testing

@testable import VectorStore

/// A log of one store in memory.
struct LogFixture {
    let fileSystem = CrashingFileSystem()
    let uuid: [UInt8] = (0..<16).map { UInt8($0 * 7) }

    static let operations: [LogOperation] = [
        LogOperation(
            collection: 3,
            change: .upsert(
                StoredRow(
                    id: "lecture-1",
                    partition: "ada",
                    vector: [0.6, -0.8, 0],
                    attributes: [.string("v1"), nil, .int64(-5), .double(0.25), .bool(true)],
                    payload: Array("{}".utf8)
                )
            )
        ),
        LogOperation(
            collection: 3,
            change: .upsert(
                StoredRow(id: 7, partition: "", vector: [1], attributes: [], payload: nil)
            )
        ),
        LogOperation(
            collection: .max,
            change: .delete(.uuid(RecordUUID(high: 1 << 63, low: 2)))
        ),
    ]

    func create(
        _ sequence: UInt64 = 1,
        firstLSN: UInt64 = 1,
        predecessor: LogFileSummary? = nil,
        uuid: [UInt8]? = nil
    ) throws -> LogFile {
        try LogFile.create(
            fileSystem: fileSystem,
            directory: "wal",
            storeUUID: uuid ?? self.uuid,
            sequence: sequence,
            firstLSN: firstLSN,
            predecessor: predecessor
        )
    }

    func append(_ log: inout LogFile, synchronizing: Bool = true) throws {
        var frame = LogFrameBuilder()
        for operation in Self.operations {
            let isAdded = frame.add(operation)
            #expect(isAdded)
        }
        try log.append(
            payload: frame.payload,
            firstLSN: log.summary.lastLSN + 1,
            operationCount: frame.operationCount
        )
        if synchronizing { try log.synchronize() }
    }

    /// Replays and returns what was read.
    func replay(
        _ files: [UInt64] = [1],
        after lsn: UInt64 = 0,
        in other: CrashingFileSystem? = nil
    ) throws(LoadError) -> (summary: LogReplay.Summary, batches: [(UInt64, [LogOperation])]) {
        var batches: [(UInt64, [LogOperation])] = []
        let summary = try LogReplay(
            fileSystem: other ?? fileSystem,
            directory: "wal",
            storeUUID: uuid
        ).replay(files: files, after: lsn) { (first, operations) throws(LoadError) in
            batches.append((first, operations))
        }
        return (summary, batches)
    }

    func path(_ sequence: UInt64) -> String { "wal/" + LogFile.name(sequence: sequence) }
}

@Suite struct `Log file` {
    @Test func `what was appended is replayed in order with its LSNs`() throws {
        let fixture = LogFixture()
        var log = try fixture.create()
        for _ in 0..<3 { try fixture.append(&log) }
        let (summary, batches) = try fixture.replay()
        #expect(batches.map(\.0) == [1, 4, 7])
        #expect(batches.allSatisfy { $0.1 == LogFixture.operations })
        #expect(summary.lastLSN == 9)
        #expect(summary.operationCount == 9)
        #expect(summary.lastFile == log.summary)
        #expect(!summary.isSealed)
        #expect(summary.discardedByteCount == 0)
    }

    @Test func `groups at or before the flushed LSN are passed over`() throws {
        let fixture = LogFixture()
        var log = try fixture.create()
        for _ in 0..<3 { try fixture.append(&log) }
        #expect(try fixture.replay(after: 6).batches.map(\.0) == [7])
        #expect(try fixture.replay(after: 9).batches.isEmpty)
        #expect(try fixture.replay(after: 9).summary.lastLSN == 9)
    }

    @Test func `a torn last frame is dropped at every length`() throws {
        let fixture = LogFixture()
        var log = try fixture.create()
        try fixture.append(&log)
        let kept = log.summary
        try fixture.append(&log, synchronizing: false)
        let bytes = fixture.fileSystem.bytes(fixture.path(1))
        for length in Int(kept.validByteCount)..<bytes.count {
            fixture.fileSystem.put(fixture.path(1), Array(bytes[..<length]))
            let (summary, batches) = try fixture.replay()
            #expect(batches.count == 1, "length \(length)")
            #expect(summary.lastFile == kept, "length \(length)")
            #expect(summary.discardedByteCount == UInt64(length) - kept.validByteCount)
        }
    }

    @Test(arguments: [true, false])
    func `a flipped byte before a mark or a seal is refused`(isSealed: Bool) throws {
        let fixture = LogFixture()
        var log = try fixture.create()
        try fixture.append(&log)
        try fixture.append(&log)
        let promised = Int(log.byteCount)
        if isSealed { try log.seal() } else { try log.idleMark() }
        let bytes = fixture.fileSystem.bytes(fixture.path(1))
        for index in 0..<promised {
            var damaged = bytes
            damaged[index] ^= 0x10
            fixture.fileSystem.put(fixture.path(1), damaged)
            #expect(throws: LoadError.self, "byte \(index)") { try fixture.replay() }
        }
    }

    @Test func `a flipped byte of the last frame alone drops that frame and no other`() throws {
        let fixture = LogFixture()
        var log = try fixture.create()
        try fixture.append(&log)
        let kept = log.summary
        try fixture.append(&log)
        let bytes = fixture.fileSystem.bytes(fixture.path(1))
        for index in Int(kept.validByteCount)..<bytes.count {
            var damaged = bytes
            damaged[index] ^= 0x01
            fixture.fileSystem.put(fixture.path(1), damaged)
            #expect(try fixture.replay().summary.lastFile == kept, "byte \(index)")
        }
    }

    @Test func `unsynced frames after a torn one are dropped with it`() throws {
        let fixture = LogFixture()
        var log = try fixture.create()
        try fixture.append(&log)
        let kept = log.summary
        for _ in 0..<3 { try fixture.append(&log, synchronizing: false) }
        var bytes = fixture.fileSystem.bytes(fixture.path(1))
        bytes[Int(kept.validByteCount) + 50] ^= 1
        fixture.fileSystem.put(fixture.path(1), bytes)
        let (summary, batches) = try fixture.replay()
        #expect(batches.count == 1)
        #expect(summary.lastFile == kept)
    }

    @Test func `a sealed file is clean and bytes after the seal are refused`() throws {
        let fixture = LogFixture()
        var log = try fixture.create()
        try fixture.append(&log)
        try log.seal()
        #expect(try fixture.replay().summary.isSealed)
        let bytes = fixture.fileSystem.bytes(fixture.path(1))
        fixture.fileSystem.put(fixture.path(1), bytes + [0])
        #expect(throws: LoadError.self) { try fixture.replay() }
    }

    @Test func `an idle mark is written once after each group`() throws {
        let fixture = LogFixture()
        var log = try fixture.create()
        try log.idleMark()
        #expect(log.byteCount == 4_096)
        try fixture.append(&log)
        let before = log.byteCount
        try log.idleMark()
        try log.idleMark()
        #expect(log.byteCount == before + 40)
        try fixture.append(&log)
        #expect(try fixture.replay().batches.map(\.0) == [1, 4])
    }

    @Test func `a file takes no frame after a failed write until it is replaced`() throws {
        let fixture = LogFixture()
        var log = try fixture.create()
        try fixture.append(&log)
        let kept = log.summary
        fixture.fileSystem.fail(after: 0, errno: ENOSPC)
        #expect(throws: StorageIOError.self) { try fixture.append(&log) }
        fixture.fileSystem.fail(after: .max / 2)
        #expect(throws: StorageIOError.self) { try fixture.append(&log) }
        try log.discardUnsynced()
        #expect(throws: StorageIOError.self) { try fixture.append(&log) }
        #expect(log.summary == kept)
        var next = try fixture.create(2, firstLSN: 4, predecessor: log.summary)
        try fixture.append(&next)
        #expect(try fixture.replay([1, 2]).summary.lastLSN == 6)
    }

    @Test func `an operation that no frame can hold is not added`() {
        var frame = LogFrameBuilder()
        let isFirstAdded = frame.add(LogFixture.operations[0])
        #expect(isFirstAdded)
        let before = frame.payload
        let large = StoredRow(
            id: 1,
            partition: "",
            vector: [1],
            attributes: [],
            payload: [UInt8](repeating: 1, count: 16 << 20)
        )
        let isLargeAdded = frame.add(LogOperation(collection: 1, change: .upsert(large)))
        #expect(!isLargeAdded)
        #expect(frame.payload == before)
        #expect(frame.operationCount == 1)
    }
}
