extension WorkerThreads {
    /// Runs a search, again and again until it sees what it must, on no thread in between.
    func runFresh<Value: Sendable>(
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        let start = ContinuousClock.now
        while true {
            do {
                return try await run(work)
            } catch let behind as Freshness.Behind {
                guard ContinuousClock.now - start < behind.wanted.timeout else {
                    throw behind.problem
                }
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }
}
