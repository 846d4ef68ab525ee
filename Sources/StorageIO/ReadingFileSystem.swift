// Files that are read with pread(2) where others are mapped.
//
// - The same bytes in the same places: whoever works on a mapped region notices nothing.
// - A block of 64 KiB is read when it is first needed and then stays in memory, so a region costs as
//   much memory as was ever read of it.
// - A read that fails is an error of the call that needed the block, never a signal.

import CStorageShims
import Glibc
import Synchronization

/// Fills the bytes of a region as they are needed.
package final class RegionLoader: @unchecked Sendable {
    // Safe to share: a block is written once, under the lock, before its bit is set, and read only
    // after `load` returned.
    private static let blockByteCount = 64 << 10

    private let file: any StorageFile
    private let base: UnsafeMutableRawPointer
    private let byteCount: Int
    private let loaded: Mutex<[Bool]>

    init(file: any StorageFile, base: UnsafeMutableRawPointer, byteCount: Int) {
        self.file = file
        self.base = base
        self.byteCount = byteCount
        let count = (byteCount + Self.blockByteCount - 1) / Self.blockByteCount
        loaded = Mutex([Bool](repeating: false, count: count))
    }

    func load(_ range: Range<Int>) throws(StorageIOError) {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount)
        guard !range.isEmpty else { return }
        let size = Self.blockByteCount
        try loaded.withLock { (loaded) throws(StorageIOError) in
            for block in range.lowerBound / size...(range.upperBound - 1) / size
            where !loaded[block] {
                let start = block * size
                try file.readExactly(
                    into: UnsafeMutableRawBufferPointer(
                        start: base + start,
                        count: min(size, byteCount - start)
                    ),
                    at: UInt64(start)
                )
                loaded[block] = true
            }
        }
    }
}

/// Any file system, with reads in the place of mappings.
package struct ReadingFileSystem: FileSystem {
    private let base: any FileSystem

    package init(_ base: any FileSystem) {
        self.base = base
    }

    package func open(_ path: String, _ mode: OpenMode) throws(StorageIOError) -> any StorageFile {
        ReadingFile(try base.open(path, mode))
    }

    package func createDirectory(_ path: String) throws(StorageIOError) {
        try base.createDirectory(path)
    }

    package func list(_ path: String) throws(StorageIOError) -> [String] { try base.list(path) }

    package func rename(_ source: String, to target: String) throws(StorageIOError) {
        try base.rename(source, to: target)
    }

    package func remove(_ path: String) throws(StorageIOError) { try base.remove(path) }

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
        try base.freeByteCount(path)
    }

    package func capacityByteCount(_ path: String) throws(StorageIOError) -> UInt64 {
        try base.capacityByteCount(path)
    }

    package func lockExclusively(_ path: String) throws(StorageIOError) -> any StorageLock {
        try base.lockExclusively(path)
    }

    package func lockOwner(_ path: String) -> String? { base.lockOwner(path) }
}

private final class ReadingFile: StorageFile {
    private let base: any StorageFile

    init(_ base: any StorageFile) {
        self.base = base
    }

    var path: String { base.path }

    func map(byteCount: UInt64) throws(StorageIOError) -> MappedRegion {
        let found = try base.byteCount()
        guard found >= byteCount, byteCount > 0, let count = Int(exactly: byteCount) else {
            throw StorageIOError(operation: .map, path: path, errno: EINVAL)
        }
        var pages: UnsafeMutableRawPointer?
        let error = vs_allocate_pages(count, &pages)
        guard error == 0, let pages else {
            throw StorageIOError(operation: .map, path: path, errno: error)
        }
        return MappedRegion(
            base: pages,
            byteCount: count,
            isMapping: false,
            loader: RegionLoader(file: base, base: pages, byteCount: count)
        ) {
            munmap(UnsafeMutableRawPointer(mutating: $0), $1)
        }
    }

    func read(
        into buffer: UnsafeMutableRawBufferPointer,
        at offset: UInt64
    ) throws(StorageIOError) -> Int {
        try base.read(into: buffer, at: offset)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageIOError) -> Int {
        try base.write(bytes, at: offset)
    }

    func synchronizeData() throws(StorageIOError) { try base.synchronizeData() }
    func synchronize() throws(StorageIOError) { try base.synchronize() }

    func truncate(to byteCount: UInt64) throws(StorageIOError) {
        try base.truncate(to: byteCount)
    }

    func reserve(_ byteCount: UInt64) throws(StorageIOError) { try base.reserve(byteCount) }
    func byteCount() throws(StorageIOError) -> UInt64 { try base.byteCount() }
    func dropCachedPages() throws(StorageIOError) { try base.dropCachedPages() }
    func close() throws(StorageIOError) { try base.close() }
}
