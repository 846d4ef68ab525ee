/// Connections to one Postgres, lent to tasks one at a time.
///
/// Cancelling a task ends its statement and costs the connection: the server's answer to the
/// cancellation may come late, and must not meet the next caller.
package final class PostgresPool: Sendable {
    private let core: PoolCore

    /// Opens no connection by itself beyond the idle ones it keeps.
    package init(_ configuration: PoolConfiguration) {
        core = PoolCore(configuration)
    }

    deinit {
        core.close()
    }

    package var metrics: PoolMetrics { core.metrics }

    /// The most connections that exist at once.
    package var maximumCount: Int { core.configuration.maximumCount }

    /// Lends a connection to `body`; a transaction left open is rolled back afterwards.
    ///
    /// - Throws: `PostgresError` when there is no connection, and whatever `body` throws.
    package func withConnection<Value: Sendable>(
        timeout: Duration? = nil,
        fileID: StaticString = #fileID,
        line: UInt = #line,
        _ body: (PostgresConnection) async throws -> Value
    ) async throws -> Value {
        let lease = try await core.acquire(
            timeout: timeout ?? core.configuration.acquireTimeout,
            place: "\(fileID):\(line)"
        )
        let connection = PostgresConnection(
            lease.thread,
            timeout: core.configuration.statementTimeout,
            core: core
        )
        defer {
            connection.end()
            core.release(lease)
        }
        return try await body(connection)
    }

    /// Runs one statement on any connection; the same text is prepared once a connection.
    ///
    /// - Parameter deadline: When waiting and running must be over; else the configuration's own
    ///   timeouts hold, as they do when they end earlier.
    package func query(
        _ sql: String,
        _ parameters: [PostgresParameter] = [],
        deadline: ContinuousClock.Instant? = nil,
        fileID: StaticString = #fileID,
        line: UInt = #line
    ) async throws(PostgresError) -> PostgresRows {
        let configuration = core.configuration
        let left = deadline.map { $0 - .now }
        let lease = try await core.acquire(
            timeout: min(left ?? configuration.acquireTimeout, configuration.acquireTimeout),
            place: "\(fileID):\(line)"
        )
        let rest = deadline.map { $0 - .now } ?? configuration.statementTimeout
        let connection = PostgresConnection(
            lease.thread,
            timeout: min(rest, configuration.statementTimeout),
            core: core
        )
        defer {
            connection.end()
            core.release(lease)
        }
        return try await connection.preparedQuery(sql, parameters)
    }

    /// Why the last connect failed, for people.
    package var lastFailure: String { core.lastFailure }

    /// Whether the pool is closed and its last connection too.
    package var isDrained: Bool { core.isDrained }

    /// Refuses new callers and waits until the last connection is closed.
    package func close() async {
        core.close()
        await core.drained()
    }
}
