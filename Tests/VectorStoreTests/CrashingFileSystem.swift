import Glibc
import StorageIO
import Synchronization

/// Files in memory, with a power cut before any chosen operation.
///
/// What was not synced is lost in `afterPowerLoss(keepingUnsynced: false)`: file contents since the
/// last sync of the file, names since the last sync of the directory.
final class CrashingFileSystem: FileSystem {
    final class Node: Sendable {
        struct Content {
            var bytes: [UInt8] = []
            var durable: [UInt8] = []
        }
        let content = Mutex(Content())
    }

    struct State {
        var names: [String: Node] = [:]
        var durableNames: [String: Node] = [:]
        var operations = 0
        var limit = Int.max
        var failingError: Int32 = EIO
    }

    let state = Mutex(State())

    /// Operations that changed something or made it durable.
    var operationCount: Int { state.withLock { $0.operations } }

    /// Every operation after `count` more fails.
    func fail(after count: Int, errno: Int32 = EIO) {
        state.withLock {
            $0.limit = $0.operations + count
            $0.failingError = errno
        }
    }

    /// The files after a power cut.
    func afterPowerLoss(keepingUnsynced: Bool) -> CrashingFileSystem {
        let next = CrashingFileSystem()
        let names = state.withLock { keepingUnsynced ? $0.names : $0.durableNames }
        for (name, node) in names {
            let bytes = node.content.withLock { keepingUnsynced ? $0.bytes : $0.durable }
            next.put(name, bytes)
        }
        return next
    }

    /// Places a durable file.
    func put(_ path: String, _ bytes: [UInt8]) {
        let node = Node()
        node.content.withLock { $0 = Node.Content(bytes: bytes, durable: bytes) }
        state.withLock {
            $0.names[path] = node
            $0.durableNames[path] = node
        }
    }

    func bytes(_ path: String) -> [UInt8] {
        let node = state.withLock { $0.names[path] }
        return node?.content.withLock { $0.bytes } ?? []
    }

    var paths: [String] { state.withLock { $0.names.keys.sorted() } }

    func step(_ operation: StorageIOError.Operation, _ path: String) throws(StorageIOError) {
        let error: Int32? = state.withLock {
            if $0.operations >= $0.limit { return $0.failingError }
            $0.operations += 1
            return nil
        }
        if let error { throw StorageIOError(operation: operation, path: path, errno: error) }
    }

    func open(_ path: String, _ mode: OpenMode) throws(StorageIOError) -> any StorageFile {
        let existing = state.withLock { $0.names[path] }
        if mode == .createNew {
            try step(.open, path)
            guard existing == nil else {
                throw StorageIOError(operation: .open, path: path, errno: EEXIST)
            }
            let node = Node()
            state.withLock { $0.names[path] = node }
            return CrashingFile(path: path, node: node, owner: self)
        }
        guard let existing else {
            throw StorageIOError(operation: .open, path: path, errno: ENOENT)
        }
        return CrashingFile(path: path, node: existing, owner: self)
    }

    func createDirectory(_ path: String) throws(StorageIOError) {}

    func list(_ path: String) throws(StorageIOError) -> [String] {
        let prefix = path + "/"
        return paths.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }

    func rename(_ source: String, to target: String) throws(StorageIOError) {
        try step(.rename, source)
        let error: Int32 = state.withLock {
            guard let node = $0.names[source] else { return ENOENT }
            guard $0.names[target] == nil else { return EEXIST }
            $0.names[source] = nil
            $0.names[target] = node
            return 0
        }
        if error != 0 { throw StorageIOError(operation: .rename, path: source, errno: error) }
    }

    func remove(_ path: String) throws(StorageIOError) {
        try step(.remove, path)
        state.withLock { $0.names[path] = nil }
    }

    func removeDirectory(_ path: String) throws(StorageIOError) {}

    func synchronizeDirectory(_ path: String) throws(StorageIOError) {
        try step(.synchronize, path)
        state.withLock { $0.durableNames = $0.names }
    }

    func status(_ path: String) throws(StorageIOError) -> FileStatus? {
        let node = state.withLock { $0.names[path] }
        return node.map { node in
            FileStatus(
                kind: .regular,
                byteCount: UInt64(node.content.withLock { $0.bytes.count }),
                linkCount: 1
            )
        }
    }

    func freeByteCount(_ path: String) throws(StorageIOError) -> UInt64 { 1 << 40 }

    func lockExclusively(_ path: String) throws(StorageIOError) -> any StorageLock {
        throw StorageIOError(operation: .lock, path: path, errno: ENOTSUP)
    }

    func lockOwner(_ path: String) -> String? { nil }
}

final class CrashingFile: StorageFile {
    let path: String
    private let node: CrashingFileSystem.Node
    private let owner: CrashingFileSystem

    init(path: String, node: CrashingFileSystem.Node, owner: CrashingFileSystem) {
        self.path = path
        self.node = node
        self.owner = owner
    }

    func read(
        into buffer: UnsafeMutableRawBufferPointer,
        at offset: UInt64
    ) throws(StorageIOError) -> Int {
        node.content.withLock { content in
            let start = min(Int(offset), content.bytes.count)
            let count = min(buffer.count, content.bytes.count - start)
            buffer.copyBytes(from: content.bytes[start..<start + count])
            return count
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageIOError) -> Int {
        try owner.step(.write, path)
        let copy = Array(bytes)
        node.content.withLock { content in
            let end = Int(offset) + copy.count
            if content.bytes.count < end {
                content.bytes += repeatElement(0, count: end - content.bytes.count)
            }
            content.bytes.replaceSubrange(Int(offset)..<end, with: copy)
        }
        return copy.count
    }

    func synchronizeData() throws(StorageIOError) { try synchronize() }

    func synchronize() throws(StorageIOError) {
        try owner.step(.synchronize, path)
        node.content.withLock { $0.durable = $0.bytes }
    }

    func truncate(to byteCount: UInt64) throws(StorageIOError) {
        try owner.step(.truncate, path)
        node.content.withLock { content in
            content.bytes.removeLast(max(0, content.bytes.count - Int(byteCount)))
        }
    }

    func reserve(_ byteCount: UInt64) throws(StorageIOError) {}
    func byteCount() throws(StorageIOError) -> UInt64 {
        UInt64(node.content.withLock { $0.bytes.count })
    }
    func map(byteCount: UInt64) throws(StorageIOError) -> MappedRegion {
        throw StorageIOError(operation: .map, path: path, errno: ENOTSUP)
    }
    func dropCachedPages() throws(StorageIOError) {}
    func close() throws(StorageIOError) {}
}
