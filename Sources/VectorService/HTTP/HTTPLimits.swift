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
    /// A request's headers must arrive within this, counted from their first byte.
    package var headerTimeout = Duration.seconds(10)
    /// A body must arrive within this and a second for each megabyte its route allows.
    package var bodyTimeout = Duration.seconds(20)
    /// A client that takes less than 8 KiB of its answer in this time is cut off.
    package var drainTimeout = Duration.seconds(20)
    /// The longest that quick queries may hold up an event loop in one turn; zero sends all of them to
    /// the threads.
    package var loopBudget = Duration.milliseconds(1)
    /// Connections open at once.
    package var connectionCount = 2_048

    /// The defaults.
    package init() {}

    func bodyDeadline(byteCount: Int) -> Duration {
        bodyTimeout + .seconds(byteCount >> 20)
    }
}
