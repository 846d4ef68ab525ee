extension WorkerThreads {
    /// Runs work for an answer that has begun, which can be refused no more: where there is no place for it, it
    /// comes again until there is.
    ///
    /// - Throws: `Problem.overloaded` when `deadline` has passed.
    func runAdmitted<Value: Sendable>(
        until deadline: ContinuousClock.Instant,
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        while ContinuousClock.now < deadline {
            do {
                return try await run(work)
            } catch let problem as Problem where problem.code == Problem.overloaded.code {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        throw Problem.overloaded
    }
}
