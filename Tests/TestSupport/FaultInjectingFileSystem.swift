// A file system that fails on command, around any other.
//
// - Calls are counted per fault: only those that can fail in that way take a number.
// - A call that fails does nothing below, except a short write or read, which does its first half.
// - It also watches: objects that were opened and not let go of, and calls on a file after its sync
//   failed, which no caller may make (see fsync(2)).

import Glibc
package import StorageIO
import Synchronization

package final class FaultInjectingFileSystem: FileSystem {
    private struct State {
        var plan: FaultPlan?
        var callCount = 0
        var firedCount = 0
        var failedSyncCount = 0
        var openCount = 0
        var mappedCount = 0
        var firstFiring: String?
        var misdeeds: [String] = []
        var onlySyncs = false
        var sparesSyncs = false
    }

    package let base: any FileSystem
    private let state = Mutex(State())

    package init(_ base: any FileSystem) {
        self.base = base
    }

    /// Begins counting calls for a plan; nil lets every call through.
    package func arm(_ plan: FaultPlan?) {
        state.withLock {
            $0.plan = plan
            $0.callCount = 0
            $0.onlySyncs = false
            $0.sparesSyncs = false
        }
    }

    /// Fails the next sync, and no other call.
    package func armSync(_ fault: Fault) {
        arm(FaultPlan(fault, number: 1, isSticky: false))
        state.withLock { $0.onlySyncs = true }
    }

    /// Fails every call that allocates from now on; syncs succeed, as when the disk fills up.
    package func fill(with fault: Fault = .noSpace) {
        arm(FaultPlan(fault, number: 1, isSticky: true))
        state.withLock { $0.sparesSyncs = true }
    }

    /// Calls that were made to fail so far.
    package var firedCount: Int { state.withLock { $0.firedCount } }
    /// Syncs that were made to fail so far.
    package var failedSyncCount: Int { state.withLock { $0.failedSyncCount } }
    /// The first call that was made to fail.
    package var firstFiring: String { state.withLock { $0.firstFiring ?? "none" } }
    /// Files that are open.
    package var openCount: Int { state.withLock { $0.openCount } }
    /// Files that are mapped.
    package var mappedCount: Int { state.withLock { $0.mappedCount } }
    /// Calls that must not be made after a failed sync.
    package var misdeeds: [String] { state.withLock { $0.misdeeds } }

    fileprivate func noteMisdeed(_ what: String) { state.withLock { $0.misdeeds.append(what) } }
    fileprivate func noteOpen(_ change: Int) { state.withLock { $0.openCount += change } }
    fileprivate func noteMapped(_ change: Int) { state.withLock { $0.mappedCount += change } }

    /// Counts a call.
    ///
    /// - Returns: The fault, when it is this call's turn.
    private func turn(
        _ operation: StorageIOError.Operation,
        _ path: String,
        creates: Bool
    ) -> Fault? {
        state.withLock { state in
            guard let plan = state.plan, plan.fault.applies(to: operation, creates: creates) else {
                return nil
            }
            if operation == .synchronize ? state.sparesSyncs : state.onlySyncs { return nil }
            state.callCount += 1
            let fires =
                plan.isSticky ? state.callCount >= plan.number : state.callCount == plan.number
            guard fires else { return nil }
            state.firedCount += 1
            if operation == .synchronize, plan.fault.errno != nil { state.failedSyncCount += 1 }
            if state.firstFiring == nil { state.firstFiring = "\(operation.rawValue) \(path)" }
            return plan.fault
        }
    }

    /// Fails when it is this call's turn.
    fileprivate func pass(
        _ operation: StorageIOError.Operation,
        _ path: String,
        creates: Bool = false
    ) throws(StorageIOError) {
        if let errno = turn(operation, path, creates: creates)?.errno {
            throw StorageIOError(operation: operation, path: path, errno: errno)
        }
    }

    /// As `pass`; returns whether only half of the call is to be done.
    fileprivate func passOrHalve(
        _ operation: StorageIOError.Operation,
        _ path: String
    ) throws(StorageIOError) -> Bool {
        guard let fault = turn(operation, path, creates: false) else { return false }
        if let errno = fault.errno {
            throw StorageIOError(operation: operation, path: path, errno: errno)
        }
        return true
    }

    // MARK: - FileSystem

    package func open(_ path: String, _ mode: OpenMode) throws(StorageIOError) -> any StorageFile {
        try pass(.open, path, creates: mode == .createNew)
        return FaultyFile(try base.open(path, mode), owner: self)
    }

    package func createDirectory(_ path: String) throws(StorageIOError) {
        try pass(.createDirectory, path, creates: true)
        try base.createDirectory(path)
    }

    package func list(_ path: String) throws(StorageIOError) -> [String] {
        try pass(.list, path)
        return try base.list(path)
    }

    package func rename(_ source: String, to target: String) throws(StorageIOError) {
        try pass(.rename, target, creates: true)
        try base.rename(source, to: target)
    }

    package func remove(_ path: String) throws(StorageIOError) {
        try pass(.remove, path)
        try base.remove(path)
    }

    package func removeDirectory(_ path: String) throws(StorageIOError) {
        try pass(.remove, path)
        try base.removeDirectory(path)
    }

    package func synchronizeDirectory(_ path: String) throws(StorageIOError) {
        // The directory has to be opened for it, which takes a descriptor.
        try pass(.synchronize, path, creates: true)
        try base.synchronizeDirectory(path)
    }

    package func status(_ path: String) throws(StorageIOError) -> FileStatus? {
        try pass(.status, path)
        return try base.status(path)
    }

    package func freeByteCount(_ path: String) throws(StorageIOError) -> UInt64 {
        try pass(.status, path)
        return try base.freeByteCount(path)
    }

    package func lockExclusively(_ path: String) throws(StorageIOError) -> any StorageLock {
        try pass(.lock, path)
        return try base.lockExclusively(path)
    }

    package func lockOwner(_ path: String) -> String? { base.lockOwner(path) }
}

private final class FaultyFile: StorageFile {
    private let base: any StorageFile
    private let owner: FaultInjectingFileSystem
    private let syncFailed = Atomic<Bool>(false)

    init(_ base: any StorageFile, owner: FaultInjectingFileSystem) {
        self.base = base
        self.owner = owner
        owner.noteOpen(1)
    }

    deinit { owner.noteOpen(-1) }

    var path: String { base.path }

    private func checkSynced(_ call: String) {
        if syncFailed.load(ordering: .relaxed) {
            owner.noteMisdeed("\(call) \(path) after its sync failed")
        }
    }

    func read(
        into buffer: UnsafeMutableRawBufferPointer,
        at offset: UInt64
    ) throws(StorageIOError) -> Int {
        let halves = try owner.passOrHalve(.read, path) && buffer.count > 1
        guard halves else { return try base.read(into: buffer, at: offset) }
        let half = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(buffer.count / 2)])
        return try base.read(into: half, at: offset)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageIOError) -> Int {
        checkSynced("write")
        let halves = try owner.passOrHalve(.write, path) && bytes.count > 1
        guard halves else { return try base.write(bytes, at: offset) }
        let half = UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count / 2)])
        return try base.write(half, at: offset)
    }

    private func synchronizing(
        _ sync: () throws(StorageIOError) -> Void
    ) throws(StorageIOError) {
        checkSynced("sync")
        do throws(StorageIOError) {
            try owner.pass(.synchronize, path)
            try sync()
        } catch {
            syncFailed.store(true, ordering: .relaxed)
            throw error
        }
    }

    func synchronizeData() throws(StorageIOError) {
        try synchronizing { () throws(StorageIOError) in try base.synchronizeData() }
    }

    func synchronize() throws(StorageIOError) {
        try synchronizing { () throws(StorageIOError) in try base.synchronize() }
    }

    func truncate(to byteCount: UInt64) throws(StorageIOError) {
        checkSynced("truncate")
        try owner.pass(.truncate, path)
        try base.truncate(to: byteCount)
    }

    func reserve(_ byteCount: UInt64) throws(StorageIOError) {
        try owner.pass(.reserve, path)
        try base.reserve(byteCount)
    }

    func byteCount() throws(StorageIOError) -> UInt64 {
        try owner.pass(.status, path)
        return try base.byteCount()
    }

    func map(byteCount: UInt64) throws(StorageIOError) -> MappedRegion {
        try owner.pass(.map, path)
        let region = try base.map(byteCount: byteCount)
        owner.noteMapped(1)
        // The region below lives as long as the one that is handed out.
        return MappedRegion(
            base: region.baseAddress,
            byteCount: region.byteCount,
            isMapping: false
        ) { [owner] _, _ in
            owner.noteMapped(-1)
            withExtendedLifetime(region) {}
        }
    }

    func dropCachedPages() throws(StorageIOError) { try base.dropCachedPages() }

    func close() throws(StorageIOError) {
        try owner.pass(.close, path)
        try base.close()
    }
}
