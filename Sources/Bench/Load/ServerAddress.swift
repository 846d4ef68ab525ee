import ArgumentParser
import NIOCore
import NIOPosix

/// Where the server under load listens.
enum ServerAddress: Sendable {
    case unix(String)
    case tcp(host: String, port: Int)

    /// The text of the address, as it was given.
    var description: String {
        switch self {
        case .unix: "unix socket"
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }

    /// Opens a connection.
    func connect(_ bootstrap: ClientBootstrap) -> EventLoopFuture<any Channel> {
        switch self {
        case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
        case .tcp(let host, let port): bootstrap.connect(host: host, port: port)
        }
    }
}

/// The options that name the server.
struct ServerOptions: ParsableArguments {
    @Option(help: "The server's unix socket.")
    var socket: String?

    @Option(help: "The server's address in place of a socket: 127.0.0.1:PORT or [::1]:PORT.")
    var address: String?

    @Option(help: "The collection to ask.")
    var collection = "lectures"

    func validate() throws {
        _ = try server()
        guard !collection.isEmpty, !collection.contains(where: { "/?#% ".contains($0) }) else {
            throw ValidationError("--collection: `\(collection)` is not a collection's name")
        }
    }

    func server() throws -> ServerAddress {
        switch (socket, address) {
        case (let socket?, nil): return .unix(socket)
        case (nil, let address?):
            for host in ["127.0.0.1", "[::1]"] where address.hasPrefix(host + ":") {
                if let port = UInt16(address.dropFirst(host.count + 1)), port > 0 {
                    return .tcp(host: host == "[::1]" ? "::1" : host, port: Int(port))
                }
            }
            throw ValidationError(
                "--address: `\(address)` is neither 127.0.0.1:PORT nor [::1]:PORT"
            )
        default: throw ValidationError("give either --socket or --address")
        }
    }
}
