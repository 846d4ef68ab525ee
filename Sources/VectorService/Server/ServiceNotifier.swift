import Glibc

/// Tells the service manager how far the service is.
///
/// - Source: sd_notify(3): one datagram for each message, to the socket that the environment names.
package struct ServiceNotifier: Sendable {
    private let path: String?
    /// How often the manager wants a sign of life; nil when it wants none.
    package let watchdogInterval: Duration?

    /// Reads where to from the environment; nothing is sent when it names no place.
    package init() {
        func value(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        path = value("NOTIFY_SOCKET")
        let isForUs = value("WATCHDOG_PID").map { $0 == String(getpid()) } ?? true
        let microseconds = value("WATCHDOG_USEC").flatMap { Int64($0) }
        watchdogInterval = isForUs ? microseconds.map { .microseconds($0) } : nil
    }

    /// Sends a message such as `READY=1`; one that cannot be sent is lost.
    package func send(_ message: String) {
        guard let path, path.utf8.count > 1, path.utf8.count <= UnixSocketPath.maximumByteCount
        else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(O_CLOEXEC), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { bytes in
            bytes.copyBytes(from: path.utf8)
            // An abstract address begins with a zero, which the environment writes as @.
            if path.hasPrefix("@") { bytes[0] = 0 }
        }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.utf8.count)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                sendto(descriptor, message, message.utf8.count, 0, address, length)
            }
        }
    }
}
