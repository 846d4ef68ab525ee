// The file system of the machine, in a process that dies at a named point.
//
// The engine knows nothing of it: which file a call is about is seen by its directory and by the name
// that it is given, which step by the call.

import Glibc
package import StorageIO
import Synchronization

package final class KillPointFileSystem: FileSystem {
    private struct State {
        var remaining: Int
        var isOpening = true
        /// The name that was last given to a file of a directory.
        var lastName: [String: String] = [:]
        var publishedWhileOpening = 0
    }

    private let base = PosixFileSystem()
    private let root: String
    private let point: KillPoint
    private let state: Mutex<State>

    /// - Parameters:
    ///   - root: The directory of the store.
    ///   - passCount: The process dies when it comes to the point for this time, counted from 1.
    package init(root: String, dyingAt point: KillPoint, passCount: Int) {
        self.root = root
        self.point = point
        state = Mutex(State(remaining: passCount))
    }

    /// The store is open: what follows is no recovery.
    package func noteOpen() { state.withLock { $0.isOpening = false } }

    fileprivate func pass(_ points: KillPoint?...) {
        guard points.contains(point) else { return }
        let isDue = state.withLock { state in
            state.remaining -= 1
            return state.remaining == 0
        }
        if isDue { kill(getpid(), SIGKILL) }
    }

    /// Whether the process is about to die in the middle of a write.
    fileprivate func dies(within partial: KillPoint?) -> Bool {
        guard let partial, partial == point else { return false }
        return state.withLock { state in
            state.remaining -= 1
            return state.remaining == 0
        }
    }

    private func isOpening<R>(_ yes: R, _ no: R) -> R {
        state.withLock { $0.isOpening } ? yes : no
    }

    private func folder(_ path: String) -> String {
        path.split(separator: "/").dropLast().last.map(String.init) ?? ""
    }

    fileprivate func isCopy(_ path: String) -> Bool { !path.hasPrefix(root + "/") }

    fileprivate func partialPoint(ofWrite path: String) -> KillPoint? {
        if isCopy(path) { return .snapshotPartial }
        if path.hasSuffix(".wal") { return .framePartial }
        switch folder(path) {
        case "seg": return .segmentPartial
        case "idx": return .centroidsPartial
        case "wal": return nil
        default: return .manifestPartial
        }
    }

    fileprivate func written(_ path: String) {
        if isCopy(path) { return }
        if path.hasSuffix(".wal") { return pass(.frameWritten) }
        switch folder(path) {
        case "seg": pass(.segmentWritten)
        case "idx": break
        case "wal": pass(.logHeaderWritten)
        default: pass(.manifestWritten)
        }
    }

    fileprivate func synced(_ path: String, isSealed: Bool) {
        if isCopy(path) { return }
        if path.hasSuffix(".wal") { return isSealed ? pass(.logSealed) : pass(.frameSynced) }
        switch folder(path) {
        case "seg": pass(.segmentSynced)
        case "idx": pass(.centroidsSynced)
        case "wal": pass(.logHeaderSynced)
        default: pass(.manifestSynced)
        }
    }

    // MARK: - FileSystem

    package func open(_ path: String, _ mode: OpenMode) throws(StorageIOError) -> any StorageFile {
        KillPointFile(try base.open(path, mode), owner: self)
    }

    package func createDirectory(_ path: String) throws(StorageIOError) {
        try base.createDirectory(path)
    }

    package func list(_ path: String) throws(StorageIOError) -> [String] { try base.list(path) }

    package func rename(_ source: String, to target: String) throws(StorageIOError) {
        try base.rename(source, to: target)
        if isCopy(target) {
            return target.contains("MANIFEST-")
                ? pass(.snapshotManifestRenamed) : pass(.snapshotFileRenamed)
        }
        let parts = target.split(separator: "/")
        let directory = "/" + parts.dropLast().joined(separator: "/")
        state.withLock { $0.lastName[directory] = target }
        if target.hasSuffix(".wal") {
            pass(.logHeaderRenamed, isOpening(.recoveryLogRenamed, nil))
        } else if target.hasSuffix(".seg") {
            pass(.segmentRenamed, isOpening(.recoverySegmentRenamed, nil))
        } else if target.hasSuffix(".del") {
            pass(.tombstonesRenamed)
        } else if target.hasSuffix(".cent") {
            pass(.centroidsRenamed)
        } else {
            pass(.manifestRenamed)
        }
    }

    package func remove(_ path: String) throws(StorageIOError) {
        try base.remove(path)
        guard !path.contains("/.tmp-"), !isCopy(path) else { return }
        pass(isOpening(.recoveryCleaned, .purged))
    }

    package func removeDirectory(_ path: String) throws(StorageIOError) {
        try base.removeDirectory(path)
    }

    package func synchronizeDirectory(_ path: String) throws(StorageIOError) {
        try base.synchronizeDirectory(path)
        guard let name = state.withLock({ $0.lastName.removeValue(forKey: path) }) else { return }
        if name.hasSuffix(".wal") { return pass(.logHeaderDirectorySynced) }
        if name.hasSuffix(".seg") { return pass(.segmentDirectorySynced) }
        if name.hasSuffix(".del") { return pass(.tombstonesDirectorySynced) }
        if name.hasSuffix(".cent") { return pass(.centroidsDirectorySynced) }
        let count = state.withLock { state in
            if state.isOpening { state.publishedWhileOpening += 1 }
            return state.publishedWhileOpening
        }
        pass(
            .manifestDirectorySynced,
            isOpening(count == 1 ? .recoveryPublished : .recoveryPublishedSegments, nil)
        )
    }

    package func status(_ path: String) throws(StorageIOError) -> FileStatus? {
        try base.status(path)
    }

    package func freeByteCount(_ path: String) throws(StorageIOError) -> UInt64 {
        try base.freeByteCount(path)
    }

    package func lockExclusively(_ path: String) throws(StorageIOError) -> any StorageLock {
        let lock = try base.lockExclusively(path)
        pass(.recoveryLocked)
        return lock
    }

    package func lockOwner(_ path: String) -> String? { base.lockOwner(path) }
}

private final class KillPointFile: StorageFile {
    private let base: any StorageFile
    private let owner: KillPointFileSystem
    private let sealed = Atomic<Bool>(false)

    init(_ base: any StorageFile, owner: KillPointFileSystem) {
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
        if bytes.count > 1, owner.dies(within: owner.partialPoint(ofWrite: path)) {
            let half = UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / 2)])
            _ = try base.write(half, at: offset)
            kill(getpid(), SIGKILL)
        }
        let count = try base.write(bytes, at: offset)
        // A seal is a frame of forty bytes whose type is 2; see the page on the log's format.
        if path.hasSuffix(".wal"), bytes.count == 40, bytes[28] == 2 {
            sealed.store(true, ordering: .relaxed)
        }
        owner.written(path)
        return count
    }

    func synchronizeData() throws(StorageIOError) {
        try base.synchronizeData()
        owner.synced(path, isSealed: sealed.load(ordering: .relaxed))
    }

    func synchronize() throws(StorageIOError) {
        try base.synchronize()
        owner.synced(path, isSealed: sealed.load(ordering: .relaxed))
    }

    func truncate(to byteCount: UInt64) throws(StorageIOError) {
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
