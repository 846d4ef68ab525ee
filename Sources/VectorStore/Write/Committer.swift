// The write path: queue → group → log frame → fdatasync → memtables → acknowledgement.
//
// - One thread commits. While it syncs, new writes queue; they form the next group.
// - A group is one log frame, the unit of atomicity.
// - Nothing is visible before it is durable, and nothing is acknowledged before it is visible.

import Dispatch
import StorageIO
import Synchronization

/// Commits groups of writes in order.
final class Committer: Sendable {
    private struct Queue {
        var requests: [WriteRequest] = []
        var byteCount = 0
        var isScheduled = false
        var isClosed = false
        /// When a relaxed store acknowledged the first change that is not synced yet.
        var unsyncedSince: ContinuousClock.Instant?
    }

    /// A group takes no further request beyond this.
    static let groupByteCount = 4 << 20
    static let groupOperationCount = 4_096
    /// Requests beyond this many waiting bytes are refused.
    static let queueByteCount = 256 << 20

    private let core: StoreCore
    private let queue = Mutex(Queue())
    private let thread = DispatchQueue(label: "vectorstore.commit", qos: .userInitiated)
    private let commitCount = Atomic<UInt64>(0)
    /// Called after a commit with the collections that it changed.
    private let didCommit: @Sendable ([CollectionState]) -> Void

    init(core: StoreCore, didCommit: @escaping @Sendable ([CollectionState]) -> Void) {
        self.core = core
        self.didCommit = didCommit
    }

    // MARK: - Callers

    /// Queues a change and returns when it is durable and visible, or refused.
    func submit(
        _ work: WriteRequest.Work,
        byteCount: Int,
        to collection: CollectionState,
        id: WriteID? = nil
    ) async throws(VectorStoreError) -> WriteReceipt {
        let result = await withCheckedContinuation { continuation in
            let completion = Completion(continuation)
            let request = WriteRequest(
                collection: collection,
                work: work,
                id: id,
                byteCount: byteCount,
                completion: completion
            )
            if let error = enqueue(request) { completion.finish(.failure(error)) }
        }
        return try result.get()
    }

    private func enqueue(_ request: WriteRequest) -> VectorStoreError? {
        let (error, mustSchedule): (VectorStoreError?, Bool) = queue.withLock { queue in
            if queue.isClosed {
                return (VectorStoreError(.closed, "the store is closed; open it again"), false)
            }
            if queue.byteCount + request.byteCount > Self.queueByteCount, !queue.requests.isEmpty {
                return (
                    VectorStoreError(
                        .busy,
                        "\(queue.byteCount) bytes of writes are waiting for the disk; "
                            + "try again shortly"
                    ), false
                )
            }
            queue.requests.append(request)
            queue.byteCount += request.byteCount
            let mustSchedule = !queue.isScheduled
            queue.isScheduled = true
            return (nil, mustSchedule)
        }
        if mustSchedule { thread.async { self.drain() } }
        return error
    }

    /// Commits what waits, then accepts nothing more.
    func close() {
        queue.withLock { $0.isClosed = true }
        thread.sync { self.drain() }
    }

    // MARK: - The committing thread

    private func drain() {
        while let group = takeGroup() { commit(group) }
        scheduleQuietWork()
    }

    private func takeGroup() -> [WriteRequest]? {
        queue.withLock { queue in
            var (count, bytes, operations) = (0, 0, 0)
            var ids: Set<WriteID> = []
            for request in queue.requests {
                // The same write sent twice: the second finds what became of the first.
                if let id = request.id, !ids.insert(id).inserted { break }
                if count > 0 {
                    let isFull =
                        bytes + request.byteCount > Self.groupByteCount
                        || operations + request.operationCount > Self.groupOperationCount
                    if isFull || request.needsCurrentState { break }
                }
                count += 1
                bytes += request.byteCount
                operations += request.operationCount
                if request.needsCurrentState { break }
            }
            guard count > 0 else {
                queue.isScheduled = false
                return nil
            }
            let group = Array(queue.requests.prefix(count))
            queue.requests.removeFirst(count)
            queue.byteCount -= bytes
            return group
        }
    }

    private func commit(_ group: [WriteRequest]) {
        commitCount.wrappingAdd(1, ordering: .relaxed)
        if let poison = core.poison {
            for request in group { request.completion.finish(.failure(poison)) }
            return
        }
        let results = commitWhatFits(group)
        syncIfDue()
        var touched: [ObjectIdentifier: CollectionState] = [:]
        for request in group {
            touched[ObjectIdentifier(request.collection)] = request.collection
        }
        didCommit(Array(touched.values))
        for (request, result) in zip(group, results) { request.completion.finish(result) }
    }

    /// Commits a group; where the disk is full, those changes that make room.
    private func commitWhatFits(
        _ group: [WriteRequest]
    ) -> [Result<WriteReceipt, VectorStoreError>] {
        var refusal: VectorStoreError?
        do throws(VectorStoreError) {
            try core.completeOpening()
            if group.contains(where: \.grows) { try core.space.admitGrowth() }
        } catch {
            refusal = error
        }
        if refusal == nil {
            let results = commitLocked(group)
            let isFull = results.contains {
                if case .failure(let error) = $0 { error.code == .diskFull } else { false }
            }
            guard isFull else { return results }
            core.space.noteFull()
            // The whole group was refused, also the deletes in it.
            if !group.allSatisfy(\.grows), core.space.releaseBallast() {
                return commitDeletes(of: group, refusing: results)
            }
            return results
        }
        guard let refusal else { return [] }
        let refused = refuse(group, refusal)
        guard refusal.code == .diskFull, !group.allSatisfy(\.grows),
            (try? core.completeOpening()) != nil
        else { return refused }
        return commitDeletes(of: group, refusing: refused)
    }

    /// Refuses a group, but not for want of space what was done before and needs none.
    private func refuse(
        _ group: [WriteRequest],
        _ refusal: VectorStoreError
    ) -> [Result<WriteReceipt, VectorStoreError>] {
        guard refusal.code == .diskFull else { return group.map { _ in .failure(refusal) } }
        return core.writing.withLock { state in
            group.map { request in
                state.knownWrites.repetition(of: request.id, in: request.collection.id)
                    .map { .success($0) } ?? .failure(refusal)
            }
        }
    }

    /// Commits the deletes of a group alone; the others keep the results they have.
    private func commitDeletes(
        of group: [WriteRequest],
        refusing refused: [Result<WriteReceipt, VectorStoreError>]
    ) -> [Result<WriteReceipt, VectorStoreError>] {
        let places = group.indices.filter { !group[$0].grows }
        var results = refused
        let deletes = places.map { group[$0] }
        var outcome = commitLocked(deletes)
        let isFull = outcome.contains {
            if case .failure(let error) = $0 { error.code == .diskFull } else { false }
        }
        if isFull, core.space.releaseBallast() { outcome = commitLocked(deletes) }
        for (place, result) in zip(places, outcome) { results[place] = result }
        return results
    }

    private func commitLocked(
        _ group: [WriteRequest]
    ) -> [Result<WriteReceipt, VectorStoreError>] {
        core.writing.withLock { state in
            if core.isClosed {
                let error = VectorStoreError(.closed, "the store is closed; open it again")
                return group.map { _ in .failure(error) }
            }
            return GroupCommit(core: core).commit(group, state: &state)
        }
    }

    // MARK: - Relaxed durability

    /// Keeps the promise that no acknowledged change waits longer than asked for its sync, however
    /// steadily others follow it.
    private func syncIfDue() {
        guard case .relaxed(let milliseconds) = core.options.durability else { return }
        let limit = Duration.milliseconds(max(1, milliseconds))
        let now = ContinuousClock.now
        let (isDue, isFirst) = queue.withLock { queue -> (Bool, Bool) in
            guard let since = queue.unsyncedSince else {
                queue.unsyncedSince = now
                return (false, true)
            }
            guard now - since >= limit else { return (false, false) }
            queue.unsyncedSince = nil
            return (true, false)
        }
        if isDue { sync() }
        guard isFirst else { return }
        thread.asyncAfter(deadline: .now() + .milliseconds(max(1, milliseconds))) { [weak self] in
            guard let self else { return }
            let isOwed = self.queue.withLock { queue -> Bool in
                // A commit may have synced, and a younger change be waiting for its own timer.
                guard let since = queue.unsyncedSince, ContinuousClock.now - since >= limit else {
                    return false
                }
                queue.unsyncedSince = nil
                return true
            }
            if isOwed { self.sync() }
        }
    }

    private func sync() {
        guard core.poison == nil else { return }
        core.writing.withLock { state in
            guard !core.isClosed, !state.logIsSpent else { return }
            do throws(StorageIOError) {
                try state.log.synchronize()
            } catch {
                core.poison(because: error)
            }
        }
    }

    // MARK: - Quiet times

    private func scheduleQuietWork() {
        let seen = commitCount.load(ordering: .relaxed)
        let pause = core.options.idleMarkMilliseconds
        thread.asyncAfter(deadline: .now() + .milliseconds(pause)) { [weak self] in
            guard let self, self.commitCount.load(ordering: .relaxed) == seen else { return }
            self.markIdle()
        }
    }

    /// Says in the log that nothing was cut off.
    private func markIdle() {
        guard core.poison == nil else { return }
        core.writing.withLock { state in
            guard !core.isClosed, !state.logIsSpent else { return }
            do throws(StorageIOError) {
                try state.log.idleMark()
            } catch {
                if error.isNoSpace, error.operation != .synchronize {
                    state.logIsSpent = true
                } else {
                    core.poison(because: error)
                }
            }
        }
    }
}
