import Glibc
import Synchronization
import Testing

@testable import VectorMath

@Suite struct `Threads of background work` {
    @Test func `background work has a lower priority, and its helpers have it too`() {
        let before = getpriority(Int32(PRIO_PROCESS.rawValue), 0)
        let seen = Mutex<[Int32]>([])
        WorkThread.inBackground {
            ParallelWorkers.forEachChunk(count: 64, chunk: 1, threads: 4) { _ in
                usleep(500)
                let niceness = getpriority(Int32(PRIO_PROCESS.rawValue), 0)
                seen.withLock { $0.append(niceness) }
            }
        }
        let expected = max(before, WorkThread.backgroundNiceness)
        #expect(seen.withLock { $0 } == Array(repeating: expected, count: 64))
        #expect(getpriority(Int32(PRIO_PROCESS.rawValue), 0) == before)
    }

    @Test(arguments: [1, 3, 8])
    func `every chunk is worked on once, whatever the number of threads`(threads: Int) {
        let counts = Mutex([Int](repeating: 0, count: 1_003))
        ParallelWorkers.forEachChunk(count: 1_003, chunk: 10, threads: threads) { range in
            counts.withLock { for place in range { $0[place] += 1 } }
        }
        #expect(counts.withLock { $0.allSatisfy { $0 == 1 } })
    }
}
