import Glibc

/// Threads of our own, for work that should take second place.
package enum WorkThread {
    /// The nice value of background work: beside a thread of normal priority it gets about a tenth of a
    /// core (sched(7)), and what is free otherwise.
    package static let backgroundNiceness: Int32 = 10

    private final class Start {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Starts a thread; its priority is that of the calling thread.
    ///
    /// - Returns: nil when the system has none left.
    static func start(_ body: @escaping @Sendable () -> Void) -> pthread_t? {
        var thread = pthread_t()
        let start = Unmanaged.passRetained(Start(body))
        let code = pthread_create(
            &thread,
            nil,
            { argument in
                if let argument {
                    Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body()
                }
                return nil
            },
            start.toOpaque()
        )
        guard code == 0 else {
            start.release()
            return nil
        }
        return thread
    }

    /// Runs `body` on a thread of lower priority and waits for its end.
    ///
    /// A thread cannot raise its priority again without a privilege, so it is one of its own. When the
    /// system has none left, the calling thread does the work.
    package static func inBackground<R, E>(_ body: () throws(E) -> R) throws(E) -> R {
        // Safe to share: this thread does nothing until the other one has ended.
        nonisolated(unsafe) var result: Result<R, E>?
        withoutActuallyEscaping(body) { escaping in
            nonisolated(unsafe) let work = escaping
            let thread = start {
                // On Linux the value is the thread's, not the process's (setpriority(2)).
                let before = getpriority(Int32(PRIO_PROCESS.rawValue), 0)
                setpriority(Int32(PRIO_PROCESS.rawValue), 0, max(before, backgroundNiceness))
                do throws(E) { result = .success(try work()) } catch { result = .failure(error) }
            }
            if let thread { pthread_join(thread, nil) }
        }
        guard let result else { return try body() }
        return try result.get()
    }
}
