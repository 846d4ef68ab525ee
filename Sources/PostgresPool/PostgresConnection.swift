import Synchronization

/// A connection lent for the length of one `withConnection`.
package final class PostgresConnection: Sendable {
    private let thread: ConnectionThread
    private let timeout: Duration
    private let core: PoolCore
    private let isEnded = Atomic(false)

    init(_ thread: ConnectionThread, timeout: Duration, core: PoolCore) {
        self.thread = thread
        self.timeout = timeout
        self.core = core
    }

    /// Runs one statement; values only travel as parameters `$1`, `$2`, ….
    package func query(
        _ sql: String,
        _ parameters: [PostgresParameter] = [],
        timeout: Duration? = nil
    ) async throws(PostgresError) -> PostgresRows {
        let timeout = timeout ?? self.timeout
        return try await perform { (connection) throws(PostgresError) in
            try connection.query(sql, parameters, timeout: timeout)
        }
    }

    /// Runs the only statement of a lease; its text is prepared once a connection.
    func preparedQuery(
        _ sql: String,
        _ parameters: [PostgresParameter]
    ) async throws(PostgresError) -> PostgresRows {
        let (timeout, preparation) = (timeout, core.preparation)
        return try await perform { (connection) throws(PostgresError) in
            try connection.preparedQuery(
                sql,
                parameters,
                timeout: timeout,
                preparation: preparation
            )
        }
    }

    /// Runs a `COPY … FROM STDIN` with the pieces that `next` gives; returns the rows copied.
    @discardableResult
    package func copy(
        into sql: String,
        timeout: Duration? = nil,
        next: @escaping @Sendable () -> [UInt8]?
    ) async throws(PostgresError) -> Int {
        let timeout = timeout ?? self.timeout
        return try await perform { (connection) throws(PostgresError) in
            try connection.copy(sql, timeout: timeout, next: next).affectedCount
        }
    }

    private func perform<Value: Sendable>(
        _ body: @escaping @Sendable (LibPQConnection) throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        try check()
        let start = ContinuousClock.now
        do throws(PostgresError) {
            let value = try await thread.perform(body)
            core.count(ContinuousClock.now - start, nil)
            return value
        } catch {
            core.count(ContinuousClock.now - start, error.code)
            throw error
        }
    }

    private func check() throws(PostgresError) {
        if isEnded.load(ordering: .acquiring) {
            throw PostgresError(.leaseEnded, "the connection went back to its pool")
        }
        if Task.isCancelled { throw PostgresError(.cancelled, "the task was cancelled") }
    }

    func end() {
        isEnded.store(true, ordering: .releasing)
    }
}
