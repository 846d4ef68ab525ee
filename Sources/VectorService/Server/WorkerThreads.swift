// Threads of our own for searches and decoding, which block; never an event loop, never the threads
// that Swift's tasks share.
//
// - A request that would have to wait too long is refused when it comes, by what requests took lately.
// - One that has waited too long all the same is refused then, and never run.
// - Every refusal is `Problem.overloaded`, which says when to come again.

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
    }

    private let pool: NIOThreadPool
    private let threadCount: Int
    private let queueLength: Int
    private let queueTimeout: Duration
    private let state = Mutex(Load())

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - threadCount: How many calls run at once.
    ///   - queueLength: How many calls may wait; the next one is refused.
    ///   - queueTimeout: The longest that a call may wait.
    package init(
        threadCount: Int,
        queueLength: Int = 256,
        queueTimeout: Duration = .seconds(2)
    ) {
        pool = NIOThreadPool(numberOfThreads: threadCount)
        self.threadCount = threadCount
        self.queueLength = queueLength
        self.queueTimeout = queueTimeout
        pool.start()
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
                    in: .init(queueTimeout)
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

    /// Whether a call will have to wait; nil when it is refused.
    private func admit() -> Bool? {
        state.withLock { state in
            let isFree = state.running + state.queued < threadCount
            if !isFree {
                guard state.queued < queueLength + threadCount - state.running else {
                    state.refusedFull += 1
                    return nil
                }
                let wait = state.averageSeconds * Double(state.queued) / Double(threadCount)
                guard wait <= queueTimeout / .seconds(1) else {
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
