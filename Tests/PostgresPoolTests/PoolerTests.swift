import Foundation
import PostgresSupport
import Testing

@testable import PostgresPool

@Suite(.serialized, .enabled(if: PrivatePostgres.binaries != nil, "no Postgres found"))
struct `Postgres pool on real servers` {
    private func configuration(_ url: String) -> PoolConfiguration {
        var configuration = PoolConfiguration(url: url)
        configuration.maximumCount = 3
        configuration.minimumIdleCount = 0
        return configuration
    }

    @Test func `a statement is prepared once a connection, and a changed table does not matter`()
        async throws
    {
        let server = try PrivatePostgres(settings: ["log_statement=all"])
        let pool = PostgresPool(configuration(server.url))
        _ = try await pool.query("create table t(i int)")
        for _ in 0..<5 { _ = try await pool.query("select * from t where i = $1", [1]) }
        #expect(pool.metrics.connects == 1)
        let prepared = try await pool.query(
            "select count(*) as n from pg_prepared_statements where statement like 'select * from t%'"
        )
        #expect(try prepared[0].value("n", as: Int.self) == 1)
        _ = try await pool.query("alter table t add column s text")
        let rows = try await pool.query("select * from t where i = $1", [1])
        #expect(rows.columns == ["i", "s"])
        #expect(pool.metrics.isPreparing && pool.metrics.destroyed == 0)
        do {
            _ = try await pool.query("select * from nowhere")
            Issue.record("a table that is not there was read")
        } catch {
            #expect(error.sqlState == "42P01")
        }
        #expect(pool.metrics.destroyed == 0 && pool.metrics.isPreparing)
        await pool.close()
    }

    @Test func `TLS and SCRAM come with the URL, and a wrong password is told`() async throws {
        let server = try PrivatePostgres(isSecure: true)
        let pool = PostgresPool(configuration(server.secureURL))
        let rows = try await pool.query(
            "select ssl, version from pg_stat_ssl where pid = pg_backend_pid()"
        )
        #expect(try rows[0].text("ssl") == "t")
        #expect(try rows[0].text("version")?.hasPrefix("TLSv1.") == true)
        let secret = try await pool.query(
            "select current_setting('password_encryption') as how, current_user as who"
        )
        #expect(try secret[0].text("how") == "scram-sha-256")
        #expect(try secret[0].text("who") == "secured")
        await pool.close()
        let wrong = PostgresPool(
            configuration(server.secureURL.replacingOccurrences(of: "s3cret", with: "guess"))
        )
        do {
            _ = try await wrong.query("select 1")
            Issue.record("a wrong password was taken")
        } catch {
            #expect(error.code == .circuitOpen && error.message.contains("password"), "\(error)")
            #expect(!error.message.contains("guess"))
        }
        await wrong.close()
    }

    @Test(.enabled(if: Bouncer.binary != nil, "no pgbouncer found"))
    func `a pooler in transaction mode gets no session state, and nobody another's answer`()
        async throws
    {
        let server = try PrivatePostgres()
        let bouncer = try Bouncer(server)
        defer { bouncer.end() }
        let pools = (0..<2).map { _ in PostgresPool(configuration(bouncer.url)) }
        let wrong = Locked(0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for step in 0..<200 {
                        let number = task * 1_000 + step
                        let rows = try await pools[task % 2].query(
                            task % 3 == 0
                                ? "select $1::int as n" : "select $1::int + 0 as n, \(task) as t",
                            [PostgresParameter(number)]
                        )
                        if try rows[0].value("n", as: Int.self) != number {
                            wrong.withLock { $0 += 1 }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(wrong.withLock { $0 } == 0)
        try await pools[0].withConnection { connection in
            _ = try await connection.query("begin")
            _ = try await connection.query("select 1")
        }
        for pool in pools { await pool.close() }
        let open = try server.execute(
            "select count(*) from pg_stat_activity where state like 'idle in transaction%'"
        )
        #expect(open == "0\n")
    }

    @Test func `a frozen server costs each caller its time and no more, and all comes back`()
        async throws
    {
        let server = try PrivatePostgres()
        var configuration = configuration(server.url)
        configuration.acquireTimeout = .milliseconds(500)
        configuration.connectTimeout = .milliseconds(800)
        let pool = PostgresPool(configuration)
        _ = try await pool.query("select 1")
        try server.freeze()
        for _ in 0..<6 {
            let start = ContinuousClock.now
            do {
                _ = try await pool.query("select 1", deadline: .now + .milliseconds(500))
                Issue.record("a frozen server answered")
            } catch {
                let took = ContinuousClock.now - start
                #expect(took < .seconds(1), "\(error) after \(took)")
            }
        }
        try server.thaw()
        let start = ContinuousClock.now
        while (try? await pool.query("select 1")) == nil {
            try #require(ContinuousClock.now - start < .seconds(3), "no service after the thaw")
            try await Task.sleep(for: .milliseconds(10))
        }
        await pool.close()
        #expect(pool.isDrained)
    }

    @Test func `a lease that is kept too long is reported with its place`() async throws {
        let server = try PrivatePostgres()
        var configuration = configuration(server.url)
        configuration.leakThreshold = .milliseconds(100)
        let places = Locked<[String]>([])
        configuration.onLeak = { place in places.withLock { $0.append(place) } }
        let pool = PostgresPool(configuration)
        try await pool.withConnection { _ in try await Task.sleep(for: .milliseconds(400)) }
        #expect(pool.metrics.leaks == 1)
        #expect(places.withLock { $0 }.count == 1)
        #expect(places.withLock { $0 }.first?.contains("PoolerTests.swift:") == true)
        await pool.close()
    }

    @Test func `cancelled at any moment, no request leaves a transaction or another's answer`()
        async throws
    {
        let isSoak = ProcessInfo.processInfo.environment["VS_TIER"] == "soak"
        let count = isSoak ? 100_000 : 3_000
        let server = try PrivatePostgres()
        let pool = PostgresPool(configuration(server.url))
        _ = try await pool.query("create table t(i int)")
        let seed: UInt64 = 11
        let random = Locked(Seeded(seed))
        let outcome = Locked((done: 0, cancelled: 0, wrong: 0, dirty: 0, other: [String]()))
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    for step in 0..<count / 8 {
                        let number = worker * 1_000_000 + step
                        let task = Task { try await Self.work(pool, number) }
                        let delay = random.withLock { Int($0.next() % 600) }
                        if delay < 400 {
                            try? await Task.sleep(for: .microseconds(delay))
                            task.cancel()
                        }
                        let result = await task.result
                        outcome.withLock { outcome in
                            switch result {
                            case .success(let answer):
                                outcome.done += 1
                                if answer.number != number { outcome.wrong += 1 }
                                if answer.isDirty { outcome.dirty += 1 }
                            case .failure(let error as PostgresError)
                            where [.cancelled, .acquireTimeout, .circuitOpen].contains(error.code):
                                outcome.cancelled += 1
                            case .failure(let error): outcome.other.append("\(error)")
                            }
                        }
                    }
                }
            }
        }
        let result = outcome.withLock { $0 }
        print("cancelled requests: \(result.cancelled) of \(count), \(result.done) done")
        #expect(result.wrong == 0 && result.dirty == 0, "seed \(seed)")
        #expect(result.other == [], "seed \(seed)")
        #expect(result.cancelled > count / 20 && result.done > count / 20)
        let rows = try await pool.query("select count(*) as n from t")
        #expect(try rows[0].value("n", as: Int.self) == 0, "an open transaction was inherited")
        await pool.close()
        #expect(pool.metrics.leased == 0)
    }

    /// A transaction that is rolled back; what it finds of another's shows in the answer.
    private static func work(
        _ pool: PostgresPool,
        _ number: Int
    ) async throws -> (number: Int, isDirty: Bool) {
        try await pool.withConnection { connection in
            let before = try await connection.query(
                "select current_setting('canary.owner', true) as owner, count(*) as n from t"
            )
            let owner = try before[0].text("owner") ?? ""
            let count = try before[0].value("n", as: Int.self) ?? 0
            _ = try await connection.query("begin")
            _ = try await connection.query("set local canary.owner = 'somebody'")
            _ = try await connection.query("insert into t values ($1)", [PostgresParameter(number)])
            let rows = try await connection.query(
                "select $1::int as n",
                [PostgresParameter(number)]
            )
            let answer = try rows[0].value("n", as: Int.self) ?? -1
            _ = try await connection.query("rollback")
            return (answer, !owner.isEmpty || count != 0)
        }
    }
}

/// SplitMix64.
private struct Seeded {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A pgbouncer in transaction mode in front of a private Postgres.
private final class Bouncer {
    static let binary: String? = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    private let process = Process()
    private let commands = Pipe()
    private let directory: String

    var url: String { "postgresql:///postgres?host=\(directory)&port=6543&user=tester" }

    init(_ server: PrivatePostgres) throws {
        directory = "/tmp/vs-pb-" + UUID().uuidString.prefix(8).lowercased()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = [
            "-c",
            """
            dir="$1" server="$2" bin="$3" as_user=()
            mkdir -m 755 "$dir"
            printf '"tester" ""\\n' >"$dir/users"
            cat >"$dir/ini" <<END
            [databases]
            postgres = host=$server dbname=postgres user=tester
            [pgbouncer]
            listen_port = 6543
            unix_socket_dir = $dir
            auth_type = trust
            auth_file = $dir/users
            pool_mode = transaction
            default_pool_size = 2
            max_client_conn = 100
            ignore_startup_parameters = extra_float_digits
            logfile = $dir/log
            END
            chmod 644 "$dir"/*
            if [ "$(id -u)" = 0 ]; then
                chown -R nobody "$dir"
                as_user=(setpriv --reuid="$(id -u nobody)" --clear-groups)
            fi
            "${as_user[@]}" "$bin" "$dir/ini" >>"$dir/out" 2>&1 &
            pid=$!
            # Signals may be blocked in what a test starts, all but this one.
            trap 'kill -KILL "$pid"; wait "$pid"; rm -rf "$dir"' EXIT
            read -r line
            """,
            "bash", directory, server.directory, Self.binary ?? "",
        ]
        process.standardInput = commands
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        let end = ContinuousClock.now + .seconds(10)
        // Its socket is there before it listens.
        while (try? String(contentsOfFile: directory + "/log", encoding: .utf8))?
            .contains("process up") != true
        {
            try #require(ContinuousClock.now < end, "pgbouncer did not start")
            Thread.sleep(forTimeInterval: 0.01)
        }
    }

    func end() {
        try? commands.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
