import Hummingbird
import NIOCore
import Synchronization

/// The body of a request on its way to the upstream, which stops when the answer is over.
///
/// An upstream may answer before it has read the whole body. The server reads what is left then, to
/// find the next request, and two readers at once end the process: so the client of the upstream is
/// kept from reading on, and its last read is waited for.
struct GatedBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    /// Decides whether the body may still be read.
    final class Gate: Sendable {
        private struct State {
            var isClosed = false
            var isReading = false
            var waiter: CheckedContinuation<Void, Never>?
        }

        private let state = Mutex(State())

        /// Begins a read; false when there must be none.
        fileprivate func begin() -> Bool {
            state.withLock { state in
                guard !state.isClosed else { return false }
                state.isReading = true
                return true
            }
        }

        /// Ends a read.
        fileprivate func end() {
            let waiter = state.withLock { state in
                state.isReading = false
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume()
        }

        /// Lets nobody read any more and waits for the read that is going on.
        ///
        /// That read ends with the next bytes, or when the client is cut off for sending none.
        func close() async {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isDone = state.withLock { state in
                    state.isClosed = true
                    if state.isReading { state.waiter = continuation }
                    return !state.isReading
                }
                if isDone { continuation.resume() }
            }
        }
    }

    let base: RequestBody
    let gate: Gate

    /// Reads while the gate is open.
    struct AsyncIterator: AsyncIteratorProtocol {
        var base: RequestBody.AsyncIterator
        let gate: Gate

        mutating func next() async throws -> ByteBuffer? {
            guard gate.begin() else { return nil }
            defer { gate.end() }
            return try await base.next()
        }
    }

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: base.makeAsyncIterator(), gate: gate)
    }
}
