import CLibPQ
import Glibc
import Synchronization

/// One libpq connection, driven without blocking by the one thread that owns it.
///
/// Each wait is bounded by a timer of ours: libpq's own do not hold for non-blocking connects, and no
/// setting of the session is touched, so a pooler in transaction mode may sit in between.
final class LibPQConnection {
    let connection: OpaquePointer
    /// Readable when somebody wants the thread's attention.
    private let wake: CInt
    /// An answer was left unread or the socket failed: close it, use it no more.
    var isBroken = false
    private var isFinished = false
    /// Set when the running statement is to be cancelled.
    var interrupt: Interrupt?
    /// The names under which this connection has prepared statements.
    var prepared: [String: String] = [:]
    /// Begins every name, so that no other client of a pooler can have it.
    let namePrefix = "vs_" + String(UInt64.random(in: 0 ... .max), radix: 16) + "_"

    init(url: String, timeout: Duration, wake: CInt) throws(PostgresError) {
        self.wake = wake
        guard let connection = Self.begin(url) else {
            throw PostgresError(.connectFailed, "out of memory")
        }
        self.connection = connection
        // Notices would go to standard error.
        PQsetNoticeProcessor(connection, { _, _ in }, nil)
        let deadline = ContinuousClock.now + timeout
        do throws(PostgresError) {
            guard PQstatus(connection) != CONNECTION_BAD else {
                throw PostgresError(.connectFailed, message)
            }
            var events = Int16(POLLOUT)
            while true {
                try wait(for: events, until: deadline, late: .connectFailed)
                switch PQconnectPoll(connection) {
                case PGRES_POLLING_OK:
                    PQsetnonblocking(connection, 1)
                    return
                case PGRES_POLLING_READING: events = Int16(POLLIN)
                case PGRES_POLLING_WRITING: events = Int16(POLLOUT)
                default: throw PostgresError(.connectFailed, message)
                }
            }
        } catch {
            isBroken = true
            throw error
        }
    }

    deinit {
        finish()
    }

    /// What holds where the URL says nothing: a peer that is gone is noticed within half a minute.
    private static let defaults = [
        ("fallback_application_name", "vector-server"), ("client_encoding", "UTF8"),
        ("keepalives_idle", "10"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
        ("tcp_user_timeout", "10000"),
    ]

    private static func begin(_ url: String) -> OpaquePointer? {
        // The last value of a keyword counts, so the URL stands last.
        let pairs = defaults + [("dbname", url)]
        let keywords = pairs.map { strdup($0.0) } + [nil]
        let values = pairs.map { strdup($0.1) } + [nil]
        defer { (keywords + values).forEach { free($0) } }
        return keywords.map { UnsafePointer<CChar>($0) }.withUnsafeBufferPointer { keywords in
            values.map { UnsafePointer<CChar>($0) }.withUnsafeBufferPointer { values in
                PQconnectStartParams(keywords.baseAddress, values.baseAddress, 1)
            }
        }
    }

    /// Closes the connection; nothing may follow.
    func finish() {
        if !isFinished { PQfinish(connection) }
        isFinished = true
    }

    var isIdle: Bool { !isBroken && PQtransactionStatus(connection) == PQTRANS_IDLE }

    var isInTransaction: Bool {
        let status = PQtransactionStatus(connection)
        return !isBroken && (status == PQTRANS_INTRANS || status == PQTRANS_INERROR)
    }

    /// Asks the server to stop what it does; the connection is closed afterwards in any case, as the
    /// request may reach the server after the statement's end.
    ///
    /// PQcancel blocks until the server has read the request, which a frozen server never does, so it
    /// runs on a thread that is left behind after `limit`.
    func cancelWork(limit: Duration) {
        guard PQtransactionStatus(connection) == PQTRANS_ACTIVE,
            let cancel = PQgetCancel(connection)
        else { return }
        let request = CancelRequest(cancel)
        if startThread({ request.send() }) { request.wait(limit: limit) }
    }

    func query(
        _ sql: String,
        _ parameters: [PostgresParameter],
        timeout: Duration
    ) throws(PostgresError) -> PostgresRows {
        guard !isBroken else { throw PostgresError(.connectionLost, "the connection broke") }
        let sent = try Self.withTexts(of: parameters) {
            PQsendQueryParams(connection, sql, CInt($0.count), nil, $0.baseAddress, nil, nil, 0)
        }
        guard sent == 1 else { throw lost() }
        return try rows(until: ContinuousClock.now + timeout)
    }

    /// The parameters as libpq takes them, for the length of `body`.
    static func withTexts(
        of parameters: [PostgresParameter],
        _ body: (UnsafeBufferPointer<UnsafePointer<CChar>?>) -> CInt
    ) throws(PostgresError) -> CInt {
        guard parameters.allSatisfy({ $0.text?.utf8.contains(0) != true }) else {
            throw PostgresError(.invalidValue, "a parameter contains a NUL")
        }
        let copies = parameters.map { $0.text.map { strdup($0) } ?? nil }
        defer { copies.forEach { free($0) } }
        return copies.map { UnsafePointer<CChar>($0) }.withUnsafeBufferPointer(body)
    }

    /// `COPY … FROM STDIN`: sends pieces until `next` has none.
    func copy(
        _ sql: String,
        timeout: Duration,
        next: () -> [UInt8]?
    ) throws(PostgresError) -> PostgresRows {
        guard !isBroken else { throw PostgresError(.connectionLost, "the connection broke") }
        let deadline = ContinuousClock.now + timeout
        guard PQsendQuery(connection, sql) == 1 else { throw lost() }
        let start = try result(until: deadline)
        defer { PQclear(start) }
        guard PQresultStatus(start) == PGRES_COPY_IN else {
            // Read on to the end of what the statement was instead.
            while let rest = try result(until: deadline) { PQclear(rest) }
            throw failure(of: start)
        }
        while let piece = next() {
            while true {
                let sent = piece.withUnsafeBytes {
                    PQputCopyData(
                        connection,
                        $0.baseAddress?.assumingMemoryBound(to: CChar.self),
                        CInt($0.count)
                    )
                }
                if sent == 1 { break }
                guard sent == 0 else { throw lost() }
                try flush(until: deadline)
            }
            try flush(until: deadline)
        }
        while true {
            let ended = PQputCopyEnd(connection, nil)
            if ended == 1 { break }
            guard ended == 0 else { throw lost() }
            try flush(until: deadline)
        }
        return try rows(until: deadline)
    }

    // MARK: Results

    /// What came of a statement.
    enum Answer {
        case rows(PostgresRows)
        /// The state of a failure that was to be tolerated.
        case tolerated(String)
    }

    /// Reads to the end of the statement's answer; the last result counts, the first failure wins.
    func rows(
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError)
        -> PostgresRows
    {
        switch try answer(until: deadline, tolerating: []) {
        case .rows(let rows): return rows
        case .tolerated(let state): preconditionFailure("nothing is tolerated, not \(state)")
        }
    }

    /// The same; a failure with one of some SQL states is part of the answer.
    func answer(
        until deadline: ContinuousClock.Instant,
        tolerating states: Set<String>
    ) throws(PostgresError) -> Answer {
        try flush(until: deadline)
        var rows = PostgresRows(columns: [], values: [], count: 0, affectedCount: 0)
        var failed: PostgresError?
        var tolerated: String?
        while let result = try result(until: deadline) {
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: rows = Self.copy(result)
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                isBroken = true
                throw PostgresError(.invalidValue, "COPY goes through copy(into:)")
            default:
                let state = vs_sql_state(result).map { String(cString: $0) } ?? ""
                if states.contains(state) {
                    tolerated = state
                } else {
                    failed = failed ?? failure(of: result)
                }
            }
        }
        if let failed { throw failed }
        return tolerated.map { .tolerated($0) } ?? .rows(rows)
    }

    func result(
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError)
        -> OpaquePointer?
    {
        while PQisBusy(connection) == 1 {
            try wait(for: Int16(POLLIN), until: deadline, late: .statementTimeout)
            guard PQconsumeInput(connection) == 1 else { throw lost() }
        }
        return PQgetResult(connection)
    }

    func flush(until deadline: ContinuousClock.Instant) throws(PostgresError) {
        while true {
            let left = PQflush(connection)
            if left == 0 { return }
            guard left == 1 else { throw lost() }
            // The server may have to be read before it reads on.
            try wait(for: Int16(POLLIN | POLLOUT), until: deadline, late: .statementTimeout)
            guard PQconsumeInput(connection) == 1 else { throw lost() }
        }
    }

    static func copy(_ result: OpaquePointer) -> PostgresRows {
        let (rowCount, columnCount) = (PQntuples(result), PQnfields(result))
        var values: [String?] = []
        values.reserveCapacity(Int(rowCount) * Int(columnCount))
        for row in 0..<rowCount {
            for column in 0..<columnCount {
                let isNull = PQgetisnull(result, row, column) == 1
                values.append(isNull ? nil : String(cString: PQgetvalue(result, row, column)))
            }
        }
        return PostgresRows(
            columns: (0..<columnCount).map { String(cString: PQfname(result, $0)) },
            values: values,
            count: Int(rowCount),
            affectedCount: Int(String(cString: PQcmdTuples(result))) ?? 0
        )
    }

    // MARK: Failures

    private var message: String {
        var text = String(cString: PQerrorMessage(connection))
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }

    func failure(of result: OpaquePointer?) -> PostgresError {
        let state = vs_sql_state(result).map { String(cString: $0) }
        if PQstatus(connection) == CONNECTION_BAD || state.map(PostgresError.isFatal) == true {
            isBroken = true
        }
        // A result without SQLSTATE was made by libpq itself: the connection is gone.
        guard let state else { return lost() }
        let lostStates = state.hasPrefix("08") || state.hasPrefix("57P0")
        var text = String(cString: PQresultErrorMessage(result))
        while text.last?.isWhitespace == true { text.removeLast() }
        return PostgresError(lostStates ? .connectionLost : .server, sqlState: state, text)
    }

    func lost() -> PostgresError {
        isBroken = true
        return PostgresError(.connectionLost, message)
    }

    /// Waits for the socket; an interrupt or the deadline breaks the connection.
    private func wait(
        for events: Int16,
        until deadline: ContinuousClock.Instant,
        late: PostgresError.Code
    ) throws(PostgresError) {
        while true {
            if interrupt?.isSet.load(ordering: .acquiring) == true {
                isBroken = true
                throw PostgresError(.cancelled, "the task was cancelled")
            }
            let left = deadline - ContinuousClock.now
            guard left > .zero else {
                isBroken = true
                throw PostgresError(late, "no answer from Postgres in time")
            }
            let milliseconds =
                left.components.seconds * 1_000
                + left.components.attoseconds / 1_000_000_000_000_000 + 1
            var places = [
                pollfd(fd: PQsocket(connection), events: events, revents: 0),
                pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
            ]
            let ready = poll(&places, 2, CInt(min(milliseconds, 60_000)))
            if ready > 0, places[1].revents != 0 {
                var count: UInt64 = 0
                _ = Glibc.read(wake, &count, 8)
            }
            if ready > 0, places[0].revents != 0 { return }
            if ready < 0, errno != EINTR { throw lost() }
        }
    }
}
