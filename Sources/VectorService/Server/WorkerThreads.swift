import NIOPosix
import Synchronization

/// Threads of our own for searches and decoding, which block; never an event loop, never the
/// threads that Swift's tasks share.
package final class WorkerThreads: Sendable {
    private let pool: NIOThreadPool
    private let capacity: Int
    private let inFlight = Atomic<Int>(0)

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - threadCount: How many calls run at once.
    ///   - queueLength: How many calls may wait; the next one is refused.
    package init(threadCount: Int, queueLength: Int = 256) {
        pool = NIOThreadPool(numberOfThreads: threadCount)
        capacity = threadCount + queueLength
        pool.start()
    }

    /// Runs `work` on one of the threads, or refuses with `Problem.overloaded` at once.
    package func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        let count = inFlight.add(1, ordering: .relaxed).newValue
        defer { inFlight.subtract(1, ordering: .relaxed) }
        guard count <= capacity else { throw Problem.overloaded }
        return try await pool.runIfActive(work)
    }

    /// Stops the threads after what they are doing.
    package func stop() async {
        try? await pool.shutdownGracefully()
    }
}
