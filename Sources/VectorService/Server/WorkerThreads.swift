// Threads of our own for searches and decoding, which block; never an event loop, never the threads
// that Swift's tasks share.
//
// - A request that would have to wait half of that is refused when it comes, by what requests took
//   lately: a guess, so that hardly any waits in vain.
// - One that has waited too long is refused then, and never run.
// - Every refusal is `Problem.overloaded`, which says when to come again, or `Problem.stopping`.

import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// Threads with a bounded queue in front of them.
package final class WorkerThreads: Sendable {
    /// What the threads do now and have done.
    package struct Load: Sendable, Equatable {
        var running = 0
        var queued = 0
        var refusedFull: UInt64 = 0
        var refusedSlow: UInt64 = 0
        var expired: UInt64 = 0
        /// A moving average.
        var averageSeconds = 0.0
        /// How often a thread took queries that waited, and how many it took.
        var batches: UInt64 = 0
        var batched: UInt64 = 0
    }

    struct Limits {
        var queueLength: Int
        var queueTimeout: Duration
        /// The most queries that a thread takes in a row.
        var batchLength: Int
    }

    let waiting = Mutex(Waiting())
    let pool: NIOThreadPool
    let threadCount: Int
    let limits: Mutex<Limits>
    let state = Mutex(Load())
    /// Of the threads, as in sched(7).
    private let priority: Int32?

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - threadCount: How many calls run at once.
    ///   - queueLength: How many calls may wait; the next one is refused.
    ///   - queueTimeout: The longest that a call may wait.
    ///   - batchLength: The most queries that a thread takes in a row.
    ///   - niceness: By how much the threads stand back behind the process's others, as in sched(7).
    package init(
        threadCount: Int,
        queueLength: Int = 1_024,
        queueTimeout: Duration = .seconds(2),
        batchLength: Int = 16,
        niceness: Int32 = 0
    ) {
        priority = niceness > 0 ? getpriority(Int32(PRIO_PROCESS.rawValue), 0) + niceness : nil
        pool = NIOThreadPool(numberOfThreads: threadCount)
        self.threadCount = threadCount
        limits = Mutex(
            Limits(
                queueLength: queueLength,
                queueTimeout: queueTimeout,
                batchLength: batchLength
            )
        )
        pool.start()
    }

    /// Changes what may wait, for calls that come from now on.
    func limit(queueLength: Int, queueTimeout: Duration, batchLength: Int) {
        limits.withLock { limits in
            limits.queueLength = queueLength
            limits.queueTimeout = queueTimeout
            limits.batchLength = batchLength
        }
    }

    /// What the threads do now.
    package var load: Load { state.withLock { $0 } }

    /// Runs `work` on one of the threads, or refuses with `Problem.overloaded`.
    package func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        guard let mustWait = admit() else { throw Problem.overloaded }
        return try await withCheckedThrowingContinuation { continuation in
            let call = Call()
            if mustWait {
                call.timer = MultiThreadedEventLoopGroup.singleton.any().scheduleTask(
                    in: .init(limits.withLock { $0.queueTimeout })
                ) {
                    guard call.claim() else { return }
                    self.state.withLock { state in
                        state.queued -= 1
                        state.expired += 1
                    }
                    continuation.resume(throwing: Problem.overloaded)
                }
            }
            pool.submit { poolState in
                guard call.claim() else { return }
                call.timer?.cancel()
                guard case .active = poolState else {
                    self.state.withLock { $0.queued -= 1 }
                    continuation.resume(throwing: Problem.stopping)
                    return
                }
                self.state.withLock { state in
                    state.queued -= 1
                    state.running += 1
                }
                self.standBack()
                let start = ContinuousClock.now
                let result = Result { try work() }
                let seconds = (ContinuousClock.now - start) / .seconds(1)
                self.state.withLock { state in
                    state.running -= 1
                    state.averageSeconds += (seconds - state.averageSeconds) / 64
                }
                continuation.resume(with: result)
            }
        }
    }

    /// Gives the thread that it runs on its priority (setpriority(2)), which it may have already.
    func standBack() {
        if let priority { setpriority(Int32(PRIO_PROCESS.rawValue), 0, priority) }
    }

    /// Whether a call will have to wait; nil when it is refused.
    func admit() -> Bool? {
        let limits = limits.withLock { $0 }
        return state.withLock { state in
            let isFree = state.running + state.queued < threadCount
            if !isFree {
                guard state.queued < limits.queueLength + threadCount - state.running else {
                    state.refusedFull += 1
                    return nil
                }
                let wait = state.averageSeconds * Double(state.queued) / Double(threadCount)
                guard wait <= limits.queueTimeout / .seconds(2) else {
                    state.refusedSlow += 1
                    return nil
                }
            }
            state.queued += 1
            return !isFree
        }
    }

    /// Stops the threads after what they are doing.
    package func stop() async {
        refuseWaiting()
        try? await pool.shutdownGracefully()
    }

    /// One call on its way: it is run or refused, never both.
    private final class Call: @unchecked Sendable {
        // Set before the call is submitted, read by the thread that runs it.
        var timer: Scheduled<Void>?
        private let isTaken = Atomic(false)

        func claim() -> Bool {
            isTaken.compareExchange(
                expected: false,
                desired: true,
                ordering: .acquiringAndReleasing
            ).exchanged
        }
    }
}
