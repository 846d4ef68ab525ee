import Logging
import NIOCore

/// Lets only processes of certain users use the unix socket.
///
/// It is asked before anything is read: a peer that may not come in is cut off without being heard
/// or answered.
///
/// - Source: unix(7), `SO_PEERCRED`: the credentials at the time of connect(2).
struct PeerGate: Sendable {
    /// What the kernel says about a peer, laid out like `struct ucred`.
    private struct Credentials {
        var process: Int32 = 0
        var user: UInt32 = 0
        var group: UInt32 = 0
    }

    let users: Set<UInt32>
    let logger: Logger

    /// `SO_PEERCRED`, which Glibc's module does not export.
    private static let peerCredentials = NIOBSDSocket.Option(rawValue: 17)

    /// Whether the process behind a channel may come in.
    ///
    /// - Precondition: Called on the channel's event loop, where the answer is there at once.
    func admits(_ channel: any Channel) -> Bool {
        guard let provider = channel as? any SocketOptionProvider else { return false }
        let credentials: EventLoopFuture<Credentials> = provider.unsafeGetSocketOption(
            level: .socket,
            name: Self.peerCredentials
        )
        let found = NIOLockedAnswer()
        credentials.assumeIsolated().whenSuccess { found.user = $0.user }
        if let user = found.user, users.contains(user) { return true }
        logger.notice(
            "a peer was cut off",
            metadata: ["uid": "\(found.user.map(String.init) ?? "unknown")"]
        )
        return false
    }
}

/// Takes an answer out of a callback that runs at once on the same event loop.
private final class NIOLockedAnswer {
    var user: UInt32?
}
