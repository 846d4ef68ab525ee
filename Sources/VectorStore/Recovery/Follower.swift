// A store that is open for reading, kept up with its writer.
//
// - A look at names and sizes says whether anything is new; only then are files read.
// - What fails changes nothing: searches go on with what was read last, and the next look tries again.

import Dispatch
import StorageIO
import Synchronization

/// Looks for what the writer of an open store has done, at a steady pace.
final class Follower: Sendable {
    /// Changes when the writer does anything that a reader can see.
    private struct Mark: Equatable {
        var manifest: UInt64?
        var log: String?
        var logByteCount: UInt64?
    }

    private struct State {
        var status = FollowStatus()
        var mark: Mark?
        var isStopped = false
    }

    private let core: StoreCore
    private let state = Mutex(State())
    /// One refresh at a time, whoever asks for it.
    private let queue = DispatchQueue(label: "vectorstore.follow", qos: .utility)

    init(core: StoreCore) {
        self.core = core
    }

    var status: FollowStatus { state.withLock { $0.status } }

    /// - Parameter milliseconds: From the end of one look to the next.
    func start(milliseconds: Int) {
        queue.asyncAfter(deadline: .now() + .milliseconds(milliseconds)) { [weak self] in
            guard let self, !self.state.withLock({ $0.isStopped }) else { return }
            self.look()
            self.start(milliseconds: milliseconds)
        }
    }

    /// Reads what is new, at once.
    ///
    /// - Returns: Whether anything was.
    func refreshNow() throws(VectorStoreError) -> Bool {
        let result = queue.sync { () -> Result<Bool, VectorStoreError> in
            do throws(VectorStoreError) {
                return .success(try refresh())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    func stop() {
        state.withLock { $0.isStopped = true }
        queue.sync {}
    }

    private func look() {
        do throws(VectorStoreError) {
            let mark = try mark()
            guard mark != state.withLock({ $0.mark }) else {
                state.withLock { $0.status.failure = nil }
                return
            }
            let isNew = try refresh()
            state.withLock {
                $0.mark = mark
                $0.status.failure = nil
                if isNew { $0.status.refreshCount += 1 }
            }
        } catch {
            state.withLock { $0.status.failure = error.message }
        }
    }

    private func refresh() throws(VectorStoreError) -> Bool {
        try ReadOnlyOpening(
            fileSystem: core.fileSystem,
            root: core.paths.root,
            options: core.options
        ).refresh(core)
    }

    /// Taken before files are read: what is written meanwhile makes another one.
    private func mark() throws(VectorStoreError) -> Mark {
        do throws(StorageIOError) {
            var mark = Mark()
            mark.manifest = try core.fileSystem.list(core.paths.root)
                .compactMap(ManifestFile.number).max()
            mark.log = try core.fileSystem.list(core.paths.logs)
                .filter { NumberedName.parse($0, suffix: ".wal") != nil }.max()
            if let log = mark.log {
                mark.logByteCount = try core.fileSystem
                    .status(core.paths.logs + "/" + log)?.byteCount
            }
            return mark
        } catch {
            throw VectorStoreError(io: error)
        }
    }
}
