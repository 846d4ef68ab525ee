import Foundation
import PostgresSupport
import Testing

@Suite(.serialized, .enabled(if: PrivatePostgres.binaries != nil, "no Postgres found"))
struct `Chat path` {
    private static let fixtures = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("fixtures/lectures").path

    private static func settings(_ server: PrivatePostgres, more: String = "") -> String {
        """
        log: {format: json, level: debug}
        postgres: {url: "\(server.url)"}
        metadata:
          listen: vector_metadata
        \(more)
          collections:
            lectures:
              table: public.lecture_chunks
              id_type: uuid
              columns: [video_id, text, start_seconds, end_seconds]
              cache_key: "videos:{video_id}:{id}"
        """
    }

    /// The statements on the table that the server has logged.
    private func statementCount(_ server: PrivatePostgres) -> Int {
        server.log.split(separator: "\n").count {
            $0.contains("lecture_chunks") && $0.contains("= ANY($1") && $0.contains("execute")
        }
    }

    private func question() throws -> String {
        let data = try Data(contentsOf: URL(fileURLWithPath: Self.fixtures + "/queries.fbin"))
        let floats = (0..<384).map { index in
            data.withUnsafeBytes {
                $0.loadUnaligned(fromByteOffset: 8 + 4 * index, as: Float.self)
            }
        }
        return "[" + floats.map { "\($0)" }.joined(separator: ",") + "]"
    }

    @Test func `one command loads lectures, and a question is answered from store and Postgres`()
        throws
    {
        let postgres = try PrivatePostgres(settings: ["log_statement=all"])
        let directory = try ServerProcess.makeDirectory()
        let file = directory + "/load.yaml"
        try Self.settings(postgres).write(toFile: file, atomically: true, encoding: .utf8)
        let created = try ServerProcess.run([
            "create", "lectures", "--data", directory + "/data", "--dimension", "384",
            "--partition-by", "creator_id", "--attribute", "video_id:string",
        ])
        try #require(created.code == 0, "\(created.text)")
        let imported = try ServerProcess.run([
            "import", "lectures", "--data", directory + "/data", "--config", file, "--metadata",
            "--create-table", "--jsonl", Self.fixtures + "/chunks.jsonl", "--vectors",
            Self.fixtures + "/chunks.fbin",
        ])
        try #require(imported.code == 0, "\(imported.text)")
        let again = try ServerProcess.run([
            "import", "lectures", "--data", directory + "/data", "--config", file, "--metadata",
            "--jsonl", Self.fixtures + "/chunks.jsonl", "--vectors",
            Self.fixtures + "/chunks.fbin",
        ])
        try #require(again.code == 0, "\(again.text)")

        let server = try ServerProcess(in: directory, settings: Self.settings(postgres))
        // When the listener connects, everything is forgotten.
        while !server.log.contains("listening for changes") { Thread.sleep(forTimeInterval: 0.01) }
        let connection = try HTTPConnection(server.socket)
        let query =
            #"{"vector":\#(try question()),"partition":"creator-001","limit":5,"#
            + #""min_similarity":0.2}"#
        let before = statementCount(postgres)
        let first = try connection.send("POST", "/v1/collections/lectures/query", query)
        try #require(first.status == 200, "\(first.text)")
        let answer = try first.json()
        #expect(answer["metadata"] as? String == "complete")
        let matches = try #require(answer["matches"] as? [[String: Any]])
        #expect(matches.count == 5)
        for match in matches {
            let row = try #require(match["metadata"] as? [String: Any])
            let attributes = try #require(match["attributes"] as? [String: Any])
            #expect(row["video_id"] as? String == attributes["video_id"] as? String)
            #expect((row["text"] as? String ?? "").count > 20)
            #expect(row["start_seconds"] is Double || row["start_seconds"] is Int)
            #expect((match["payload"] as? [String: Any])?["text"] == nil)
        }
        #expect(statementCount(postgres) == before + 1, "one statement for one query")
        let second = try connection.send("POST", "/v1/collections/lectures/query", query)
        let rows = try second.json()["matches"] as? [[String: Any]]
        #expect(rows?.count == 5 && rows?.allSatisfy { $0["metadata"] is [String: Any] } == true)
        #expect(statementCount(postgres) == before + 1, "none when memory has the rows")

        // A batch of queries is one statement too.
        let forgotten = try connection.send(
            "POST",
            "/v1/metadata/invalidate",
            #"{"pattern":"videos:*"}"#
        )
        #expect(forgotten.text == #"{"invalidated":5}"#)
        let batch = try connection.send(
            "POST",
            "/v1/collections/lectures/query-batch",
            #"{"queries":[\#(query),\#(query)]}"#
        )
        let results = try batch.json()["results"] as? [[String: Any]]
        #expect(results?.allSatisfy { $0["metadata"] as? String == "complete" } == true)
        #expect(statementCount(postgres) == before + 2)

        // Without metadata nothing is asked, with a row gone it is reported.
        _ = try connection.send("POST", "/v1/metadata/invalidate", #"{"pattern":"*"}"#)
        let plain = try connection.send(
            "POST",
            "/v1/collections/lectures/query",
            query.dropLast() + #","include":["attributes"]}"#
        )
        #expect(try plain.json()["metadata"] == nil && statementCount(postgres) == before + 2)
        try postgres.execute("delete from lecture_chunks")
        let missing = try connection.send("POST", "/v1/collections/lectures/query", query).json()
        #expect(missing["metadata"] as? String == "incomplete")
        #expect((missing["metadata_missing"] as? [Any])?.count == 5)
        #expect(!server.log.contains("creator-001"))
        #expect(server.stop().code == 0)
    }

    @Test func `without Postgres a search is answered, unless it must have its rows`() throws {
        let postgres = try PrivatePostgres()
        let server = try ServerProcess(
            in: try ServerProcess.makeDirectory(),
            settings: """
                postgres: {url: "\(postgres.url)", min_idle: 1}
                metadata:
                  timeout: 500ms
                  collections:
                    lectures: {table: chunks, columns: [title]}
                """
        )
        try server.fill(count: 20)
        try postgres.execute(
            "create table chunks as select 'c' || i as id, 'T' || i as title from generate_series(0, 19) i"
        )
        let connection = try HTTPConnection(server.socket)
        let body = #"{"vector":[1,0,0],"partition":"ada","limit":3}"#
        let path = "/v1/collections/lectures/query"
        #expect(try connection.send("POST", path, body).json()["metadata"] as? String == "complete")
        let ready = try connection.get("/readyz")
        #expect(ready.text.contains(#""metadata":"available""#))
        try postgres.stop()
        _ = try connection.send("POST", "/v1/metadata/invalidate", #"{"pattern":"*"}"#)
        let start = ContinuousClock.now
        let away = try connection.send("POST", path, body)
        #expect(away.status == 200 && ContinuousClock.now - start < .seconds(2))
        let answer = try away.json()
        #expect(answer["metadata"] as? String == "unavailable")
        let matches = try #require(answer["matches"] as? [[String: Any]])
        #expect(matches.count == 3 && matches.allSatisfy { $0["metadata"] is NSNull })
        let required = try connection.send(
            "POST",
            path,
            body.dropLast() + #","require_metadata":true}"#
        )
        #expect(required.status == 503 && required.header("retry-after") != nil)
        #expect(required.text.contains("metadata_unavailable"))
        #expect(try connection.get("/readyz").status == 200, "searches need no Postgres")
        let refused = try connection.send(
            "POST",
            path,
            body.dropLast() + #","require_metadata":true,"include":["payload"]}"#
        )
        #expect(refused.status == 400 && refused.text.contains("require_metadata"))
        let status = try ServerProcess.run([
            "pool", "status", "--data", server.directory + "/data",
        ])
        #expect(status.code == 0 && status.text.contains("unavailable"), "\(status.text)")
        try postgres.start()
        let back = ContinuousClock.now
        while try connection.send("POST", path, body).json()["metadata"] as? String != "complete" {
            try #require(ContinuousClock.now - back < .seconds(3), "no metadata after a restart")
        }
        let metrics = try connection.get("/metrics").text
        #expect(metrics.contains("vs_pg_pool_connections{state=\"idle\"}"))
        #expect(!metrics.contains("\"ada\""), "no creator in the metrics")
    }

    @Test func `a collection without a table takes no metadata, and says so`() throws {
        let server = try ServerProcess(in: try ServerProcess.makeDirectory())
        try server.fill(count: 3)
        let connection = try HTTPConnection(server.socket)
        let answer = try connection.send(
            "POST",
            "/v1/collections/lectures/query",
            #"{"vector":[1,0,0],"partition":"ada","include":["metadata"]}"#
        )
        #expect(answer.status == 400 && answer.text.contains("metadata.collections"))
        #expect(try connection.get("/v1/pool").status == 404)
    }
}
