import Foundation
import Testing

/// Every route of a real server on its socket.
@Suite struct LiveRoutes {
    static let configuration = """
        functions:
          match_chunks:
            collection: lectures
            args:
              query_embedding: {role: vector}
              match_count: {role: limit, default: 10}
            returns: [id, video_id, similarity]
        policies:
          lectures: creator_id = jwt.app_metadata.creator_id
        tokens:
          signing: {key_file: KEY, kid: own}
          api_keys:
            - {name: publishable, role: anon, sha256: DIGEST}
        """

    /// A server with tokens and six records of two creators.
    static func server(arguments: [String] = [], access: String = "") throws -> LiveServer {
        let directory = try LiveServer.makeDirectory()
        try LiveServer.write(String(repeating: "k", count: 48), to: directory + "/key")
        let text = configuration.replacingOccurrences(of: "KEY", with: directory + "/key")
            // The digest of "sb_publishable_x".
            .replacingOccurrences(of: "DIGEST", with: publicDigest)
        let server = try LiveServer(
            configuration: text + "\n" + access,
            in: directory,
            arguments: arguments
        )
        let made = try server.ask(
            "PUT",
            "/v1/collections/lectures",
            #"{"dimension":3,"partition_by":"creator_id","attributes":{"video_id":{"type":"string"}}}"#
        )
        try #require(made.status == 201, "\(made.body)")
        let records = ["ada", "bob"].flatMap { creator in
            (1...3).map { number in
                #"{"id":"\#(creator)\#(number)","vector":[1,\#(number),0],"creator_id":"\#(creator)","#
                    + #""video_id":"v\#(number)","text":"t\#(number)"}"#
            }
        }
        let written = try server.ask(
            "POST",
            "/v1/collections/lectures/records",
            #"{"records":[\#(records.joined(separator: ","))]}"#
        )
        try #require(written.status == 200, "\(written.body)")
        return server
    }

    static let publicDigest = "5cd037ae6ad6d3719174f49e0571fc1d6c6b08cbc79ad2b7a79ee90cdcc71e00"

    static func token(
        _ server: LiveServer,
        _ creator: String
    ) throws -> (bearer: String, all: LiveServer.Answer) {
        let body = #"{"subject":"u","claims":{"app_metadata":{"creator_id":"\#(creator)"}}}"#
        let answer = try server.ask("POST", "/v1/tokens/issue", body)
        try #require(answer.status == 200, "\(answer.body)")
        return ("Authorization: Bearer \(answer["access_token"] as? String ?? "")", answer)
    }

    @Test func `each route answers, with the id of its request`() throws {
        let server = try Self.server()
        let base = "/v1/collections/lectures"
        let query = #"{"vector":[1,1,0],"limit":2}"#
        for (method, path, body, status) in [
            ("GET", "/livez", nil, 200), ("GET", "/readyz", nil, 200), ("GET", "/v1", nil, 200),
            ("HEAD", "/v1/stats", nil, 200), ("GET", "/v1/stats", nil, 200),
            ("GET", "/metrics", nil, 200),
            ("GET", "/v1/openapi.json", nil, 200), ("GET", "/v1/collections", nil, 200),
            ("GET", base, nil, 200), ("PUT", "/v1/collections/x", #"{"dimension":2}"#, 201),
            ("PUT", "/v1/collections/x", #"{"dimension":2}"#, 200),
            ("DELETE", "/v1/collections/x", nil, 204),
            ("POST", base + "/query", query, 200),
            ("POST", base + "/query-batch", #"{"queries":[\#(query),\#(query)]}"#, 200),
            (
                "POST", base + "/query",
                #"{"id":"ada1","limit":1,"explain":true,"include":["vector"]}"#, 200
            ),
            ("POST", base + "/records/get", #"{"ids":["ada1","none"]}"#, 200),
            ("POST", base + "/records/scan", #"{"limit":2}"#, 200),
            ("POST", base + "/records/count", "{}", 200),
            (
                "POST", base + "/records/update",
                #"{"updates":[{"id":"ada1","attributes":{"video_id":"w"}}]}"#, 200
            ),
            ("POST", base + "/records/delete", #"{"ids":["ada3"]}"#, 200),
            ("POST", base + "/flush", "{}", 200),
            ("POST", base + "/rebuild-index", "{}", 202),
            ("POST", base + "/rollback-index", "[]", 400), ("GET", "/v1/tasks/none", nil, 404),
            ("GET", "/v1/nothing", nil, 404), ("POST", "/livez", "", 405),
            ("GET", base + "/query", nil, 405),
            ("POST", base + "/query", "{", 400), ("POST", "/v1/collections/none/query", query, 404),
            ("POST", "/rest/v1/rpc/match_chunks", #"{"query_embedding":[1,1,0]}"#, 200),
            (
                "GET", "/rest/v1/rpc/match_chunks?query_embedding=%7B1,1,0%7D&match_count=1", nil,
                200
            ),
            ("POST", "/rest/v1/rpc/match_chunk", "{}", 404), ("GET", "/rest/v1/table", nil, 404),
            ("PATCH", "/rest/v1/rpc/match_chunks", "{}", 405),
        ] as [(String, String, String?, Int)] {
            let answer = try server.ask(method, path, body, headers: ["X-Request-Id: asked-1"])
            #expect(answer.status == status, "\(method) \(path): \(answer.body)")
            #expect(answer.headers["x-request-id"] == "asked-1", "\(path)")
            // RFC 9110, section 15.5.6: such an answer names the methods there are.
            #expect((answer.headers["allow"] != nil) == (status == 405), "\(method) \(path)")
            if status >= 400, method != "HEAD" {
                #expect(answer["code"] is String, "\(method) \(path): \(answer.body)")
                let keys = Set(
                    (try JSONSerialization.jsonObject(with: Data(answer.body.utf8))
                        as? [String: Any] ?? [:]).keys
                )
                if path.hasPrefix("/rest/") {
                    #expect(keys == ["code", "message", "details", "hint"])
                    #expect(answer.headers["content-type"] == "application/json; charset=utf-8")
                } else {
                    #expect(answer.headers["content-type"] == "application/problem+json")
                    #expect(
                        keys.isSuperset(of: [
                            "type", "title", "status", "detail", "instance", "request_id",
                        ])
                    )
                }
            }
        }
        let odd = try server.ask("GET", "/livez", headers: ["X-Request-Id: a b\"c"])
        #expect(odd.headers["x-request-id"] != "a b\"c")
        #expect(server.stop() == 0)
    }

    @Test func `packed bodies, compression and waiting for a write`() throws {
        let server = try Self.server()
        let base = "/v1/collections/lectures"
        func packed(_ floats: [Float]) -> Data {
            floats.reduce(into: Data()) { data, float in
                withUnsafeBytes(of: float.bitPattern.littleEndian) { data.append(contentsOf: $0) }
            }
        }
        let written = try server.ask(
            "POST",
            base + "/records?first_id=100&creator_id=ada",
            bytes: packed([0, 0, 1, 0, 0.1, 1])
        )
        #expect(written["count"] as? Int == 2, "\(written.body)")
        let lsn = try #require(written["lsn"] as? Int)
        let one = try server.ask(
            "POST",
            base + "/query?limit=1&min_lsn=\(lsn)",
            bytes: packed([0, 0, 1])
        )
        #expect(one.body.contains("\"id\":100"), "\(one.body)")
        let two = try server.ask(
            "POST",
            base + "/query-batch?limit=1",
            bytes: packed([0, 0, 1, 1, 1, 0])
        )
        #expect((two["results"] as? [Any])?.count == 2, "\(two.body)")
        #expect(try server.ask("POST", base + "/query", bytes: Data([1, 2, 3])).status == 400)
        let late = try server.ask(
            "POST",
            base + "/query",
            #"{"vector":[1,1,0],"min_lsn":\#(lsn + 1_000),"timeout_ms":50}"#
        )
        #expect(late.status == 409)
        #expect(late["code"] as? String == "lsn_not_reached")

        let many = (0..<800).map {
            #"{"id":\#(1_000 + $0),"vector":[1,0,\#($0)],"creator_id":"ada"}"#
        }
        _ = try server.ask(
            "POST",
            base + "/records",
            #"{"records":[\#(many.joined(separator: ","))]}"#
        )
        let body = #"{"limit":800,"include":["vector"],"partition":"ada"}"#
        let plain = try server.ask("POST", base + "/records/scan", body)
        let zipped = try server.ask(
            "POST",
            base + "/records/scan",
            body,
            headers: ["Accept-Encoding: gzip"]
        )
        #expect(zipped.headers["content-encoding"] == "gzip")
        let unzipped = try server.ask(
            "POST",
            base + "/records/scan",
            body,
            headers: ["Accept-Encoding: gzip;q=0"]
        )
        #expect(unzipped.body == plain.body)
        #expect(unzipped.headers["content-encoding"] == nil)
        let length = Int(zipped.headers["content-length"] ?? "") ?? .max
        #expect(length < plain.body.utf8.count / 2)
        server.stop()
    }

    @Test func `tokens decide what is seen, and refresh, revocation and the command work`() throws {
        let server = try Self.server(access: "access: {socket_requires_token: false}")
        let base = "/v1/collections/lectures"
        let (ada, grant) = try Self.token(server, "ada")
        let query = #"{"vector":[1,1,0],"limit":10}"#
        let seen = try server.ask("POST", base + "/query", query, headers: [ada])
        #expect(seen.status == 200)
        #expect(!seen.body.contains("bob") && seen.body.contains("ada3"))
        let named = try server.ask(
            "POST",
            base + "/query",
            #"{"vector":[1,1,0],"partition":"bob"}"#,
            headers: [ada]
        )
        #expect((named["matches"] as? [Any])?.isEmpty == true, "\(named.body)")
        let got = try server.ask(
            "POST",
            base + "/records/get",
            #"{"ids":["bob1","ada1"]}"#,
            headers: [ada]
        )
        #expect(got.body.hasPrefix(#"{"records":[null,"#), "\(got.body)")
        #expect(
            try server.ask("POST", base + "/query", #"{"id":"bob1"}"#, headers: [ada]).status == 404
        )
        let count = try server.ask("POST", base + "/records/count", "{}", headers: [ada])
        #expect(count["count"] as? Int == 3)
        for (method, path) in [
            ("GET", "/v1/stats"), ("GET", base), ("GET", "/v1/collections"), ("DELETE", base),
            ("GET", "/metrics"), ("POST", "/v1/tokens/issue"), ("POST", base + "/records/delete"),
        ] {
            let answer = try server.ask(method, path, method == "POST" ? "{}" : nil, headers: [ada])
            #expect(answer.status == 403, "\(method) \(path): \(answer.body)")
        }
        // A collection without a policy is one that does not exist.
        _ = try server.ask("PUT", "/v1/collections/hidden", #"{"dimension":3}"#)
        let hidden = try server.ask("POST", "/v1/collections/hidden/query", query, headers: [ada])
        let missing = try server.ask("POST", "/v1/collections/missing/query", query, headers: [ada])
        #expect(hidden.status == 404)
        #expect(
            hidden.body.replacingOccurrences(of: "hidden", with: "missing")
                .prefix { $0 != "r" } == missing.body.prefix { $0 != "r" }
        )
        let rows = try server.ask(
            "POST",
            "/rest/v1/rpc/match_chunks",
            #"{"query_embedding":[1,1,0]}"#,
            headers: [ada]
        ).rows
        #expect(Set(rows.compactMap { $0["id"] as? String }) == ["ada1", "ada2", "ada3"])
        let wrong = try server.ask(
            "POST",
            base + "/query",
            query,
            headers: [String(ada.dropLast(3))]
        )
        #expect(wrong.status == 401 && wrong.headers["www-authenticate"] == "Bearer")
        let twice = try server.ask("POST", base + "/query", query, headers: [ada, ada])
        #expect(twice.status == 400)

        let refresh = try #require(grant["refresh_token"] as? String)
        let next = try server.ask("POST", "/v1/tokens/refresh", #"{"refresh_token":"\#(refresh)"}"#)
        #expect(next.status == 200 && next["refresh_token"] as? String != refresh)
        let reused = try server.ask(
            "POST",
            "/v1/tokens/refresh",
            #"{"refresh_token":"\#(refresh)"}"#
        )
        #expect(reused.status == 401)
        #expect(try server.ask("POST", base + "/query", query, headers: [ada]).status == 401)

        let data = ["--data", server.directory + "/data"]
        let issued = try LiveServer.run(
            ["token", "issue"] + data
                + [
                    "--subject", "u", "--claim", "app_metadata.creator_id=bob", "--access-seconds",
                    "60",
                ]
        )
        try #require(issued.code == 0, "\(issued.errors)")
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(issued.output.utf8)) as? [String: Any]
        )
        let bob = try #require(object["access_token"] as? String)
        let header = ["Authorization: Bearer \(bob)"]
        #expect(
            try server.ask("POST", base + "/query", query, headers: header).body.contains("bob1")
        )
        let options = data + ["--config", server.directory + "/config.yaml"]
        let inspected = try LiveServer.run(["token", "inspect"] + options, input: bob + "\n")
        #expect(inspected.output.contains(#""verdict":"accepted""#), "\(inspected)")
        let spoiled = try LiveServer.run(
            ["token", "inspect"] + options,
            input: bob.dropLast() + "A"
        )
        #expect(spoiled.code == 1 || bob.last == "A", "\(spoiled)")
        let session = try #require(object["session_id"] as? String)
        #expect(try LiveServer.run(["token", "revoke"] + data + ["--session", session]).code == 0)
        // One id in 64 begins with a dash.
        let dashed = try LiveServer.run(["token", "revoke"] + data + ["--session", "-" + session])
        #expect(dashed.code != 64, "\(dashed.errors)")
        #expect(try server.ask("POST", base + "/query", query, headers: header).status == 401)
        for secret in [bob, refresh, String(repeating: "k", count: 48)] {
            #expect(!server.log.contains(secret))
        }
        server.stop()
        // Without a server, the command uses the files themselves.
        let offline = try LiveServer.run(["token", "issue"] + options + ["--subject", "u"])
        #expect(offline.code == 0, "\(offline.errors)")
    }
}
