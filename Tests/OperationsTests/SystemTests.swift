import Foundation
import PostgresSupport
import Testing

@Suite(.serialized) struct `What an operator meets` {
    @Test func `settings are printed with their origin, and secrets are not`() throws {
        let directory = try ServerProcess.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let file = directory + "/vs.yaml"
        try """
        limits:
          connections: 77
        postgres: {url: "postgresql://u:hunter2@h/d"}
        """.write(toFile: file, atomically: true, encoding: .utf8)
        let printed = try ServerProcess.run(
            ["config", "print", "--config", file, "--show-origin", "--set", "log.level=debug"],
            environment: ["VS_LIMITS_QUEUE_LENGTH": "9"]
        )
        #expect(printed.code == 0)
        func line(_ key: String) -> Substring? {
            printed.text.split(separator: "\n").first { $0.hasPrefix(key + " ") }
        }
        #expect(line("limits.connections")?.contains("77") == true)
        #expect(line("limits.connections")?.hasSuffix("vs.yaml:2") == true)
        #expect(
            line("limits.queue_length")?.hasSuffix("environment VS_LIMITS_QUEUE_LENGTH") == true
        )
        #expect(line("log.level")?.hasSuffix("flag") == true)
        #expect(line("metadata.ttl")?.hasSuffix("default") == true)
        #expect(!printed.text.contains("hunter2"))
        // What is printed without origins is a file again.
        let plain = try ServerProcess.run(["config", "print", "--config", file, "--describe"])
        try plain.text.write(toFile: file, atomically: true, encoding: .utf8)
        let checked = try ServerProcess.run(["config", "check", "--config", file])
        #expect(checked.code == 0, "\(checked.text)\n\(plain.text)")
        try "limits:\n  connections: x".write(toFile: file, atomically: true, encoding: .utf8)
        let refused = try ServerProcess.run(["serve", "--data", directory, "--config", file])
        #expect(refused.code == 78 && refused.text.contains("vs.yaml:2: limits.connections"))
    }

    @Test(.enabled(if: PrivatePostgres.binaries != nil, "no Postgres found"))
    func `doctor finds what is wrong with store, settings and Postgres`() throws {
        let postgres = try PrivatePostgres()
        let directory = try ServerProcess.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let file = directory + "/vs.yaml"
        func doctor(_ table: String, more: String = "") throws -> (code: Int32, text: String) {
            try """
            postgres: {url: "\(postgres.url)"\(more)}
            metadata:
              collections:
                lectures: {\(table)}
            """.write(toFile: file, atomically: true, encoding: .utf8)
            return try ServerProcess.run(["doctor", "--data", directory, "--config", file])
        }
        try postgres.execute(
            """
            create table good(id text primary key, title text);
            create table bare(id text, title text);
            create table numbered(id bigint primary key, title text);
            create table guarded(id text primary key, title text);
            alter table guarded enable row level security;
            """
        )
        let good = try doctor("table: good, columns: [title]")
        #expect(good.code == 0 && good.text.contains("ok    table \"good\""), "\(good.text)")
        for (table, code, part) in [
            ("table: none, columns: [title]", 1, "there is none"),
            ("table: good, columns: [title, body]", 1, "has no column body"),
            ("table: numbered, columns: [title]", 1, "set metadata.collections.lectures.id_type"),
            ("table: bare, columns: [title]", 0, "has no unique index"),
            ("table: guarded, columns: [title]", 0, "row level security"),
        ] as [(String, Int32, String)] {
            let report = try doctor(table)
            #expect(report.code == code && report.text.contains(part), "\(table): \(report.text)")
        }
        let greedy = try doctor("table: good, columns: [title]", more: ", max_connections: 50")
        #expect(greedy.code == 1 && greedy.text.contains("lower postgres.max_connections"))
        try postgres.stop()
        let away = try doctor("table: good, columns: [title]")
        #expect(away.code == 1 && away.text.contains("FAIL  postgres"), "\(away.text)")
        let wrong = try doctor("table: good, colums: [title]")
        #expect(wrong.code == 1 && wrong.text.contains("vs.yaml:4"), "\(wrong.text)")
    }

    @Test func `the metrics hold what they promise, and a trace leads through the log`() throws {
        let server = try ServerProcess(
            in: try ServerProcess.makeDirectory(),
            settings: "log: {format: json, requests: true, slow_query: 1ms}"
        )
        try server.fill(count: 5_000)
        let connection = try HTTPConnection(server.socket)
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        let answer = try connection.send(
            "POST",
            "/v1/collections/lectures/query",
            #"{"vector":[0.123456,0,0],"limit":5000,"recall":1,"partition":"ada"}"#,
            headers: [
                "traceparent: 00-\(trace)-00f067aa0ba902b7-01", "authorization: Bearer s3cr3t",
            ]
        )
        #expect(answer.status == 200)
        #expect(try connection.get("/nowhere").status == 404)
        let page = try connection.get("/metrics")
        #expect(page.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
        for part in [
            "vs_http_requests_total{route=\"query\",method=\"POST\",code=\"200\"} 1\n",
            "vs_http_requests_total{route=\"none\",method=\"GET\",code=\"404\"} 1\n",
            "vs_collection_vectors{collection=\"lectures\"} 5000\n",
            "vs_search_duration_seconds_count{collection=\"lectures\",mode=\"exact\"} 1\n",
            "vs_search_results_sum 5000\n", "vs_build_info{version=", "process_open_fds ",
        ] {
            #expect(page.text.contains(part), "\(part)")
        }
        // Every sample belongs to the metric announced last: what a scraper insists on.
        var announced = ""
        for line in page.text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if line.hasPrefix("# TYPE ") { announced = String(words[2]) }
            if !line.hasPrefix("#") { #expect(line.hasPrefix(announced), "\(line)") }
        }
        let log = server.log
        let slow = try #require(log.split(separator: "\n").first { $0.contains("slow query") })
        #expect(
            slow.contains(trace) && slow.contains("\"rows_scanned\":")
                && slow.contains("\"k\":5000")
        )
        #expect(slow.contains("partition_hash") && !log.contains("\"ada\""))
        #expect(!log.contains("s3cr3t") && !log.contains("0.123456"))
        for line in log.split(separator: "\n") where line.hasPrefix("{") {
            _ = try JSONSerialization.jsonObject(with: Data(line.utf8))
        }
    }
}
