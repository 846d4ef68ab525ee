/// A TCP address to listen on.
package struct ListenAddress: Sendable, Equatable {
    /// A numeric address.
    package var host: String
    /// The port; 0 lets the system choose.
    package var port: Int
    /// Whether only this machine can reach it.
    package var isLoopback: Bool

    /// Why an address cannot be used.
    package struct Refusal: Error, Equatable, CustomStringConvertible {
        /// What is wrong and what to do.
        package var description: String
    }

    /// Reads `127.0.0.1:8800`, `localhost:8800`, `[::1]:8800` or `0.0.0.0:8800`.
    package init(_ text: String) throws(Refusal) {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...]), !text.hasSuffix("+")
        else {
            throw Refusal(description: "\(text) is not HOST:PORT, as in 127.0.0.1:8800")
        }
        let name = String(text[..<colon])
        switch name {
        case "localhost": host = "127.0.0.1"
        case _ where name.hasPrefix("[") && name.hasSuffix("]"):
            host = String(name.dropFirst().dropLast())
        default:
            guard Self.isDotted(name) else {
                throw Refusal(
                    description: "\(name) is not a numeric address, as 127.0.0.1 or [::1]"
                )
            }
            host = name
        }
        isLoopback = host == "::1" || (Self.isDotted(host) && host.hasPrefix("127."))
        self.port = Int(port)
    }

    /// Refuses to serve strangers who cannot show who they are.
    package func check(hasTokens: Bool, insecureLoopback: Bool) throws(Refusal) {
        if hasTokens || (insecureLoopback && isLoopback) { return }
        throw Refusal(
            description: isLoopback
                ? "refusing to listen on \(host) without tokens: every process of this machine "
                    + "could do anything; configure tokens, or say --insecure-loopback"
                : "refusing to listen on \(host) without tokens: configure them first"
        )
    }

    private static func isDotted(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil && !$0.hasPrefix("+") }
    }
}
