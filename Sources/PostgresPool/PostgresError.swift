/// Why a call on Postgres did not give an answer.
package struct PostgresError: Error, Sendable, CustomStringConvertible {
    /// What the caller can act on.
    package enum Code: Sendable, Equatable {
        /// As many callers wait as the configuration allows.
        case tooManyWaiters
        /// No connection came free before the deadline.
        case acquireTimeout
        /// The server could not be reached lately; nobody waits for it.
        case circuitOpen
        /// The connection could not be made.
        case connectFailed
        /// The connection broke; whether the statement took effect is not known.
        case connectionLost
        /// The statement ran longer than allowed and was cancelled.
        case statementTimeout
        /// The task was cancelled.
        case cancelled
        /// The server refused the statement; `sqlState` says why.
        case server
        /// A parameter or a value does not have the form asked for.
        case invalidValue
        /// The lease was used after its end.
        case leaseEnded
        /// The pool was closed.
        case poolClosed
    }

    package var code: Code
    /// The five characters of the server's error, if it was the server's.
    package var sqlState: String?
    package var message: String

    package init(_ code: Code, sqlState: String? = nil, _ message: String) {
        self.code = code
        self.sqlState = sqlState
        self.message = message
    }

    package var description: String {
        sqlState.map { "\(message) (SQLSTATE \($0))" } ?? message
    }

    /// Whether the connection is of no more use after the SQLSTATE.
    ///
    /// - Source: HikariCP's list: 08xxx connection, 57P0x shutdown, 25006 read-only after a failover,
    ///   0A000 a cached plan that no longer fits.
    package static func isFatal(sqlState: String) -> Bool {
        sqlState.hasPrefix("08")
            || ["57P01", "57P02", "57P03", "25006", "0A000"].contains(sqlState)
    }
}
