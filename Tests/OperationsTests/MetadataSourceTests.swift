import Logging
import PostgresPool
import PostgresSupport
import Testing

@testable import VectorService

/// A clock that a test sets.
private final class FakeTime: Sendable {
    private let time = Locked(Duration.zero)
    var now: Duration { time.withLock { $0 } }
    func set(_ now: Duration) { time.withLock { $0 = now } }
}

@Suite(.serialized, .enabled(if: PrivatePostgres.binaries != nil, "no Postgres found"))
struct `Metadata source` {
    /// A Postgres with a table of chunks, a pool and a source on it.
    private final class Bed: Sendable {
        let server: PrivatePostgres
        let pool: PostgresPool
        let source: MetadataSource
        let time = FakeTime()

        init(_ change: (inout MetadataSource.Options) -> Void = { _ in }) async throws {
            server = try PrivatePostgres(settings: ["log_statement=all"])
            var configuration = PoolConfiguration(url: server.url)
            configuration.minimumIdleCount = 0
            configuration.maximumCount = 4
            pool = PostgresPool(configuration)
            _ = try await pool.query(
                """
                create table chunks(id text primary key, video_id text, title text, start float8,
                    tags jsonb)
                """
            )
            _ = try await pool.query(
                """
                insert into chunks select 'c' || i, 'v' || i % 10, 'Title "' || i, i * 0.5,
                    '{"n": [1, null]}' from generate_series(0, 999) i
                """
            )
            let template = try #require(CacheKeyTemplate("videos:{video_id}:{id}"))
            let table = MetadataTable(
                collection: "lectures",
                schema: "public",
                table: "chunks",
                idColumn: "id",
                idType: .text,
                columns: ["video_id", "title", "start", "tags"],
                cacheKey: template,
                isRequired: false
            )
            var options = MetadataSource.Options()
            change(&options)
            let time = time
            source = MetadataSource(
                tables: [table],
                pool: pool,
                options: options,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                clock: { time.now }
            )
        }

        /// The statements on the table that the server has logged.
        var statementCount: Int {
            server.log.split(separator: "\n").count {
                $0.contains("= ANY($1") && ($0.contains("execute") || $0.contains("statement:"))
            }
        }

        func rows(_ ids: [String]) async -> MetadataAnswer {
            await source.rows(of: ids, in: "lectures")
        }

        func end() async {
            await pool.close()
            server.end()
        }
    }

    @Test func `many ids take one statement, and none when memory has them`() async throws {
        let bed = try await Bed()
        let ids = (0..<50).reversed().map { "c\($0 * 3)" } + ["c3", "nobody"]
        let first = await bed.rows(ids)
        #expect(first.failure == nil && first.missing == ["nobody"] && first.rows.count == 50)
        #expect(bed.statementCount == 1)
        let row = try #require(first.rows["c6"])
        #expect(row.json("title") == Array(#""Title \"6""#.utf8))
        #expect(row.json("start") == Array("3".utf8))
        #expect(
            row.json("tags").map { String(decoding: $0, as: UTF8.self) } == #"{"n": [1, null]}"#
        )
        let second = await bed.rows(ids)
        #expect(second.rows == first.rows && second.missing == ["nobody"])
        #expect(bed.source.remembered(ids, of: "lectures")?.rows.count == 50)
        #expect(bed.statementCount == 1)
        // Of a mixture only the unknown ones are asked for, in one statement again.
        _ = await bed.rows(["c0", "c1", "c2"])
        #expect(bed.statementCount == 2)
        await bed.end()
    }

    @Test func `requests for the same rows at once share one statement`() async throws {
        let bed = try await Bed()
        let answers = await withTaskGroup(of: MetadataAnswer.self) { group in
            for _ in 0..<64 { group.addTask { await bed.rows(["c1", "c2"]) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.allSatisfy { $0.rows.count == 2 && $0.failure == nil })
        #expect(bed.statementCount == 1)
        await bed.end()
    }

    @Test func `rows and absences have their times`() async throws {
        let bed = try await Bed()
        _ = await bed.rows(["c1", "nobody"])
        bed.time.set(.seconds(20))
        _ = await bed.rows(["c1", "nobody"])
        #expect(bed.statementCount == 1)
        bed.time.set(.seconds(34))
        #expect(bed.source.remembered(["c1"], of: "lectures") != nil)
        #expect(bed.source.remembered(["nobody"], of: "lectures") == nil)
        bed.time.set(.seconds(800))
        #expect(bed.source.remembered(["c1"], of: "lectures") != nil)
        bed.time.set(.seconds(991))
        #expect(bed.source.remembered(["c1"], of: "lectures") == nil)
        await bed.end()
    }

    @Test func `a pattern makes the next request read again`() async throws {
        let bed = try await Bed()
        _ = await bed.rows(["c1", "c11", "c2"])
        _ = try await bed.pool.query("update chunks set title = 'new' where video_id = 'v1'")
        #expect(bed.source.forget("videos:v1:*") == 2)
        let answer = await bed.rows(["c1", "c2"])
        #expect(answer.rows["c1"]?.json("title") == Array(#""new""#.utf8))
        #expect(bed.statementCount == 2)
        await bed.end()
    }

    @Test func `what was read before a pattern came is not kept`() async throws {
        let bed = try await Bed()
        // The table is locked, so the statement stands until the change is committed.
        try await bed.pool.withConnection { connection in
            _ = try await connection.query("begin")
            _ = try await connection.query("lock table chunks in access exclusive mode")
            async let early = bed.rows(["c1"])
            while try await connection.query("select 1 from pg_locks where not granted").isEmpty {
                try await Task.sleep(for: .milliseconds(5))
            }
            bed.source.forget("videos:v1:c1")
            _ = try await connection.query("commit")
            #expect(await early.rows["c1"] != nil)
        }
        #expect(bed.source.remembered(["c1"], of: "lectures") == nil)
        await bed.end()
    }

    @Test func `a notification forgets what it names, and a lost connection everything`()
        async throws
    {
        let bed = try await Bed()
        let heard = Locked<[PostgresListener.Event]>([])
        let listener = PostgresListener(url: bed.server.url, channel: "Metadata \"x\"") { event in
            heard.withLock { $0.append(event) }
            if case .notification(let pattern) = event { bed.source.forget(pattern) }
            if event == .connected { bed.source.forget("*") }
        }
        try await until { heard.withLock { $0.contains(.connected) } }
        _ = await bed.rows(["c1", "c2"])
        _ = try await bed.pool.query(
            "select pg_notify($1, $2)",
            ["Metadata \"x\"", "videos:v1:*"]
        )
        try await until { bed.source.remembered(["c1"], of: "lectures") == nil }
        #expect(bed.source.remembered(["c2"], of: "lectures") != nil)
        try bed.server.stop()
        try bed.server.start()
        try await until { bed.source.remembered(["c2"], of: "lectures") == nil }
        listener.stop()
        await bed.end()
    }

    @Test func `without Postgres rows are told unavailable in time, then at once`() async throws {
        let bed = try await Bed { $0.timeout = .milliseconds(400) }
        _ = await bed.rows(["c1"])
        try bed.server.freeze()
        let start = ContinuousClock.now
        let first = await bed.rows(["c2"])
        #expect(first.failure?.isTransient == true)
        #expect(ContinuousClock.now - start < .seconds(20))
        #expect(await bed.rows(["c1"]).rows.count == 1, "memory serves on")
        // One request tries; the others need not wait for it.
        async let probe = bed.rows(["c3"])
        try await Task.sleep(for: .milliseconds(50))
        let quick = ContinuousClock.now
        #expect(await bed.rows(["c4"]).failure != nil)
        #expect(ContinuousClock.now - quick < .milliseconds(350))
        #expect(await probe.failure != nil)
        try bed.server.thaw()
        let back = ContinuousClock.now
        while await bed.rows(["c5"]).failure != nil {
            try #require(ContinuousClock.now - back < .seconds(3), "no metadata after the thaw")
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(bed.source.counters.isAvailable)
        await bed.end()
    }

    @Test func `a table that is not there says where to look, and is no reason to back off`()
        async throws
    {
        let bed = try await Bed()
        _ = try await bed.pool.query("drop table chunks")
        let failure = try #require(await bed.rows(["c1"]).failure)
        #expect(!failure.isTransient)
        #expect(failure.reason.contains("metadata.collections.lectures.table"))
        #expect(bed.source.counters.isAvailable)
        await bed.end()
    }

    private func until(_ condition: () -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(10)
        while !condition() {
            try #require(ContinuousClock.now < end, "it did not happen within ten seconds")
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
