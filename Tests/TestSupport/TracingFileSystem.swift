import Glibc
package import StorageIO
import Synchronization

/// Any file system, with a list of what was asked of it.
///
/// A call is its operation and path; numbers of temporary files, which differ from run to run, are
/// left out.
package final class TracingFileSystem: FileSystem {
    private let base: any FileSystem
    private let list = Mutex<[String]>([])
    /// How long data takes to the disk, so that writes meet while they wait.
    fileprivate let syncMicroseconds: UInt32

    package init(_ base: any FileSystem, syncMicroseconds: UInt32 = 0) {
        self.base = base
        self.syncMicroseconds = syncMicroseconds
    }

    package var calls: [String] { list.withLock { $0 } }

    fileprivate func note(_ operation: StorageIOError.Operation, _ path: String, _ detail: Int = 0)
    {
        let short =
            path.firstRange(of: "/.tmp-").map { path[..<$0.lowerBound] + "/.tmp" } ?? path[...]
        list.withLock { $0.append("\(operation.rawValue) \(short) \(detail)") }
    }

    package func open(_ path: String, _ mode: OpenMode) throws(StorageIOError) -> any StorageFile {
        note(.open, path)
        return TracedFile(try base.open(path, mode), owner: self)
    }

    package func createDirectory(_ path: String) throws(StorageIOError) {
        note(.createDirectory, path)
        try base.createDirectory(path)
    }

    package func list(_ path: String) throws(StorageIOError) -> [String] { try base.list(path) }

    package func rename(_ source: String, to target: String) throws(StorageIOError) {
        note(.rename, target)
        try base.rename(source, to: target)
    }

    package func remove(_ path: String) throws(StorageIOError) {
        note(.remove, path)
        try base.remove(path)
    }

    package func removeDirectory(_ path: String) throws(StorageIOError) {
        note(.remove, path)
        try base.removeDirectory(path)
    }

    package func synchronizeDirectory(_ path: String) throws(StorageIOError) {
        note(.synchronize, path)
        try base.synchronizeDirectory(path)
    }

    package func status(_ path: String) throws(StorageIOError) -> FileStatus? {
        try base.status(path)
    }

    package func freeByteCount(_ path: String) throws(StorageIOError) -> UInt64 {
        try base.freeByteCount(path)
    }

    package func lockExclusively(_ path: String) throws(StorageIOError) -> any StorageLock {
        try base.lockExclusively(path)
    }

    package func lockOwner(_ path: String) -> String? { base.lockOwner(path) }
}

private final class TracedFile: StorageFile {
    private let base: any StorageFile
    private let owner: TracingFileSystem

    init(_ base: any StorageFile, owner: TracingFileSystem) {
        self.base = base
        self.owner = owner
    }

    var path: String { base.path }

    func read(
        into buffer: UnsafeMutableRawBufferPointer,
        at offset: UInt64
    ) throws(StorageIOError) -> Int {
        try base.read(into: buffer, at: offset)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageIOError) -> Int {
        owner.note(.write, path, bytes.count)
        return try base.write(bytes, at: offset)
    }

    func synchronizeData() throws(StorageIOError) {
        owner.note(.synchronize, path)
        if owner.syncMicroseconds > 0 { usleep(owner.syncMicroseconds) }
        try base.synchronizeData()
    }

    func synchronize() throws(StorageIOError) {
        owner.note(.synchronize, path)
        try base.synchronize()
    }

    func truncate(to byteCount: UInt64) throws(StorageIOError) {
        owner.note(.truncate, path, Int(byteCount))
        try base.truncate(to: byteCount)
    }

    func reserve(_ byteCount: UInt64) throws(StorageIOError) { try base.reserve(byteCount) }
    func byteCount() throws(StorageIOError) -> UInt64 { try base.byteCount() }
    func map(byteCount: UInt64) throws(StorageIOError) -> MappedRegion {
        try base.map(byteCount: byteCount)
    }
    func dropCachedPages() throws(StorageIOError) { try base.dropCachedPages() }
    func close() throws(StorageIOError) { try base.close() }
}
