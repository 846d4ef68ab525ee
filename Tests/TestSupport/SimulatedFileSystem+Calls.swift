import Glibc
package import StorageIO
import Synchronization

extension SimulatedFileSystem {
    private func error(
        _ operation: StorageIOError.Operation,
        _ path: String,
        _ errno: Int32
    ) -> StorageIOError {
        StorageIOError(operation: operation, path: path, errno: errno)
    }

    package func open(_ path: String, _ mode: OpenMode) throws(StorageIOError) -> any StorageFile {
        if mode != .createNew {
            guard let node = node(path), !node.isDirectory else { throw error(.open, path, ENOENT) }
            return SimulatedFile(path: path, node: node, owner: self)
        }
        try step(.open, path)
        guard node(path) == nil else { throw error(.open, path, EEXIST) }
        let made = Node(isDirectory: false)
        try change(path, .open) { .add($0, made) }
        return SimulatedFile(path: path, node: made, owner: self)
    }

    /// Changes the directory of a path.
    private func change(
        _ path: String,
        _ operation: StorageIOError.Operation,
        _ make: (String) -> NameChange
    ) throws(StorageIOError) {
        let (directory, name) = Self.split(path)
        let change = make(name)
        let exists = state.withLock { state in
            guard state.directories[directory] != nil else { return false }
            if var entry = state.directories[directory] {
                Self.apply(change, to: &entry.names)
                entry.pending.append(change)
                state.directories[directory] = entry
            }
            return true
        }
        guard exists else { throw error(operation, path, ENOENT) }
    }

    package func createDirectory(_ path: String) throws(StorageIOError) {
        try step(.createDirectory, path)
        guard node(path) == nil else { throw error(.createDirectory, path, EEXIST) }
        let made = Node(isDirectory: true)
        try change(path, .createDirectory) { .add($0, made) }
        state.withLock { $0.directories[path] = Directory() }
    }

    package func list(_ path: String) throws(StorageIOError) -> [String] {
        guard path == "/" || node(path) != nil,
            let names = state.withLock({ $0.directories[path]?.names.keys.sorted() })
        else {
            throw error(.list, path, ENOENT)
        }
        return names
    }

    package func rename(_ source: String, to target: String) throws(StorageIOError) {
        try step(.rename, target)
        guard node(source) != nil else { throw error(.rename, source, ENOENT) }
        guard node(target) == nil else { throw error(.rename, target, EEXIST) }
        let name = Self.split(target).name
        try change(source, .rename) { .rename($0, name) }
    }

    package func remove(_ path: String) throws(StorageIOError) {
        try step(.remove, path)
        guard node(path) != nil else { throw error(.remove, path, ENOENT) }
        try change(path, .remove) { .remove($0) }
    }

    package func removeDirectory(_ path: String) throws(StorageIOError) {
        // The table stays: the name may yet come back, if its removal is not synced.
        try remove(path)
    }

    package func synchronizeDirectory(_ path: String) throws(StorageIOError) {
        try step(.synchronize, path)
        let outcome = takeSync()
        state.withLock { state in
            guard var directory = state.directories[path] else { return }
            switch outcome {
            case .succeeds:
                for change in directory.pending { Self.apply(change, to: &directory.durable) }
            case .fails(.revert): directory.names = directory.durable
            case .fails, .lies, .confesses: break
            }
            directory.pending = []
            state.directories[path] = directory
        }
        switch outcome {
        case .succeeds, .lies: return
        case .fails, .confesses: throw error(.synchronize, path, EIO)
        }
    }

    package func status(_ path: String) throws(StorageIOError) -> FileStatus? {
        if path == "/" { return FileStatus(kind: .directory, byteCount: 0, linkCount: 2) }
        return node(path).map { node in
            FileStatus(
                kind: node.isDirectory ? .directory : .regular,
                byteCount: UInt64(node.content.withLock { $0.bytes.count }),
                linkCount: 1
            )
        }
    }

    package func freeByteCount(_ path: String) throws(StorageIOError) -> UInt64 { 1 << 40 }

    package func lockExclusively(_ path: String) throws(StorageIOError) -> any StorageLock {
        if node(path) == nil { _ = try open(path, .createNew) }
        let isFree = state.withLock { $0.locked.insert(path).inserted }
        guard isFree else { throw error(.lock, path, EWOULDBLOCK) }
        return SimulatedLock(owner: self, path: path)
    }

    package func lockOwner(_ path: String) -> String? { "simulated" }
}

private final class SimulatedLock: StorageLock {
    private let owner: SimulatedFileSystem
    private let path: String

    init(owner: SimulatedFileSystem, path: String) {
        self.owner = owner
        self.path = path
    }

    func release() { owner.state.withLock { _ = $0.locked.remove(path) } }
}

private final class SimulatedFile: StorageFile {
    let path: String
    private let node: SimulatedFileSystem.Node
    private let owner: SimulatedFileSystem

    init(path: String, node: SimulatedFileSystem.Node, owner: SimulatedFileSystem) {
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

    private func change(_ change: SimulatedFileSystem.Node.Change) {
        node.content.withLock { content in
            SimulatedFileSystem.apply(change, to: &content.bytes)
            content.pending.append(change)
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageIOError) -> Int {
        try owner.step(.write, path)
        change(.write(offset: Int(offset), bytes: Array(bytes)))
        return bytes.count
    }

    func synchronizeData() throws(StorageIOError) { try synchronize() }

    func synchronize() throws(StorageIOError) {
        try owner.step(.synchronize, path)
        let outcome = owner.takeSync()
        node.content.withLock { content in
            switch outcome {
            case .succeeds:
                // Not the bytes as they are: what an earlier failed sync lost stays lost.
                for change in content.pending {
                    SimulatedFileSystem.apply(change, to: &content.durable)
                }
            case .fails(.revert): content.bytes = content.durable
            case .fails, .lies, .confesses: break
            }
            content.pending = []
        }
        switch outcome {
        case .succeeds, .lies: return
        case .fails, .confesses:
            throw StorageIOError(operation: .synchronize, path: path, errno: EIO)
        }
    }

    func truncate(to byteCount: UInt64) throws(StorageIOError) {
        try owner.step(.truncate, path)
        change(.truncate(Int(byteCount)))
    }

    func reserve(_ byteCount: UInt64) throws(StorageIOError) {}

    func byteCount() throws(StorageIOError) -> UInt64 {
        UInt64(node.content.withLock { $0.bytes.count })
    }

    func map(byteCount: UInt64) throws(StorageIOError) -> MappedRegion {
        let count = Int(byteCount)
        var raw: UnsafeMutableRawPointer?
        guard posix_memalign(&raw, 4_096, max(count, 1)) == 0, let raw else {
            throw StorageIOError(operation: .map, path: path, errno: ENOMEM)
        }
        let copied = node.content.withLock { content in
            content.bytes.withUnsafeBytes { source -> Bool in
                guard source.count >= count, let base = source.baseAddress else { return false }
                raw.copyMemory(from: base, byteCount: count)
                return true
            }
        }
        guard copied else {
            free(raw)
            throw StorageIOError(operation: .map, path: path, errno: EINVAL)
        }
        return MappedRegion(base: raw, byteCount: count, isMapping: false) { base, _ in
            free(UnsafeMutableRawPointer(mutating: base))
        }
    }

    func dropCachedPages() throws(StorageIOError) {}
    func close() throws(StorageIOError) {}
}
