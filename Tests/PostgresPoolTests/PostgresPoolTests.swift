import PostgresSupport
import Testing

@testable import PostgresPool

@Suite(.serialized, .enabled(if: PrivatePostgres.binaries != nil, "no Postgres found"))
struct `Postgres pool` {
    private func pool(
        _ server: PrivatePostgres,
        _ change: (inout PoolConfiguration) -> Void = { _ in }
    ) -> PostgresPool {
        var configuration = PoolConfiguration(url: server.url)
        configuration.maximumCount = 2
        configuration.minimumIdleCount = 0
        change(&configuration)
        return PostgresPool(configuration)
    }

    private func code(
        _ body: () async throws -> Void
    ) async -> PostgresError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? PostgresError)?.code
        }
    }

    @Test func `values travel as parameters and come back typed`() async throws {
        let server = try PrivatePostgres()
        defer { server.end() }
        let pool = pool(server)
        let rows = try await pool.query(
            """
            select $1::int + 1 as number, $2::text as words, $3::text as nothing,
                'b"\\c' = any($4::text[]) as found, $5::float8 as real
            """,
            [41, "it's; drop", nil, PostgresParameter(array: ["a", "b\"\\c"]), .init(0.5)]
        )
        #expect(rows.count == 1)
        #expect(try rows[0].value("number", as: Int.self) == 42)
        #expect(try rows[0].text("words") == "it's; drop")
        #expect(try rows[0].text("nothing") == nil)
        #expect(try rows[0].value("found", as: Bool.self) == true)
        #expect(try rows[0].value("real", as: Double.self) == 0.5)
        #expect(await code { _ = try rows[0].value("words", as: Int.self) } == .invalidValue)
        await pool.close()
    }

    @Test func `a refused statement names its SQLSTATE and keeps the connection`() async throws {
        let server = try PrivatePostgres()
        defer { server.end() }
        let pool = pool(server)
        do {
            _ = try await pool.query("select 1/0")
            Issue.record("division by zero was accepted")
        } catch {
            #expect(error.code == .server && error.sqlState == "22012")
        }
        #expect(try await pool.query("select 1").count == 1)
        #expect(pool.metrics.connects == 1 && pool.metrics.destroyed == 0)
        await pool.close()
    }

    @Test func `rows are copied in`() async throws {
        let server = try PrivatePostgres()
        defer { server.end() }
        let pool = pool(server)
        let copied = try await pool.withConnection { connection in
            _ = try await connection.query("create table t(i int, s text)")
            let pieces = Pieces(count: 1_000)
            return try await connection.copy(into: "copy t from stdin", next: pieces.next)
        }
        #expect(copied == 1_000)
        let rows = try await pool.query("select count(*) as n, max(i) as top from t")
        #expect(try rows[0].value("n", as: Int.self) == 1_000)
        #expect(try rows[0].value("top", as: Int.self) == 999)
        await pool.close()
    }

    @Test func `a transaction left open is rolled back`() async throws {
        let server = try PrivatePostgres()
        defer { server.end() }
        let pool = pool(server) { $0.maximumCount = 1 }
        _ = try await pool.query("create table t(i int)")
        try await pool.withConnection { connection in
            _ = try await connection.query("begin")
            _ = try await connection.query("insert into t values (1)")
        }
        let rows = try await pool.query("select count(*) as n from t")
        #expect(try rows[0].value("n", as: Int.self) == 0)
        #expect(pool.metrics.connects == 1)
        await pool.close()
    }

    @Test func `a terminated backend costs one statement and one connection`() async throws {
        let server = try PrivatePostgres()
        defer { server.end() }
        let pool = pool(server)
        _ = try await pool.query("select 1")
        async let broken = code { _ = try await pool.query("select pg_sleep(20)") }
        try await killSleepers(pool)
        #expect(await broken == .connectionLost)
        #expect(try await pool.query("select 1").count == 1)
        // The broken connection comes back on its own thread, and may come late.
        await pool.close()
        #expect(pool.metrics.destroyed == 1)
        #expect(pool.metrics.leased == 0 && pool.metrics.closing == 0)
    }

    @Test func `a server that stops and starts is found again`() async throws {
        let server = try PrivatePostgres()
        defer { server.end() }
        let pool = pool(server)
        _ = try await pool.query("select 1")
        try server.stop()
        var codes: [PostgresError.Code?] = []
        for _ in 0..<5 { codes.append(await code { _ = try await pool.query("select 1") }) }
        #expect(codes.first == .connectionLost || codes.first == .circuitOpen)
        #expect(codes.dropFirst().allSatisfy { $0 == .circuitOpen }, "\(codes)")
        try server.start()
        let start = ContinuousClock.now
        while await code({ _ = try await pool.query("select 1") }) != nil {
            try await Task.sleep(for: .milliseconds(20))
            try #require(ContinuousClock.now - start < .seconds(6), "no service after a restart")
        }
        await pool.close()
    }

    @Test func `an exhausted pool refuses at the deadline and when the line is full`() async throws
    {
        let server = try PrivatePostgres()
        defer { server.end() }
        let pool = pool(server) {
            $0.maximumCount = 1
            $0.maximumWaiterCount = 1
        }
        try await pool.withConnection { _ in
            // Waits until it is cancelled, however slow the machine.
            let waiter = Task {
                await code { try await pool.withConnection(timeout: .seconds(600)) { _ in } }
            }
            while pool.metrics.waiting == 0 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(await code { _ = try await pool.query("select 1") } == .tooManyWaiters)
            waiter.cancel()
            #expect(await waiter.value == .cancelled)
            let start = ContinuousClock.now
            let late = await code {
                try await pool.withConnection(timeout: .milliseconds(300)) { _ in }
            }
            #expect(late == .acquireTimeout)
            #expect((.milliseconds(290)...(.seconds(2))).contains(ContinuousClock.now - start))
        }
        #expect(try await pool.query("select 1").count == 1)
        await pool.close()
    }

    @Test func `a statement past its time is cancelled on the server too`() async throws {
        let server = try PrivatePostgres()
        defer { server.end() }
        let pool = pool(server) { $0.statementTimeout = .milliseconds(300) }
        #expect(await code { _ = try await pool.query("select pg_sleep(20)") } == .statementTimeout)
        try await expectNoSleepers(pool)
        #expect(pool.metrics.destroyed == 1)
        await pool.close()
    }

    @Test func `a cancelled task ends its statement and never poisons a connection`() async throws {
        let server = try PrivatePostgres()
        defer { server.end() }
        let pool = pool(server)
        let task = Task { await code { _ = try await pool.query("select pg_sleep(20)") } }
        while try await sleepers(pool) == 0 { try await Task.sleep(for: .milliseconds(5)) }
        task.cancel()
        #expect(await task.value == .cancelled)
        try await expectNoSleepers(pool)
        for index in 0..<300 {
            let task = Task { await code { _ = try await pool.query("select 1") } }
            if index % 3 != 0 { await Task.yield() }
            task.cancel()
            let outcome = await task.value
            #expect(outcome == nil || outcome == .cancelled)
        }
        #expect(try await pool.query("select 1").count == 1)
        await pool.close()
    }

    @Test func `a lease used after its end is refused`() async throws {
        let server = try PrivatePostgres()
        defer { server.end() }
        let pool = pool(server)
        let kept = try await pool.withConnection { $0 }
        #expect(await code { _ = try await kept.query("select 1") } == .leaseEnded)
        await pool.close()
        #expect(await code { _ = try await pool.query("select 1") } == .poolClosed)
    }

    // MARK: Sleeping statements

    private func sleepers(_ pool: PostgresPool) async throws -> Int {
        try await pool.query(
            """
            select 1 from pg_stat_activity where query like 'select pg_sleep%' \
            and state = 'active'
            """
        ).count
    }

    private func killSleepers(_ pool: PostgresPool) async throws {
        while try await sleepers(pool) == 0 { try await Task.sleep(for: .milliseconds(5)) }
        _ = try await pool.query(
            """
            select pg_terminate_backend(pid) from pg_stat_activity \
            where query like 'select pg_sleep%'
            """
        )
    }

    private func expectNoSleepers(_ pool: PostgresPool) async throws {
        let start = ContinuousClock.now
        while try await sleepers(pool) > 0 {
            try await Task.sleep(for: .milliseconds(10))
            try #require(ContinuousClock.now - start < .seconds(5), "the statement runs on")
        }
    }
}
