import CLibPQ
import Glibc
import Synchronization

/// A connection of its own that hears what is notified on a channel.
///
/// Notifications are hints: those sent while no connection stands are lost, and `.connected` says that
/// some may have been.
package final class PostgresListener: Sendable {
    /// What is heard.
    package enum Event: Sendable, Equatable {
        /// Listening begins; earlier notifications may have been missed.
        case connected
        /// A notification's payload.
        case notification(String)
        /// The connection broke; it is made again after a pause.
        case disconnected(String)
    }

    private let isStopping = Atomic(false)
    private let wake: CInt

    /// Begins to listen.
    ///
    /// - Parameters:
    ///   - url: Where to; a pooler in transaction mode cannot carry notifications.
    ///   - channel: The name of the channel, taken as it is.
    ///   - onEvent: Called on the listener's own thread.
    package init(
        url: String,
        channel: String,
        connectTimeout: Duration = .seconds(5),
        onEvent: @escaping @Sendable (Event) -> Void
    ) {
        wake = eventfd(0, CInt(EFD_NONBLOCK) | CInt(EFD_CLOEXEC))
        let started = startThread { [self] in
            var failures = 0
            while !isStopping.load(ordering: .acquiring) {
                do throws(PostgresError) {
                    try listen(url, channel, connectTimeout) { event in
                        if event == .connected { failures = 0 }
                        onEvent(event)
                    }
                } catch {
                    if isStopping.load(ordering: .acquiring) { break }
                    onEvent(.disconnected(error.message))
                    failures += 1
                    let longest = min(2_000, 100 << min(failures - 1, 10))
                    pause(milliseconds: longest / 2 + Int.random(in: 0...(longest / 2)))
                }
            }
        }
        precondition(started && wake >= 0, "no thread or descriptor to listen")
    }

    deinit {
        close(wake)
    }

    /// Ends listening; the connection closes soon after.
    package func stop() {
        isStopping.store(true, ordering: .releasing)
        var one: UInt64 = 1
        _ = write(wake, &one, 8)
    }

    private func pause(milliseconds: Int) {
        var place = pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
        _ = poll(&place, 1, CInt(milliseconds))
    }

    /// Returns when told to stop.
    private func listen(
        _ url: String,
        _ channel: String,
        _ connectTimeout: Duration,
        _ onEvent: (Event) -> Void
    ) throws(PostgresError) {
        let connection = try LibPQConnection(url: url, timeout: connectTimeout, wake: wake)
        defer { connection.finish() }
        let name =
            "\""
            + channel.split(separator: "\"", omittingEmptySubsequences: false)
            .joined(separator: "\"\"") + "\""
        _ = try connection.query("LISTEN \(name)", [], timeout: connectTimeout)
        onEvent(.connected)
        while !isStopping.load(ordering: .acquiring) {
            while let notification = connection.notification() {
                onEvent(.notification(notification))
            }
            var places = [
                pollfd(fd: connection.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
            ]
            let ready = poll(&places, 2, 30_000)
            if ready == 0 {
                // A peer that is gone says nothing, so it is asked now and then.
                _ = try connection.query("", [], timeout: connectTimeout)
            } else if ready > 0, places[0].revents != 0 {
                try connection.read()
            }
        }
    }
}

extension LibPQConnection {
    var descriptor: CInt { PQsocket(connection) }

    func read() throws(PostgresError) {
        guard PQconsumeInput(connection) == 1 else { throw lost() }
    }

    /// The next notification's payload that has arrived.
    func notification() -> String? {
        guard let notification = PQnotifies(connection) else { return nil }
        defer { PQfreemem(notification) }
        return String(cString: notification.pointee.extra)
    }
}
