import StorageIO
import TestSupport
import Testing

@testable import VectorStore

/// What log files and segments claim of themselves.
@Suite struct `Claims of a file` {
    private static let uuid = [UInt8](repeating: 7, count: 16)
    private static let path = "/wal/" + LogFile.name(sequence: 1)

    private func disk() throws -> SimulatedFileSystem {
        let disk = SimulatedFileSystem()
        try disk.createDirectory("/wal")
        return disk
    }

    private func replay(_ disk: SimulatedFileSystem) throws(LoadError) -> LogReplay.Summary {
        try LogReplay(fileSystem: disk, directory: "/wal", storeUUID: Self.uuid)
            .replay(files: [1], after: 0) { _, _ in }
    }

    /// Two groups, the first of which is damaged.
    private func damagedLog(syncing: Bool) throws -> SimulatedFileSystem {
        let disk = try disk()
        var log = try LogFile.create(
            fileSystem: disk,
            directory: "/wal",
            storeUUID: Self.uuid,
            sequence: 1,
            firstLSN: 1,
            predecessor: nil
        )
        for number in UInt64(1)...2 {
            var frame = LogFrameBuilder()
            let isAdded = frame.add(LogOperation(collection: 1, change: .delete(.integer(number))))
            #expect(isAdded)
            try log.append(payload: frame.payload, firstLSN: number, operationCount: 1)
            if syncing { try log.synchronize() }
        }
        let place = UInt64(LogHeaderLayout.byteCount + LogFrameLayout.headerByteCount)
        try disk.open(Self.path, .readWrite).writeAll([0xFF], at: place)
        return disk
    }

    @Test func `of groups that were never synced the first may be torn`() throws {
        let summary = try replay(damagedLog(syncing: false))
        #expect(summary.batchCount == 0 && summary.lastLSN == 0)
        #expect(summary.discardedByteCount > 0)
    }

    @Test func `a group that was synced before another was written is missed`() throws {
        let disk = try damagedLog(syncing: true)
        #expect(throws: LoadError.self) { try replay(disk) }
    }

    /// Frames whose checksums are right, with LSNs that no writer puts one after the other.
    @Test(arguments: [[1, 1], [1, 3], [2, 1], [2, 3], [1, 2, 2], [1, 2, 4]] as [[UInt64]])
    func `frames that do not follow one another are refused`(_ numbers: [UInt64]) throws {
        let disk = try disk()
        let header = LogHeader(
            storeUUID: Self.uuid,
            sequence: 1,
            firstLSN: 1,
            predecessor: nil,
            salt: 7
        )
        var frames = LogFrameWriter(
            storeUUID: Self.uuid,
            sequence: 1,
            salt: 7,
            offset: UInt64(LogHeaderLayout.byteCount),
            syncedUpTo: UInt64(LogHeaderLayout.byteCount)
        )
        for number in numbers {
            var frame = LogFrameBuilder()
            let isAdded = frame.add(LogOperation(collection: 1, change: .delete(.integer(number))))
            #expect(isAdded)
            frames.append(.batch, payload: frame.payload, firstLSN: number, operationCount: 1)
        }
        let file = try disk.open(Self.path, .createNew)
        try file.writeAll(header.encoded + frames.bytes, at: 0)
        let error = #expect(throws: LoadError.self) { try replay(disk) }
        guard case .corruption(let corruption) = error else {
            Issue.record("\(String(describing: error)) is no corruption")
            return
        }
        #expect("\(corruption)".contains("the frame begins at LSN"))
    }

    @Test(arguments: [UInt64(0), 1 << 62, .max])
    func `a log that begins at no LSN is refused`(_ first: UInt64) throws {
        let disk = try disk()
        let header = LogHeader(
            storeUUID: Self.uuid,
            sequence: 1,
            firstLSN: first,
            predecessor: nil,
            salt: 7
        )
        try disk.open(Self.path, .createNew).writeAll(header.encoded, at: 0)
        #expect(throws: LoadError.self) { try replay(disk) }
    }

    @Test func `bytes that are right in one place are wrong in every other`() {
        func checksum(_ store: UInt8, _ segment: UInt64, _ offset: UInt64) -> UInt32 {
            SegmentChecksums(
                SegmentIdentity(
                    storeUUID: [UInt8](repeating: store, count: 16),
                    segmentID: segment,
                    collectionID: 1,
                    indexGeneration: 0
                )
            ).checksum([1, 2, 3], at: offset)
        }
        let places = [
            checksum(1, 1, 4_096), checksum(1, 1, 8_192), checksum(1, 2, 4_096),
            checksum(2, 1, 4_096),
        ]
        #expect(Set(places).count == places.count)
    }
}
