// The seam between the engine and the disk.
//
// - Every disk call of the engine goes through a `FileSystem`; a test forbids file calls elsewhere.
// - Nothing is durable until `synchronize…` of the file *and* `synchronizeDirectory` of the directory
//   that names it returned (see fsync(2)).
// - `read` and `write` may be short, as in pread(2) and pwrite(2); the helpers in `StorageFile`'s
//   extension loop.

/// How a file is opened.
package enum OpenMode: Sendable, Equatable {
    /// An existing file, for reading.
    case read
    /// An existing file, for reading and writing.
    case readWrite
    /// A new file, for reading and writing; fails with `EEXIST` when the name is taken.
    case createNew
}

/// What kind of object a path names.
package enum FileKind: Sendable, Equatable {
    case regular
    case directory
    case other
}

/// The result of stat(2), as far as the engine asks for it.
///
/// A symbolic link is `.other`.
package struct FileStatus: Sendable, Equatable {
    package var kind: FileKind
    package var byteCount: UInt64
    package var linkCount: UInt64

    package init(kind: FileKind, byteCount: UInt64, linkCount: UInt64) {
        self.kind = kind
        self.byteCount = byteCount
        self.linkCount = linkCount
    }
}

/// One tree of files.
///
/// Paths are absolute, or relative to the working directory for POSIX.
package protocol FileSystem: Sendable {
    /// Opens a file. Descriptors are close-on-exec, never follow a symbolic link, never 0, 1 or 2.
    func open(_ path: String, _ mode: OpenMode) throws(StorageIOError) -> any StorageFile
    /// Creates one directory with mode 0700; `EEXIST` is an error.
    func createDirectory(_ path: String) throws(StorageIOError)
    /// The names in a directory, without `.` and `..`, sorted.
    func list(_ path: String) throws(StorageIOError) -> [String]
    /// Renames within one file system and fails with `EEXIST` when the target exists (`RENAME_NOREPLACE`).
    func rename(_ source: String, to target: String) throws(StorageIOError)
    /// Removes a file's name.
    func remove(_ path: String) throws(StorageIOError)
    /// Removes an empty directory.
    func removeDirectory(_ path: String) throws(StorageIOError)
    /// Makes the names in a directory durable (fsync of the directory).
    func synchronizeDirectory(_ path: String) throws(StorageIOError)
    /// The status of a path, or nil when nothing has that name. Does not follow symbolic links.
    func status(_ path: String) throws(StorageIOError) -> FileStatus?
    /// The bytes that an unprivileged writer may still allocate below `path`.
    func freeByteCount(_ path: String) throws(StorageIOError) -> UInt64
    /// The bytes of the whole file system that holds `path`; 0 when it cannot be told.
    func capacityByteCount(_ path: String) throws(StorageIOError) -> UInt64
    /// Takes the exclusive writer lock on `path` (created when absent, flock(2), never unlinked).
    ///
    /// - Throws: `StorageIOError` with errno `EWOULDBLOCK` when another open file holds it; then
    ///   `lockOwner` says who, as far as the file tells.
    func lockExclusively(_ path: String) throws(StorageIOError) -> any StorageLock
    /// The first line of the lock file: who holds it, for the error message only.
    func lockOwner(_ path: String) -> String?
}

extension FileSystem {
    package func capacityByteCount(_ path: String) throws(StorageIOError) -> UInt64 { 0 }
}

/// A held writer lock; released by `release()` or when the last reference goes.
package protocol StorageLock: AnyObject, Sendable {
    func release()
}

/// One open file.
package protocol StorageFile: AnyObject, Sendable {
    var path: String { get }
    func read(
        into buffer: UnsafeMutableRawBufferPointer,
        at offset: UInt64
    )
        throws(StorageIOError) -> Int
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageIOError) -> Int
    /// fdatasync(2).
    func synchronizeData() throws(StorageIOError)
    /// fsync(2).
    func synchronize() throws(StorageIOError)
    func truncate(to byteCount: UInt64) throws(StorageIOError)
    /// Reserves space without changing the size (fallocate with `FALLOC_FL_KEEP_SIZE`); a file system
    /// that cannot is not an error.
    func reserve(_ byteCount: UInt64) throws(StorageIOError)
    func byteCount() throws(StorageIOError) -> UInt64
    /// Maps the first `byteCount` bytes read-only and shared. The file must hold that many.
    func map(byteCount: UInt64) throws(StorageIOError) -> MappedRegion
    /// Drops the file's clean pages from the page cache (posix_fadvise), as far as the system obliges.
    func dropCachedPages() throws(StorageIOError)
    func close() throws(StorageIOError)
}
