import CStorageShims
import Glibc

/// The file system of the machine.
package struct PosixFileSystem: FileSystem {
    package init() {}

    package func open(
        _ path: String,
        _ mode: OpenMode
    ) throws(StorageIOError) -> any StorageFile {
        var descriptor: Int32 = -1
        let code: Int32 =
            switch mode {
            case .read: 0
            case .readWrite: 1
            case .createNew: 2
            }
        try check(vs_open(path, code, &descriptor), .open, path)
        return PosixFile(path: path, descriptor: descriptor)
    }

    package func createDirectory(_ path: String) throws(StorageIOError) {
        try check(mkdir(path, 0o700) == 0 ? 0 : errno, .createDirectory, path)
    }

    package func list(_ path: String) throws(StorageIOError) -> [String] {
        guard let directory = opendir(path) else {
            throw StorageIOError(operation: .list, path: path, errno: errno)
        }
        defer { closedir(directory) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        try check(errno, .list, path)
        return names.sorted()
    }

    package func rename(_ source: String, to target: String) throws(StorageIOError) {
        try check(vs_rename_new(source, target), .rename, target)
    }

    package func remove(_ path: String) throws(StorageIOError) {
        try check(unlink(path) == 0 ? 0 : errno, .remove, path)
    }

    package func removeDirectory(_ path: String) throws(StorageIOError) {
        try check(rmdir(path) == 0 ? 0 : errno, .remove, path)
    }

    package func synchronizeDirectory(_ path: String) throws(StorageIOError) {
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        // Without a descriptor the names are as little durable as after a failed fsync.
        guard descriptor >= 0 else {
            throw StorageIOError(operation: .synchronize, path: path, errno: errno)
        }
        defer { Glibc.close(descriptor) }
        try check(retryingInterrupts { fsync(descriptor) }, .synchronize, path)
    }

    package func status(_ path: String) throws(StorageIOError) -> FileStatus? {
        var info = stat()
        guard lstat(path, &info) == 0 else {
            if errno == ENOENT { return nil }
            throw StorageIOError(operation: .status, path: path, errno: errno)
        }
        let kind: FileKind =
            switch info.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            default: .other
            }
        return FileStatus(
            kind: kind,
            byteCount: UInt64(info.st_size),
            linkCount: UInt64(info.st_nlink)
        )
    }

    package func freeByteCount(_ path: String) throws(StorageIOError) -> UInt64 {
        var (count, capacity): (UInt64, UInt64) = (0, 0)
        try check(vs_free_bytes(path, &count, &capacity), .status, path)
        return count
    }

    package func capacityByteCount(_ path: String) throws(StorageIOError) -> UInt64 {
        var (count, capacity): (UInt64, UInt64) = (0, 0)
        try check(vs_free_bytes(path, &count, &capacity), .status, path)
        return capacity
    }

    package func lockExclusively(_ path: String) throws(StorageIOError) -> any StorageLock {
        // The file may be replaced between open and flock: then the lock is on a file that nobody
        // else will look at, and the round is repeated.
        while true {
            var descriptor: Int32 = -1
            try check(vs_open(path, 3, &descriptor), .lock, path)
            let lock = PosixLock(descriptor: descriptor)
            try check(vs_lock_exclusively(descriptor), .lock, path)
            var (held, named) = (stat(), stat())
            guard fstat(descriptor, &held) == 0, lstat(path, &named) == 0,
                held.st_ino == named.st_ino, held.st_dev == named.st_dev
            else { continue }
            lock.writeOwner()
            return lock
        }
    }

    package func lockOwner(_ path: String) -> String? {
        guard let file = try? open(path, .read) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = bytes.withUnsafeMutableBytes { (try? file.read(into: $0, at: 0)) ?? 0 }
        let line = bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }
        return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }
}

private func check(
    _ errno: Int32,
    _ operation: StorageIOError.Operation,
    _ path: String
) throws(StorageIOError) {
    guard errno == 0 else {
        throw StorageIOError(operation: operation, path: path, errno: errno)
    }
}

/// Runs a call that returns −1 and sets errno, again while a signal interrupts it.
private func retryingInterrupts(_ call: () -> Int32) -> Int32 {
    while call() != 0 {
        if errno != EINTR { return errno }
    }
    return 0
}

/// A descriptor that is closed once.
private struct OwnedDescriptor: ~Copyable {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { _ = Glibc.close(number) }
}

private final class PosixLock: StorageLock {
    private let descriptor: OwnedDescriptor

    init(descriptor: Int32) {
        self.descriptor = OwnedDescriptor(descriptor)
    }

    /// Says who holds the lock, for the error message of others only.
    func writeOwner() {
        let text = "pid \(getpid())\n"
        _ = ftruncate(descriptor.number, 0)
        _ = text.withCString { pwrite(descriptor.number, $0, strlen($0), 0) }
    }

    func release() {
        // See flock(2): the lock goes with an explicit unlock or the last close.
        _ = flock(descriptor.number, LOCK_UN)
    }
}

private final class PosixFile: StorageFile {
    let path: String
    private let descriptor: OwnedDescriptor

    init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = OwnedDescriptor(descriptor)
    }

    func read(
        into buffer: UnsafeMutableRawBufferPointer,
        at offset: UInt64
    ) throws(StorageIOError) -> Int {
        while true {
            let count = pread(descriptor.number, buffer.baseAddress, buffer.count, off_t(offset))
            if count >= 0 { return count }
            if errno != EINTR {
                throw StorageIOError(operation: .read, path: path, errno: errno)
            }
        }
    }

    func write(
        _ bytes: UnsafeRawBufferPointer,
        at offset: UInt64
    ) throws(StorageIOError) -> Int {
        while true {
            let count = pwrite(descriptor.number, bytes.baseAddress, bytes.count, off_t(offset))
            if count >= 0 { return count }
            if errno != EINTR {
                throw StorageIOError(operation: .write, path: path, errno: errno)
            }
        }
    }

    func synchronizeData() throws(StorageIOError) {
        try check(retryingInterrupts { fdatasync(descriptor.number) }, .synchronize, path)
    }

    func synchronize() throws(StorageIOError) {
        try check(retryingInterrupts { fsync(descriptor.number) }, .synchronize, path)
    }

    func truncate(to byteCount: UInt64) throws(StorageIOError) {
        try check(
            retryingInterrupts { ftruncate(descriptor.number, off_t(byteCount)) },
            .truncate,
            path
        )
    }

    func reserve(_ byteCount: UInt64) throws(StorageIOError) {
        let error = vs_reserve(descriptor.number, byteCount)
        if error == EOPNOTSUPP || error == ENOSYS || error == EINTR { return }
        try check(error, .reserve, path)
    }

    func byteCount() throws(StorageIOError) -> UInt64 {
        var info = stat()
        try check(fstat(descriptor.number, &info) == 0 ? 0 : errno, .status, path)
        return UInt64(info.st_size)
    }

    func map(byteCount: UInt64) throws(StorageIOError) -> MappedRegion {
        // A mapping past the end would end the process with SIGBUS, see mmap(2).
        let found = try self.byteCount()
        guard found >= byteCount, byteCount > 0, let count = Int(exactly: byteCount) else {
            throw StorageIOError(operation: .map, path: path, errno: EINVAL)
        }
        var base: UnsafeMutableRawPointer?
        try check(vs_map(descriptor.number, count, &base), .map, path)
        guard let base else { throw StorageIOError(operation: .map, path: path, errno: ENOMEM) }
        let watch = vs_guard_add(base, count)
        guard watch >= 0 else {
            munmap(base, count)
            throw StorageIOError(operation: .map, path: path, errno: ENOMEM)
        }
        return MappedRegion(base: base, byteCount: count, isMapping: true, watch: watch) {
            munmap(UnsafeMutableRawPointer(mutating: $0), $1)
        }
    }

    func dropCachedPages() throws(StorageIOError) {
        _ = vs_drop_cache(descriptor.number)
    }

    func close() throws(StorageIOError) {
        // The descriptor closes with the last reference. A file that matters was synced before, and
        // that is where errors show; see close(2).
    }
}
