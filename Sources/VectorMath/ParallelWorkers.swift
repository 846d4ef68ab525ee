import Glibc
import Synchronization

/// Splits work over threads that may block, away from Swift's cooperative pool, and that have the
/// priority of the calling thread.
package enum ParallelWorkers {
    /// Cores that this process may use.
    package static var coreCount: Int {
        max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    }

    /// Calls `body` for consecutive ranges of at most `chunk` that cover `0..<count`.
    ///
    /// The ranges do not depend on the number of threads, so that results which are combined in range
    /// order do not either. A thread that is done takes the next range, so that one core which other
    /// work keeps busy does not hold up the rest. The calling thread works too; when the system has no
    /// thread left it works alone.
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
        let next = Atomic<Int>(0)
        @Sendable func work() {
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < chunks else { return }
                body(range(index))
            }
        }
        withoutActuallyEscaping(work) { escaping in
            let others = (1..<min(threads, chunks)).compactMap { _ in WorkThread.start(escaping) }
            escaping()
            for thread in others { pthread_join(thread, nil) }
        }
    }
}
