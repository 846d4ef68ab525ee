// Queries that wait for a thread, whichever connection they came by.
//
// - A thread that is free takes the next query, then the next, and never waits for more: a change of
//   thread is paid once for all of them, and nothing stands behind a slow query while a thread is free.
// - A query waits at most as long as a call does; then it is refused, whatever the threads do.

import NIOCore
import NIOPosix
import Synchronization

extension WorkerThreads {
    /// A query that waits.
    struct Errand: Sendable {
        /// Makes the query, or refuses it with the problem.
        let work: @Sendable (_ refusal: Problem?) -> Void

        init(_ work: @escaping @Sendable (_ refusal: Problem?) -> Void) {
            self.work = work
        }
    }

    /// The queries that wait, and the threads that are theirs.
    struct Waiting {
        var errands = CircularBuffer<(errand: Errand, deadline: ContinuousClock.Instant)>()
        /// Threads that were asked for and have not come yet.
        var comingCount = 0
        /// Threads that are making queries.
        var busyCount = 0
        /// When the next look for queries that waited too long is.
        var nextLook: ContinuousClock.Instant?

        /// Counts in the threads that have to be asked for, so that no thread is free while a query waits.
        mutating func missingThreads(of threadCount: Int) -> Int {
            let count = max(0, min(errands.count, threadCount - busyCount) - comingCount)
            comingCount += count
            return count
        }
    }

    /// Makes queries on threads that are free, refuses those that have no place in the queue.
    func enqueue(_ errands: [Errand]) {
        let deadline = ContinuousClock.now + limits.withLock { $0.queueTimeout }
        var accepted: [Errand] = []
        var refused: [Errand] = []
        for errand in errands {
            if admit() != nil { accepted.append(errand) } else { refused.append(errand) }
        }
        let (threads, isLookDue) = waiting.withLock { waiting in
            for errand in accepted { waiting.errands.append((errand, deadline)) }
            let isLookDue = !accepted.isEmpty && waiting.nextLook.map { deadline < $0 } ?? true
            if isLookDue { waiting.nextLook = deadline }
            return (waiting.missingThreads(of: threadCount), isLookDue)
        }
        for _ in 0..<threads { submitRunner() }
        if isLookDue { look(at: deadline) }
        for errand in refused { errand.work(.overloaded) }
    }

    private func submitRunner() {
        pool.submit { poolState in
            if case .active = poolState { self.runErrands() } else { self.refuseWaiting() }
        }
    }

    /// Makes queries on this thread, then goes to the end of the line behind calls of another kind.
    private func runErrands() {
        let batchLength = limits.withLock { $0.batchLength }
        waiting.withLock { waiting in
            waiting.comingCount -= 1
            waiting.busyCount += 1
        }
        var count = 0
        while count < batchLength {
            guard let (errand, deadline) = waiting.withLock({ $0.errands.popFirst() }) else {
                break
            }
            let start = ContinuousClock.now
            let isInTime = start < deadline
            state.withLock { state in
                state.queued -= 1
                if isInTime, count == 0 {
                    state.running += 1
                    state.batches += 1
                }
                if isInTime { state.batched += 1 } else { state.expired += 1 }
            }
            guard isInTime else {
                errand.work(.overloaded)
                continue
            }
            count += 1
            errand.work(nil)
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            state.withLock { $0.averageSeconds += (seconds - $0.averageSeconds) / 64 }
        }
        if count > 0 { state.withLock { $0.running -= 1 } }
        let threads = waiting.withLock { waiting in
            waiting.busyCount -= 1
            return waiting.missingThreads(of: threadCount)
        }
        for _ in 0..<threads { submitRunner() }
    }

    /// Refuses what has waited too long, at a moment and again for as long as anything waits.
    private func look(at moment: ContinuousClock.Instant) {
        let delay = max(.zero, moment - .now) + .milliseconds(1)
        MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: .init(delay)) {
            let now = ContinuousClock.now
            let (late, next) = self.waiting.withLock {
                waiting -> ([Errand], ContinuousClock.Instant?) in
                // Another look was asked for since; it sees to the rest.
                guard waiting.nextLook == moment else { return ([], nil) }
                let late = waiting.errands.filter { $0.deadline <= now }.map { $0.errand }
                if !late.isEmpty { waiting.errands.removeAll { $0.deadline <= now } }
                waiting.nextLook = waiting.errands.map { $0.deadline }.min()
                return (late, waiting.nextLook)
            }
            // After these, so that refusals keep the order of the queries.
            defer { if let next { self.look(at: next) } }
            guard !late.isEmpty else { return }
            self.state.withLock { state in
                state.queued -= late.count
                state.expired += UInt64(late.count)
            }
            for errand in late { errand.work(.overloaded) }
        }
    }

    /// Refuses what waits, because no thread will come.
    func refuseWaiting() {
        let left = waiting.withLock { waiting in
            defer { waiting.errands.removeAll() }
            waiting.comingCount = 0
            return waiting.errands.map { $0.errand }
        }
        state.withLock { $0.queued -= left.count }
        for errand in left { errand.work(.stopping) }
    }
}
