import Glibc
import NIOCore
import Synchronization

/// Tells the service manager how far the service is.
///
/// - Source: sd_notify(3): one datagram for each message, to the socket that the environment names.
package final class ServiceNotifier: Sendable {
    private let path: String?
    private let isReady = Atomic(false)
    /// How often the manager wants a sign of life; nil when it wants none.
    package let watchdogInterval: Duration?

    /// Reads where to from the environment; nothing is sent when it names no place.
    package convenience init() {
        func value(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        let isForUs = value("WATCHDOG_PID").map { $0 == String(getpid()) } ?? true
        let microseconds = value("WATCHDOG_USEC").flatMap { Int64($0) }
        self.init(
            path: value("NOTIFY_SOCKET"),
            watchdogInterval: isForUs ? microseconds.map { .microseconds($0) } : nil
        )
    }

    init(path: String?, watchdogInterval: Duration? = nil) {
        self.path = path
        self.watchdogInterval = watchdogInterval
    }

    /// Requests are answered from now on.
    func ready(_ status: String) {
        isReady.store(true, ordering: .releasing)
        send("READY=1\nSTATUS=\(status)")
    }

    /// Does `work` as a reload: the manager is told of its beginning and its end, unless it waits for the
    /// service to be ready, which a reload does not make it.
    ///
    /// - Source: sd_notify(3), `RELOADING=1`.
    func reloading(_ work: () async -> Void) async {
        let isReady = isReady.load(ordering: .acquiring)
        if isReady {
            let microseconds = NIODeadline.now().uptimeNanoseconds / 1_000
            send("RELOADING=1\nMONOTONIC_USEC=\(microseconds)")
        }
        await work()
        if isReady { send("READY=1") }
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
