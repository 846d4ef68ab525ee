// Metadata of records, from memory or from Postgres.
//
// - One statement for all rows that a request lacks, whatever their number; none when memory has them.
// - Rows that are being read already are waited for, not read again.
// - Reading ends within the timeout. After a failure one request at a time tries again, and the others
//   are told at once that there is no metadata.
// - A request that goes away ends nothing: the rows it asked for may be awaited by others.

package import Logging
package import PostgresPool
import Synchronization

/// Reads rows of the configured tables.
package final class MetadataSource: Sendable {
    /// How rows are read and kept.
    package struct Options: Sendable {
        /// After this a request is answered without its metadata.
        package var timeout: Duration = .seconds(2)
        /// Bytes of rows kept in memory.
        package var cacheByteCount = 64 << 20
        /// How long a row is served from memory, a tenth more or less.
        package var lifetime: Duration = .seconds(900)
        /// How long it is remembered that a row is missing.
        package var missingLifetime: Duration = .seconds(30)

        /// The defaults.
        package init() {}
    }

    typealias Outcome = Result<[String: MetadataRow], MetadataFailure>

    private final class Flight: Sendable {
        let task: Task<Outcome, Never>
        init(_ task: Task<Outcome, Never>) { self.task = task }
    }

    private struct State {
        var cache: MetadataCache
        var flights: [MetadataCache.Key: Flight] = [:]
        /// Grows with every pattern; a flight that began before the last one keeps nothing.
        var epoch = 0
        var isSuspect = false
        var isProbing = false
        var counters = MetadataCounters()
        var retryTokens = 10.0
    }

    let tables: [MetadataTable]
    private let numbers: [String: Int]
    private let pool: PostgresPool
    private let options: Options
    private let logger: Logger
    private let clock: @Sendable () -> Duration
    private let state: Mutex<State>

    /// Makes a source.
    ///
    /// - Parameter clock: The time since some moment; a test may give its own.
    package init(
        tables: [MetadataTable],
        pool: PostgresPool,
        options: Options = Options(),
        logger: Logger,
        clock: (@Sendable () -> Duration)? = nil
    ) {
        self.tables = tables
        self.pool = pool
        self.options = options
        self.logger = logger
        let start = ContinuousClock.now
        self.clock = clock ?? { ContinuousClock.now - start }
        numbers = Dictionary(
            uniqueKeysWithValues: tables.enumerated().map { ($1.collection, $0) }
        )
        state = Mutex(State(cache: MetadataCache(maximumByteCount: options.cacheByteCount)))
    }

    /// The table of a collection, if it has one.
    package func table(of collection: String) -> MetadataTable? {
        numbers[collection].map { tables[$0] }
    }

    /// What is counted and held.
    package var counters: MetadataCounters {
        state.withLock { state in
            var counters = state.counters
            counters.hits = state.cache.counters.hits
            counters.misses = state.cache.counters.misses
            counters.evicted = state.cache.counters.evicted
            counters.expired = state.cache.counters.expired
            counters.forgotten = state.cache.counters.forgotten
            counters.cachedRows = state.cache.count
            counters.cachedBytes = state.cache.byteCount
            counters.isAvailable = !state.isSuspect
            return counters
        }
    }

    /// The most connections that the pool opens.
    package var maximumConnectionCount: Int { pool.maximumCount }

    /// Why the last connect failed.
    package var lastFailure: String { pool.lastFailure }

    /// The pool's state and counters.
    package var poolMetrics: PoolMetrics { pool.metrics }

    // MARK: Reading

    /// The answer when memory has all of it; nil when Postgres must be asked.
    ///
    /// It never waits, so it may be called from any thread.
    package func remembered(_ ids: [String], of collection: String) -> MetadataAnswer? {
        guard let number = numbers[collection] else { return nil }
        var answer = MetadataAnswer()
        let now = clock()
        let table = tables[number]
        let isComplete = state.withLock { state in
            let isKnown = ids.allSatisfy { id in
                guard let key = table.key(of: id) else { return true }
                return state.cache.knows(.init(table: number, id: key), now: now)
            }
            guard isKnown else { return false }
            for id in ids { _ = Self.find(id, number, table, &state.cache, now, &answer) }
            return true
        }
        return isComplete ? answer : nil
    }

    /// The rows of some ids: at most one statement.
    package func rows(of ids: [String], in collection: String) async -> MetadataAnswer {
        guard let number = numbers[collection] else { return MetadataAnswer() }
        let table = tables[number]
        var answer = MetadataAnswer()
        var flights: [(flight: Flight, ids: [String: [String]])] = []
        let now = clock()
        let isRefused = state.withLock { state -> Bool in
            var wanted: [String: [String]] = [:]
            var awaited: [ObjectIdentifier: Int] = [:]
            for id in Set(ids) {
                if Self.find(id, number, table, &state.cache, now, &answer) { continue }
                guard let key = table.key(of: id) else { continue }
                if let flight = state.flights[.init(table: number, id: key)] {
                    let place = awaited[ObjectIdentifier(flight)] ?? flights.count
                    awaited[ObjectIdentifier(flight)] = place
                    if place == flights.count { flights.append((flight, [:])) }
                    flights[place].ids[key, default: []].append(id)
                    state.counters.joined += 1
                } else {
                    wanted[key, default: []].append(id)
                }
            }
            guard !wanted.isEmpty else { return false }
            if state.isSuspect, state.isProbing {
                state.counters.refused += 1
                return true
            }
            if state.isSuspect { state.isProbing = true }
            flights.append((depart(Array(wanted.keys), number, &state), wanted))
            return false
        }
        if isRefused {
            answer.failure = MetadataFailure(
                reason: "Postgres did not answer lately",
                isTransient: true
            )
        }
        for (flight, ids) in flights {
            switch await flight.task.value {
            case .success(let rows):
                for (key, asked) in ids {
                    for id in asked {
                        if let row = rows[key] {
                            answer.rows[id] = row
                        } else {
                            answer.missing.insert(id)
                        }
                    }
                }
            case .failure(let failure): answer.failure = failure
            }
        }
        return answer
    }

    /// Whether memory knows about an id; an id that cannot be one of the table's is missing.
    private static func find(
        _ id: String,
        _ number: Int,
        _ table: MetadataTable,
        _ cache: inout MetadataCache,
        _ now: Duration,
        _ answer: inout MetadataAnswer
    ) -> Bool {
        guard let key = table.key(of: id) else {
            answer.missing.insert(id)
            return true
        }
        switch cache.find(.init(table: number, id: key), now: now) {
        case .row(let row): answer.rows[id] = row
        case .missing: answer.missing.insert(id)
        case nil: return false
        }
        return true
    }

    // MARK: Asking Postgres

    private func depart(_ keys: [String], _ number: Int, _ state: inout State) -> Flight {
        let epoch = state.epoch
        state.counters.statements += 1
        state.retryTokens = min(10, state.retryTokens + 0.1)
        let flight = Flight(
            Task.detached { [self] in
                let outcome = await read(keys, number)
                arrive(keys, number, outcome, epoch: epoch)
                return outcome
            }
        )
        for key in keys { state.flights[.init(table: number, id: key)] = flight }
        return flight
    }

    private func arrive(_ keys: [String], _ number: Int, _ outcome: Outcome, epoch: Int) {
        let table = tables[number]
        let now = clock()
        let jitter = Double.random(in: 0.9...1.1)
        let turned = state.withLock { state -> Bool in
            // After a pattern the flights are others'.
            if state.epoch == epoch {
                for key in keys { state.flights[.init(table: number, id: key)] = nil }
            }
            state.isProbing = false
            switch outcome {
            case .success(let rows):
                let turned = state.isSuspect
                state.isSuspect = false
                guard state.epoch == epoch else { return turned }
                for key in keys {
                    let row = rows[key]
                    let lifetime = row == nil ? options.missingLifetime : options.lifetime
                    state.cache.keep(
                        row,
                        name: row.map { Self.name(of: key, $0, table) } ?? "",
                        for: .init(table: number, id: key),
                        until: now + lifetime * jitter
                    )
                }
                return turned
            case .failure(let failure):
                state.counters.failures += 1
                let turned = failure.isTransient && !state.isSuspect
                if failure.isTransient { state.isSuspect = true }
                return turned
            }
        }
        switch outcome {
        case .success where turned: logger.notice("metadata is available again")
        case .failure(let failure) where turned:
            logger.warning("metadata is unavailable", metadata: ["reason": "\(failure.reason)"])
        case .failure(let failure) where !failure.isTransient:
            logger.error(
                "metadata cannot be read",
                metadata: [
                    "collection": "\(table.collection)", "reason": "\(failure.reason)",
                ]
            )
        default: break
        }
    }

    private static func name(
        of key: String,
        _ row: MetadataRow,
        _ table: MetadataTable
    ) -> String {
        table.cacheKey.key { column in
            if column == table.idColumn { return key }
            guard let json = row.json(column) else { return "" }
            let node = try? JSONScanner.parse(json, vectorKey: nil)
            return node?.text ?? String(decoding: json, as: UTF8.self)
        }
    }

    private func read(_ keys: [String], _ number: Int) async -> Outcome {
        let table = tables[number]
        let deadline = ContinuousClock.now + options.timeout
        let parameter = PostgresParameter(array: keys)
        while true {
            do {
                let rows = try await pool.query(
                    table.selectStatement,
                    [parameter],
                    deadline: deadline
                )
                return .success(try Self.rows(rows, table))
            } catch {
                // Reading again changes nothing; a connection that broke says little of the server.
                if error.code == .connectionLost, deadline > .now, takeRetry() { continue }
                return .failure(Self.failure(error, table))
            }
        }
    }

    /// At most one retry for ten statements, so that a server in trouble is not asked twice as much.
    private func takeRetry() -> Bool {
        state.withLock { state in
            guard state.retryTokens >= 1 else { return false }
            state.retryTokens -= 1
            state.counters.retries += 1
            return true
        }
    }

    private static func rows(
        _ answer: PostgresRows,
        _ table: MetadataTable
    ) throws(PostgresError) -> [String: MetadataRow] {
        var rows: [String: MetadataRow] = [:]
        for row in answer {
            guard let key = try row.text(0) else { continue }
            var values: [[UInt8]] = []
            values.reserveCapacity(table.columns.count)
            for column in table.columns.indices {
                values.append(Array((try row.text(column + 1) ?? "null").utf8))
            }
            rows[key] = MetadataRow(columns: table.columns, values: values)
        }
        return rows
    }

    private static func failure(_ error: PostgresError, _ table: MetadataTable) -> MetadataFailure {
        let place = "metadata.collections.\(table.collection)"
        let hint =
            switch error.sqlState {
            case "42P01": "; see \(place).table"
            case "42703": "; see \(place).columns and \(place).id"
            case "42883", "22P02": "; see \(place).id_type"
            case "42501": "; grant SELECT on \(table.sqlName)"
            default: ""
            }
        let isTransient = error.code != .server && error.code != .invalidValue
        return MetadataFailure(reason: "\(error)" + hint, isTransient: isTransient)
    }

    // MARK: Forgetting

    /// Forgets rows by a pattern such as `videos:7:*` and returns how many there were.
    @discardableResult
    package func forget(_ pattern: String) -> Int {
        state.withLock { state in
            state.epoch += 1
            state.flights = [:]
            return state.cache.forget(pattern)
        }
    }
}

/// What a source did and holds.
package struct MetadataCounters: Sendable, Equatable {
    /// Rows, or their absence, found in memory.
    package var hits: UInt64 = 0
    /// Rows not found in memory.
    package var misses: UInt64 = 0
    /// Rows whose time was over.
    package var expired: UInt64 = 0
    /// Rows that made room.
    package var evicted: UInt64 = 0
    /// Rows forgotten by a pattern.
    package var forgotten: UInt64 = 0
    /// Rows awaited from a statement of another request.
    package var joined: UInt64 = 0
    /// Statements sent, retries apart.
    package var statements: UInt64 = 0
    /// Statements sent again after a connection broke.
    package var retries: UInt64 = 0
    /// Statements that failed.
    package var failures: UInt64 = 0
    /// Requests told at once that there is no metadata.
    package var refused: UInt64 = 0
    /// Rows in memory.
    package var cachedRows = 0
    /// Bytes in memory.
    package var cachedBytes = 0
    /// Whether the last statement was answered.
    package var isAvailable = true
}
