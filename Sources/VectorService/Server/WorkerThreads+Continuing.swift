import NIOPosix
import Synchronization

extension WorkerThreads {
    /// Runs a part of an answer that has begun, in its turn.
    ///
    /// It can be refused no more, and says nothing of how long requests take. There is one such part for each
    /// connection at the most.
    ///
    /// - Throws: `Problem.stopping`, or what `work` throws.
    func runAdmitted<Value: Sendable>(
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            pool.submit { poolState in
                guard case .active = poolState else {
                    return continuation.resume(throwing: Problem.stopping)
                }
                self.state.withLock { $0.running += 1 }
                self.standBack()
                let result = Result { try work() }
                self.state.withLock { $0.running -= 1 }
                continuation.resume(with: result)
            }
        }
    }
}
