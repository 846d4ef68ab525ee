import Synchronization

/// A connection lent for the length of one `withConnection`.
package final class PostgresConnection: Sendable {
    private let thread: ConnectionThread
    private let timeout: Duration
    private let isEnded = Atomic(false)

    init(_ thread: ConnectionThread, timeout: Duration) {
        self.thread = thread
        self.timeout = timeout
    }

    /// Runs one statement; values only travel as parameters `$1`, `$2`, ….
    package func query(
        _ sql: String,
        _ parameters: [PostgresParameter] = [],
        timeout: Duration? = nil
    ) async throws(PostgresError) -> PostgresRows {
        try check()
        let timeout = timeout ?? self.timeout
        return try await thread.perform { (connection) throws(PostgresError) in
            try connection.query(sql, parameters, timeout: timeout)
        }
    }

    /// Runs a `COPY … FROM STDIN` with the pieces that `next` gives; returns the rows copied.
    @discardableResult
    package func copy(
        into sql: String,
        timeout: Duration? = nil,
        next: @escaping @Sendable () -> [UInt8]?
    ) async throws(PostgresError) -> Int {
        try check()
        let timeout = timeout ?? self.timeout
        return try await thread.perform { (connection) throws(PostgresError) in
            try connection.copy(sql, timeout: timeout, next: next).affectedCount
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
