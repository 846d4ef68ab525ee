/// A TCP address to listen on: loopback only, since nobody has to show who they are.
package struct ListenAddress: Sendable, Equatable {
    /// A numeric address.
    package var host: String
    /// The port; 0 lets the system choose.
    package var port: Int

    /// Why an address cannot be used.
    package struct Refusal: Error, Equatable, CustomStringConvertible {
        /// What is wrong and what to do.
        package var description: String
    }

    /// Reads `127.0.0.1:8800`, `localhost:8800` or `[::1]:8800`.
    package init(_ text: String) throws(Refusal) {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...]), !text.hasSuffix("+")
        else {
            throw Refusal(description: "\(text) is not HOST:PORT, as in 127.0.0.1:8800")
        }
        let name = String(text[..<colon])
        switch name {
        case "localhost": host = "127.0.0.1"
        case "[::1]": host = "::1"
        default:
            guard Self.isLoopback(name) else {
                throw Refusal(
                    description: "refusing to listen on \(name): until tokens exist, only loopback "
                        + "addresses are served; put a proxy that authenticates in front"
                )
            }
            host = name
        }
        self.port = Int(port)
    }

    /// Whether text is a dotted address in 127.0.0.0/8.
    private static func isLoopback(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { UInt8($0) != nil && !$0.hasPrefix("+") }
    }
}
