package import HummingbirdCore
package import NIOCore

/// What a client may take of the server.
package struct HTTPLimits: Sendable {
    /// Bytes of one header field.
    package var headerFieldBytes = 8 << 10
    /// Bytes of all header fields.
    package var headerListBytes = 16 << 10
    /// Header fields.
    package var headerCount = 64
    /// A connection on which nothing arrives for so long is closed.
    package var idleTimeout = Duration.seconds(60)
    /// A body must arrive within this and a second for each megabyte its route allows.
    package var bodyTimeout = Duration.seconds(30)

    /// The defaults.
    package init() {}

    func bodyDeadline(byteCount: Int) -> Duration {
        bodyTimeout + .seconds(byteCount >> 20)
    }

    /// The HTTP/1.1 server with these limits.
    ///
    /// - Parameter gate: Makes handlers that judge a connection before it is heard.
    package func server(
        gate: @escaping @Sendable () -> [any RemovableChannelHandler]
    ) -> HTTPServerBuilder {
        var decoder = HTTP1Channel.Configuration.DecoderConfiguration()
        decoder.maxHeaderFieldSize = headerFieldBytes
        decoder.maxHeaderListSize = headerListBytes
        decoder.maxHeaderFieldCount = headerCount
        return .http1(
            configuration: .init(
                additionalChannelHandlers: gate(),
                idleTimeout: .init(idleTimeout),
                httpDecoderConfiguration: decoder
            )
        )
    }
}
