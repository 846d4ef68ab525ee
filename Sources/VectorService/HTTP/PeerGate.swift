import Logging
import NIOCore

/// Lets only processes of certain users use the unix socket.
///
/// It stands in the pipeline before the first byte is read: a peer that may not come in is cut off
/// without being heard or answered.
///
/// - Source: unix(7), `SO_PEERCRED`: the credentials at the time of connect(2).
final class PeerGate: ChannelInboundHandler, RemovableChannelHandler, Sendable {
    typealias InboundIn = NIOAny

    /// What the kernel says about a peer, laid out like `struct ucred`.
    private struct Credentials {
        var process: Int32 = 0
        var user: UInt32 = 0
        var group: UInt32 = 0
    }

    private let users: Set<UInt32>
    private let logger: Logger

    init(users: Set<UInt32>, logger: Logger) {
        self.users = users
        self.logger = logger
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        guard let provider = channel as? any SocketOptionProvider else {
            return channel.close(promise: nil)
        }
        let users = users
        let logger = logger
        let socketLevel = NIOBSDSocket.OptionLevel.socket
        let option = NIOBSDSocket.Option(rawValue: Self.peerCredentials)
        provider.unsafeGetSocketOption(level: socketLevel, name: option)
            .whenComplete { (result: Result<Credentials, any Error>) in
                if case .success(let peer) = result, users.contains(peer.user) { return }
                let user = (try? result.get().user).map(String.init) ?? "unknown"
                logger.notice("a peer was cut off", metadata: ["uid": "\(user)"])
                channel.close(promise: nil)
            }
    }

    /// `SO_PEERCRED`, which Glibc's module does not export.
    private static let peerCredentials: CInt = 17
}
