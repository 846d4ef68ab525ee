import Dispatch
import Glibc

/// Splits work over threads that may block, away from Swift's cooperative pool.
package enum ParallelWorkers {
    /// Cores that this process may use.
    package static var coreCount: Int {
        max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    }

    /// Calls `body` for consecutive ranges of at most `chunk` that cover `0..<count`.
    ///
    /// The ranges do not depend on the number of threads, so that results which are combined in range
    /// order do not either.
    package static func forEachChunk(
        count: Int,
        chunk: Int,
        threads: Int,
        _ body: @Sendable (Range<Int>) -> Void
    ) {
        guard count > 0 else { return }
        let chunks = (count + chunk - 1) / chunk
        @Sendable func range(_ index: Int) -> Range<Int> {
            index * chunk..<min(count, (index + 1) * chunk)
        }
        if threads <= 1 || chunks == 1 {
            for index in 0..<chunks { body(range(index)) }
            return
        }
        let workers = min(threads, chunks)
        DispatchQueue.concurrentPerform(iterations: workers) { worker in
            var index = worker
            while index < chunks {
                body(range(index))
                index += workers
            }
        }
    }
}
