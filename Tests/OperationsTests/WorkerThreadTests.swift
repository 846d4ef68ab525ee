import Dispatch
import Glibc
import Testing

@testable import VectorService

@Suite struct `Worker threads` {
    @Test func `the call beyond the queue is refused at once, and the others are run`() async throws
    {
        let threads = WorkerThreads(threadCount: 1, queueLength: 2, queueTimeout: .seconds(30))
        let gate = DispatchSemaphore(value: 0)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<3 {
                group.addTask {
                    try await threads.run {
                        gate.wait(); return number
                    }
                }
                while threads.load.running + threads.load.queued <= number {
                    try await Task.sleep(for: .milliseconds(1))
                }
            }
            let start = ContinuousClock.now
            await #expect(throws: Problem.overloaded) { try await threads.run {} }
            #expect(ContinuousClock.now - start < .seconds(20))
            for _ in 0..<3 { gate.signal() }
            #expect(try await group.reduce(0, +) == 3)
        }
        #expect(threads.load.refusedFull == 1)
        #expect(threads.load.running == 0 && threads.load.queued == 0)
        await threads.stop()
    }

    @Test func `a call that waits too long is refused and never run`() async throws {
        let threads = WorkerThreads(
            threadCount: 1,
            queueLength: 9,
            queueTimeout: .milliseconds(100)
        )
        let gate = DispatchSemaphore(value: 0)
        async let long: Void = threads.run { gate.wait() }
        while threads.load.running == 0 { try await Task.sleep(for: .milliseconds(1)) }
        let start = ContinuousClock.now
        await #expect(throws: Problem.overloaded) {
            try await threads.run { Issue.record("a refused call was run") }
        }
        let took = ContinuousClock.now - start
        #expect(took >= .milliseconds(95) && took < .seconds(60), "\(took)")
        gate.signal()
        try await long
        #expect(threads.load.expired == 1 && threads.load.queued == 0)
        #expect(try await threads.run { 7 } == 7)
        await threads.stop()
    }

    @Test func `a call that would wait too long is refused when it comes`() async throws {
        let threads = WorkerThreads(
            threadCount: 1,
            queueLength: 99,
            queueTimeout: .milliseconds(200)
        )
        // Calls of 20 ms: a dozen of them are more than the queue may take.
        for _ in 0..<99 { try await threads.run { Self.sleep(20) } }
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<60 {
                group.addTask {
                    let start = ContinuousClock.now
                    let isDone = (try? await threads.run { Self.sleep(20) }) != nil
                    #expect(ContinuousClock.now - start < .seconds(60))
                    return isDone
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.count { $0 } >= 5)
        #expect(threads.load.refusedSlow > 20, "\(threads.load)")
        await threads.stop()
    }

    @Test func `what a call throws is thrown`() async throws {
        let threads = WorkerThreads(threadCount: 1)
        await #expect(throws: Problem.stopping) { try await threads.run { throw Problem.stopping } }
        await threads.stop()
    }

    @Test func `threads that stand back have their niceness, the thread that asks keeps its own`()
        async throws
    {
        let threads = WorkerThreads(threadCount: 2, niceness: 5)
        for _ in 0..<4 {
            let niceness = try await threads.run {
                getpriority(Int32(PRIO_PROCESS.rawValue), 0)
            }
            #expect(niceness >= 5)
        }
        let own = WorkerThreads(threadCount: 1)
        #expect(try await own.run { getpriority(Int32(PRIO_PROCESS.rawValue), 0) } < 5)
        await threads.stop()
        await own.stop()
    }

    private static func sleep(_ milliseconds: Int) {
        _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(milliseconds))
    }
}
