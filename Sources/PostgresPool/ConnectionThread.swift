import CLibPQ
import Glibc
import Synchronization

/// A thread and its libpq connection: work goes in, one piece runs at a time.
final class ConnectionThread: Sendable {
    typealias Work = @Sendable (LibPQConnection) -> Void

    private struct Inbox {
        var work: [Work] = []
        var isStopping = false
    }

    private let inbox = Mutex(Inbox())
    private let idle = Atomic(true)
    private let wake: CInt

    init() {
        wake = eventfd(0, CInt(EFD_NONBLOCK) | CInt(EFD_CLOEXEC))
    }

    deinit {
        if wake >= 0 { close(wake) }
    }

    /// Whether no transaction is open and nothing is in doubt.
    var isIdle: Bool { idle.load(ordering: .acquiring) }

    /// Starts the thread, which connects and then works until `stop`.
    ///
    /// - Parameters:
    ///   - connected: Called once with how the connect went.
    ///   - closed: Called once at the end, only after a connect that succeeded.
    func start(
        _ configuration: PoolConfiguration,
        connected: @escaping @Sendable (PostgresError?) -> Void,
        closed: @escaping @Sendable () -> Void
    ) {
        let started = startThread { [self] in
            let connection: LibPQConnection
            do throws(PostgresError) {
                connection = try LibPQConnection(
                    url: configuration.url,
                    timeout: configuration.connectTimeout,
                    wake: wake
                )
            } catch {
                connected(error)
                return
            }
            connected(nil)
            run(connection, cancelLimit: configuration.cancelLimit)
            closed()
        }
        if wake < 0 || !started {
            connected(PostgresError(.connectFailed, "no thread or descriptor for a connection"))
        }
    }

    /// Ends when asked to, with the connection closed.
    private func run(_ connection: LibPQConnection, cancelLimit: Duration) {
        while true {
            let (work, isStopping) = inbox.withLock { inbox in
                (inbox.work.isEmpty ? nil : inbox.work.removeFirst(), inbox.isStopping)
            }
            if let work {
                work(connection)
            } else if isStopping {
                connection.cancelWork(limit: cancelLimit)
                connection.finish()
                return
            } else {
                var place = pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
                _ = poll(&place, 1, -1)
                var count: UInt64 = 0
                _ = read(wake, &count, 8)
            }
        }
    }

    func submit(_ work: @escaping Work) {
        inbox.withLock { $0.work.append(work) }
        signal()
    }

    func stop() {
        inbox.withLock { $0.isStopping = true }
        signal()
    }

    /// Runs work with the connection and awaits what it gives; a cancelled task breaks the connection.
    func perform<Value: Sendable>(
        _ body: @escaping @Sendable (LibPQConnection) throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        // One for each call: a cancellation that comes late must not meet the next caller.
        let interrupt = Interrupt()
        let result: Result<Value, PostgresError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                submit { [self] connection in
                    connection.interrupt = interrupt
                    let result = Result { () throws(PostgresError) in try body(connection) }
                    connection.interrupt = nil
                    idle.store(connection.isIdle, ordering: .releasing)
                    continuation.resume(returning: result)
                }
            }
        } onCancel: {
            interrupt.isSet.store(true, ordering: .releasing)
            signal()
        }
        return try result.get()
    }

    private func signal() {
        var one: UInt64 = 1
        _ = write(wake, &one, 8)
    }
}

/// The wish of a caller to have his statement cancelled.
final class Interrupt: Sendable {
    let isSet = Atomic(false)
}

/// Starts a detached thread; false when the system has none left.
func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    let box = Unmanaged.passRetained(Box(body))
    var thread = pthread_t()
    let code = pthread_create(
        &thread,
        nil,
        { argument in
            if let argument {
                Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
            }
            return nil
        },
        box.toOpaque()
    )
    guard code == 0 else {
        box.release()
        return false
    }
    pthread_detach(thread)
    return true
}
