import CLibPQ
import Synchronization

/// Whether statements are prepared; off for good once a pooler turned out to mix up sessions.
final class PreparationSwitch: Sendable {
    private let isOn: Atomic<Bool>

    init(isOn: Bool) {
        self.isOn = Atomic(isOn)
    }

    var value: Bool { isOn.load(ordering: .relaxed) }

    func turnOff() { isOn.store(false, ordering: .relaxed) }
}

extension LibPQConnection {
    /// The most statements that one connection keeps prepared.
    private static let maximumPreparedCount = 64

    /// Runs a statement that is prepared once a connection, and without that where it cannot be.
    ///
    /// - Precondition: No transaction is open: a statement that the server refuses to find is sent
    ///   again, which an aborted transaction would not let happen.
    func preparedQuery(
        _ sql: String,
        _ parameters: [PostgresParameter],
        timeout: Duration,
        preparation: PreparationSwitch
    ) throws(PostgresError) -> PostgresRows {
        guard !isBroken else { throw PostgresError(.connectionLost, "the connection broke") }
        let deadline = ContinuousClock.now + timeout
        guard preparation.value, let name = try prepare(sql, deadline, preparation) else {
            return try query(sql, parameters, timeout: deadline - ContinuousClock.now)
        }
        let sent = try Self.withTexts(of: parameters) {
            PQsendQueryPrepared(connection, name, CInt($0.count), $0.baseAddress, nil, nil, 0)
        }
        guard sent == 1 else { throw lost() }
        switch try answer(until: deadline) {
        case .rows(let rows): return rows
        case .tolerated(let state):
            // 0A000: the table has changed under the plan. 26000: another session got the statement.
            if state == "26000" { preparation.turnOff() }
            prepared[sql] = nil
            return try query(sql, parameters, timeout: deadline - ContinuousClock.now)
        }
    }

    /// The name of a statement, prepared now if it was not; nil when it cannot be.
    private func prepare(
        _ sql: String,
        _ deadline: ContinuousClock.Instant,
        _ preparation: PreparationSwitch
    ) throws(PostgresError) -> String? {
        if let name = prepared[sql] { return name }
        guard prepared.count < Self.maximumPreparedCount else { return nil }
        let name = namePrefix + String(prepared.count)
        guard PQsendPrepare(connection, name, sql, 0, nil) == 1 else { throw lost() }
        switch try answer(until: deadline) {
        case .rows:
            prepared[sql] = name
            return name
        case .tolerated:
            preparation.turnOff()
            return nil
        }
    }

    /// The statement's answer; what is wrong with its preparation is no failure.
    private func answer(until deadline: ContinuousClock.Instant) throws(PostgresError) -> Answer {
        try answer(until: deadline, tolerating: ["26000", "42P05", "0A000"])
    }
}
