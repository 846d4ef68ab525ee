import CLibPQ
import Glibc

/// A request to stop a statement, sent on a thread of its own.
final class CancelRequest: @unchecked Sendable {
    // Touched by the one thread that sends, and freed by it.
    private let cancel: OpaquePointer
    // Written once by that thread, read with poll(2).
    private let done: CInt

    init(_ cancel: OpaquePointer) {
        self.cancel = cancel
        done = eventfd(0, CInt(EFD_NONBLOCK) | CInt(EFD_CLOEXEC))
    }

    deinit {
        PQfreeCancel(cancel)
        if done >= 0 { close(done) }
    }

    func send() {
        var reason = [CChar](repeating: 0, count: 256)
        _ = PQcancel(cancel, &reason, CInt(reason.count))
        var one: UInt64 = 1
        _ = write(done, &one, 8)
    }

    /// Waits until the server has the request, or no longer.
    func wait(limit: Duration) {
        let deadline = ContinuousClock.now + limit
        while true {
            let left = deadline - ContinuousClock.now
            guard left > .zero else { return }
            var place = pollfd(fd: done, events: Int16(POLLIN), revents: 0)
            let ready = poll(&place, 1, CInt(max(1, min(left / .milliseconds(1), 60_000))))
            if ready > 0 || (ready < 0 && errno != EINTR) { return }
        }
    }
}
