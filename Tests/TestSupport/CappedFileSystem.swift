// A file system of a fixed size, around any other: what does not fit is refused with ENOSPC.
//
// - What counts is the length of every file below the root, and what others have taken.
// - A reservation takes its space at once, as fallocate(2) does.

import Glibc
package import StorageIO
import Synchronization

package final class CappedFileSystem: FileSystem {
    private struct State {
        var taken: UInt64 = 0
        /// Bytes by path; a rename carries them over.
        var files: [String: UInt64] = [:]

        var used: UInt64 { files.values.reduce(taken, +) }
    }

    private let base: any FileSystem
    private let capacity: UInt64
    private let state = Mutex(State())

    package init(_ base: any FileSystem, capacity: UInt64) {
        self.base = base
        self.capacity = capacity
    }

    /// Bytes that others take, beginning now; nil for all that are free.
    package func take(_ byteCount: UInt64?) {
        state.withLock { state in
            state.taken = 0
            state.taken = byteCount ?? capacity - min(capacity, state.used)
        }
    }

    fileprivate func grow(
        _ path: String,
        to byteCount: UInt64,
        _ operation: StorageIOError.Operation
    ) throws(StorageIOError) {
        let fits = state.withLock { state in
            let old = state.files[path] ?? 0
            guard byteCount > old else { return true }
            guard state.used - old + byteCount <= capacity else { return false }
            state.files[path] = byteCount
            return true
        }
        if !fits { throw StorageIOError(operation: operation, path: path, errno: ENOSPC) }
    }

    fileprivate func shrink(_ path: String, to byteCount: UInt64) {
        state.withLock { state in
            if let old = state.files[path] { state.files[path] = min(old, byteCount) }
        }
    }

    package func open(_ path: String, _ mode: OpenMode) throws(StorageIOError) -> any StorageFile {
        // A new name takes a block of its directory.
        if mode == .createNew { try grow(path, to: 64, .open) }
        return CappedFile(try base.open(path, mode), owner: self)
    }

    package func createDirectory(_ path: String) throws(StorageIOError) {
        try base.createDirectory(path)
    }

    package func list(_ path: String) throws(StorageIOError) -> [String] { try base.list(path) }

    package func rename(_ source: String, to target: String) throws(StorageIOError) {
        try base.rename(source, to: target)
        state.withLock { $0.files[target] = $0.files.removeValue(forKey: source) }
    }

    package func remove(_ path: String) throws(StorageIOError) {
        try base.remove(path)
        state.withLock { $0.files[path] = nil }
    }

    package func removeDirectory(_ path: String) throws(StorageIOError) {
        try base.removeDirectory(path)
    }

    package func synchronizeDirectory(_ path: String) throws(StorageIOError) {
        try base.synchronizeDirectory(path)
    }

    package func status(_ path: String) throws(StorageIOError) -> FileStatus? {
        try base.status(path)
    }

    package func freeByteCount(_ path: String) throws(StorageIOError) -> UInt64 {
        state.withLock { capacity - min(capacity, $0.used) }
    }

    package func capacityByteCount(_ path: String) throws(StorageIOError) -> UInt64 { capacity }

    package func lockExclusively(_ path: String) throws(StorageIOError) -> any StorageLock {
        try base.lockExclusively(path)
    }

    package func lockOwner(_ path: String) -> String? { base.lockOwner(path) }
}

private final class CappedFile: StorageFile {
    private let base: any StorageFile
    private let owner: CappedFileSystem

    init(_ base: any StorageFile, owner: CappedFileSystem) {
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
        try owner.grow(path, to: offset + UInt64(bytes.count), .write)
        return try base.write(bytes, at: offset)
    }

    func synchronizeData() throws(StorageIOError) { try base.synchronizeData() }
    func synchronize() throws(StorageIOError) { try base.synchronize() }

    func truncate(to byteCount: UInt64) throws(StorageIOError) {
        try base.truncate(to: byteCount)
        owner.shrink(path, to: byteCount)
    }

    func reserve(_ byteCount: UInt64) throws(StorageIOError) {
        try owner.grow(path, to: byteCount, .reserve)
    }

    func byteCount() throws(StorageIOError) -> UInt64 { try base.byteCount() }
    func map(byteCount: UInt64) throws(StorageIOError) -> MappedRegion {
        try base.map(byteCount: byteCount)
    }
    func dropCachedPages() throws(StorageIOError) { try base.dropCachedPages() }
    func close() throws(StorageIOError) { try base.close() }
}
