import Foundation
import Testing

@testable import StorageIO

/// A directory of its own for one test.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "vs-io-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: true
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

@Suite struct `POSIX file system` {
    private let fileSystem = PosixFileSystem()

    @Test func `a rename never replaces`() throws {
        let directory = try TemporaryDirectory()
        for name in ["a", "b"] {
            try fileSystem.open(directory.path + "/" + name, .createNew).writeAll([1], at: 0)
        }
        let error = #expect(throws: StorageIOError.self) {
            try fileSystem.rename(directory.path + "/a", to: directory.path + "/b")
        }
        #expect(error?.isExisting == true)
        #expect(try fileSystem.list(directory.path) == ["a", "b"])
    }

    @Test func `a file that exists is not created anew and a link is not followed`() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/a"
        _ = try fileSystem.open(path, .createNew)
        #expect(throws: StorageIOError.self) { try fileSystem.open(path, .createNew) }
        try FileManager.default.createSymbolicLink(
            atPath: directory.path + "/link",
            withDestinationPath: path
        )
        #expect(throws: StorageIOError.self) {
            try fileSystem.open(directory.path + "/link", .read)
        }
        let link = try fileSystem.status(directory.path + "/link")
        let isOther = link?.kind == .other
        #expect(isOther)
        let isAbsent = try fileSystem.status(directory.path + "/absent") == nil
        #expect(isAbsent)
    }

    @Test func `a mapping holds the bytes and cannot reach past the end`() throws {
        let directory = try TemporaryDirectory()
        let file = try fileSystem.open(directory.path + "/a", .createNew)
        try file.writeAll((0..<100).map { UInt8($0) }, at: 0)
        let region = try file.map(byteCount: 100)
        let copy = withExtendedLifetime(region) { Array(region.bytes) }
        #expect(copy == (0..<100).map { UInt8($0) })
        #expect(throws: StorageIOError.self) { try file.map(byteCount: 101) }
    }

    @Test func `the writer lock is exclusive and says who holds it`() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/LOCK"
        let lock = try fileSystem.lockExclusively(path)
        let error = #expect(throws: StorageIOError.self) { try fileSystem.lockExclusively(path) }
        #expect(error?.isWouldBlock == true)
        let owner = try #require(fileSystem.lockOwner(path))
        #expect(owner.contains(String(ProcessInfo.processInfo.processIdentifier)))
        lock.release()
        let again = try fileSystem.lockExclusively(path)
        again.release()
    }

    @Test func `an atomic file appears whole or not at all`() throws {
        let directory = try TemporaryDirectory()
        var writer = try AtomicFileWriter(directory: directory.path, fileSystem: fileSystem)
        try writer.append([1, 2, 3])
        #expect(try fileSystem.status(directory.path + "/final") == nil)
        try writer.commit(as: "final")
        #expect(try fileSystem.list(directory.path) == ["final"])
        #expect(try fileSystem.open(directory.path + "/final", .read).readAll() == [1, 2, 3])
        #expect(throws: StorageIOError.self) {
            try AtomicFileWriter.write(
                [9],
                name: "final",
                directory: directory.path,
                fileSystem: fileSystem
            )
        }
        #expect(try fileSystem.list(directory.path) == ["final"])
        let abandoned = try AtomicFileWriter(directory: directory.path, fileSystem: fileSystem)
        abandoned.abandon()
        #expect(try fileSystem.list(directory.path) == ["final"])
    }

    @Test func `a reader never passes the end of its bytes`() throws {
        let bytes: [UInt8] = [1, 2, 3, 0xFF, 0xFE]
        try bytes.withUnsafeBytes { buffer in
            var reader = ByteReader(buffer, file: "x", base: 100)
            let first = try reader.read(UInt16.self)
            #expect(first == 0x0201)
            #expect(throws: CorruptionError.self) { try reader.read(UInt32.self) }
            #expect(reader.offset == 102)
            #expect(throws: CorruptionError.self) { try reader.readFloats(count: .max) }
            #expect(throws: CorruptionError.self) { try reader.readBytes(count: -1) }
            _ = try reader.readBytes(count: 1)
            #expect(throws: CorruptionError.self) { try reader.readString(count: 2) }
        }
    }
}
