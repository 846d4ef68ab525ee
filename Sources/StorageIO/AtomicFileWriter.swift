import Glibc
import Synchronization

/// Writes a file that has its final name only when it is complete and durable.
///
/// Temporary name in the same directory → write → fsync(file) → rename without replacing →
/// fsync(directory). Only then may a manifest name it. `abandon` removes what was begun.
package struct AtomicFileWriter: ~Copyable {
    private let fileSystem: any FileSystem
    private let directory: String
    private let temporaryPath: String
    private let file: any StorageFile
    private var buffer: [UInt8] = []
    private var flushedCount: UInt64 = 0

    private static let bufferByteCount = 1 << 20
    private static let counter = Atomic<UInt64>(0)

    package init(
        directory: String,
        fileSystem: any FileSystem,
        expectedByteCount: UInt64 = 0
    ) throws(StorageIOError) {
        let serial = Self.counter.wrappingAdd(1, ordering: .relaxed).oldValue
        let path =
            directory + "/.tmp-" + String(getpid(), radix: 16) + "-" + String(serial, radix: 16)
        if try fileSystem.status(path) != nil { try fileSystem.remove(path) }
        let file = try fileSystem.open(path, .createNew)
        if expectedByteCount > 0 {
            do throws(StorageIOError) {
                try file.reserve(expectedByteCount)
            } catch {
                try? fileSystem.remove(path)
                throw error
            }
        }
        self.fileSystem = fileSystem
        self.directory = directory
        self.file = file
        temporaryPath = path
    }

    /// Bytes written so far.
    package var position: UInt64 { flushedCount + UInt64(buffer.count) }

    package mutating func append(_ bytes: UnsafeRawBufferPointer) throws(StorageIOError) {
        if bytes.count >= Self.bufferByteCount {
            try flush()
            try file.writeAll(bytes, at: flushedCount)
            flushedCount += UInt64(bytes.count)
            return
        }
        if buffer.count + bytes.count > Self.bufferByteCount { try flush() }
        buffer.append(contentsOf: bytes)
    }

    package mutating func append(_ bytes: [UInt8]) throws(StorageIOError) {
        var failure: StorageIOError?
        bytes.withUnsafeBytes { buffer in
            do throws(StorageIOError) { try append(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Appends zeros up to a multiple of `alignment`.
    package mutating func pad(to alignment: Int) throws(StorageIOError) {
        let rest = Int(position % UInt64(alignment))
        if rest != 0 { try append([UInt8](repeating: 0, count: alignment - rest)) }
    }

    /// Writes what is buffered, so that `withWrittenFile` sees it.
    package mutating func flush() throws(StorageIOError) {
        guard !buffer.isEmpty else { return }
        try file.writeAll(buffer, at: flushedCount)
        flushedCount += UInt64(buffer.count)
        buffer.removeAll(keepingCapacity: true)
    }

    /// The file as written so far, for reading it back.
    package mutating func writtenFile() throws(StorageIOError) -> any StorageFile {
        try flush()
        return file
    }

    /// Makes the file durable under its final name.
    package consuming func commit(as name: String) throws(StorageIOError) {
        do throws(StorageIOError) {
            try flush()
            try file.synchronize()
            try fileSystem.rename(temporaryPath, to: directory + "/" + name)
        } catch {
            try? fileSystem.remove(temporaryPath)
            throw error
        }
        try fileSystem.synchronizeDirectory(directory)
    }

    /// Removes the unfinished file.
    package consuming func abandon() {
        try? fileSystem.remove(temporaryPath)
    }

    /// Writes a small file whole, reads it back and makes it durable.
    package static func write(
        _ bytes: [UInt8],
        name: String,
        directory: String,
        fileSystem: any FileSystem
    ) throws(StorageIOError) {
        var writer = try AtomicFileWriter(directory: directory, fileSystem: fileSystem)
        do throws(StorageIOError) {
            try writer.append(bytes)
            let written = try writer.writtenFile().readAll()
            guard written == bytes else {
                throw StorageIOError(operation: .read, path: directory + "/" + name, errno: EIO)
            }
        } catch {
            writer.abandon()
            throw error
        }
        try writer.commit(as: name)
    }
}
