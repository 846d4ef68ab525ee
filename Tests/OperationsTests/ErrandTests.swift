import Dispatch
import Synchronization
import Testing

@testable import VectorService

@Suite struct `Queries that wait for a thread` {
    /// What became of queries, by name, in the order in which they ended.
    private final class Outcomes: Sendable {
        private let list = Mutex<[String]>([])

        var all: [String] { list.withLock { $0 } }

        /// A query that takes as long as its gate is shut.
        func errand(_ name: String, _ gate: DispatchSemaphore? = nil) -> WorkerThreads.Errand {
            WorkerThreads.Errand { refusal in
                if refusal == nil { gate?.wait() }
                self.list.withLock { $0.append(name + (refusal.map { " \($0.code)" } ?? "")) }
            }
        }

        /// Waits until so many ended; false when it takes too long.
        func reach(_ count: Int) async -> Bool {
            let end = ContinuousClock.now + .seconds(20)
            while all.count < count, ContinuousClock.now < end {
                try? await Task.sleep(for: .milliseconds(1))
            }
            return all.count >= count
        }
    }

    private static func wait(for condition: () -> Bool) async {
        let end = ContinuousClock.now + .seconds(20)
        while !condition(), ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(1))
        }
    }

    @Test(arguments: [2, 3, 8])
    func `a free thread takes a query while the others are busy`(threadCount: Int) async {
        let threads = WorkerThreads(threadCount: threadCount)
        let (outcomes, gate) = (Outcomes(), DispatchSemaphore(value: 0))
        for busyCount in 1..<threadCount {
            threads.enqueue([outcomes.errand("slow", gate)])
            await Self.wait { threads.load.running == busyCount }
            threads.enqueue([outcomes.errand("quick")])
            #expect(await outcomes.reach(busyCount), "\(busyCount) busy: \(threads.load)")
        }
        #expect(outcomes.all == [String](repeating: "quick", count: threadCount - 1))
        for _ in 1..<threadCount { gate.signal() }
        #expect(await outcomes.reach(2 * (threadCount - 1)))
        await Self.wait { threads.load.running == 0 }
        #expect(threads.load.running == 0 && threads.load.queued == 0)
        await threads.stop()
    }

    @Test func `no query stands behind a slow one of its batch`() async {
        let threads = WorkerThreads(threadCount: 2)
        let (outcomes, gate) = (Outcomes(), DispatchSemaphore(value: 0))
        threads.enqueue(
            [outcomes.errand("slow", gate)] + (0..<9).map { outcomes.errand("quick \($0)") }
        )
        #expect(await outcomes.reach(9), "\(outcomes.all)")
        #expect(Set(outcomes.all) == Set((0..<9).map { "quick \($0)" }))
        gate.signal()
        #expect(await outcomes.reach(10))
        await threads.stop()
    }

    @Test func `a query that waits too long is refused, whatever the threads do`() async {
        let threads = WorkerThreads(threadCount: 1, queueTimeout: .seconds(3_600))
        let (outcomes, gate) = (Outcomes(), DispatchSemaphore(value: 0))
        threads.enqueue([outcomes.errand("slow", gate)])
        await Self.wait { threads.load.running == 1 }
        threads.limit(queueLength: 9, queueTimeout: .milliseconds(100), batchLength: 16)
        let start = ContinuousClock.now
        threads.enqueue([outcomes.errand("a"), outcomes.errand("b")])
        try? await Task.sleep(for: .milliseconds(30))
        threads.enqueue([outcomes.errand("c")])
        #expect(await outcomes.reach(3))
        #expect(ContinuousClock.now - start >= .milliseconds(125))
        // Nothing waits now: the look for late ones begins anew.
        threads.enqueue([outcomes.errand("d")])
        #expect(await outcomes.reach(4))
        #expect(outcomes.all == ["a", "b", "c", "d"].map { $0 + " overloaded" })
        gate.signal()
        #expect(await outcomes.reach(5))
        #expect(threads.load.expired == 4 && threads.load.queued == 0)
        await threads.stop()
    }

    @Test func `a limit that was made shorter holds for queries that come later`() async {
        let threads = WorkerThreads(threadCount: 1, queueTimeout: .seconds(3_600))
        let (outcomes, gate) = (Outcomes(), DispatchSemaphore(value: 0))
        threads.enqueue([outcomes.errand("slow", gate)])
        await Self.wait { threads.load.running == 1 }
        threads.enqueue([outcomes.errand("patient")])
        threads.limit(queueLength: 9, queueTimeout: .milliseconds(50), batchLength: 1)
        threads.enqueue([outcomes.errand("late")])
        #expect(await outcomes.reach(1))
        #expect(outcomes.all == ["late overloaded"])
        gate.signal()
        #expect(await outcomes.reach(3))
        #expect(outcomes.all == ["late overloaded", "slow", "patient"])
        await threads.stop()
    }

    @Test func `what waits when the threads stop is told so`() async {
        let threads = WorkerThreads(threadCount: 1, queueTimeout: .seconds(3_600))
        let (outcomes, gate) = (Outcomes(), DispatchSemaphore(value: 0))
        threads.enqueue([outcomes.errand("slow", gate)])
        await Self.wait { threads.load.running == 1 }
        threads.enqueue([outcomes.errand("a"), outcomes.errand("b")])
        async let stop: Void = threads.stop()
        #expect(await outcomes.reach(2))
        gate.signal()
        await stop
        threads.enqueue([outcomes.errand("c")])
        #expect(await outcomes.reach(4))
        let code = Problem.stopping.code
        #expect(outcomes.all.filter { $0 != "slow" } == ["a \(code)", "b \(code)", "c \(code)"])
        #expect(threads.load.queued == 0)
    }
}
