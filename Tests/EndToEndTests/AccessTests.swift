import Foundation
import Testing

/// Who can connect at all.
@Suite struct `Access` {
    @Test func `TCP is refused without tokens, and loopback only when that is said`() throws {
        let directory = try LiveServer.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let data = ["serve", "--data", directory + "/data", "--listen"]
        for arguments in [
            data + ["127.0.0.1:0"], data + ["0.0.0.0:0"],
            data + ["0.0.0.0:0", "--insecure-loopback"],
        ] {
            let result = try LiveServer.run(arguments)
            #expect(result.code != 0)
            #expect(result.errors.contains("without tokens"), "\(result.errors)")
        }
    }

    @Test func `on TCP, tokens are needed and web pages reach functions alone`() throws {
        let server = try LiveRoutes.server(arguments: ["--listen", "127.0.0.1:0"])
        let pattern = /address=(127\.0\.0\.1:\d+)/
        let address = String(try #require(server.log.firstMatch(of: pattern)?.1))
        let base = "/v1/collections/lectures"
        let query = #"{"vector":[1,1,0]}"#
        let nobody = try server.ask("POST", base + "/query", query, at: address)
        #expect(nobody.status == 401 && nobody["code"] as? String == "token_required")
        let (ada, _) = try LiveRoutes.token(server, "ada")
        let somebody = try server.ask("POST", base + "/query", query, headers: [ada], at: address)
        #expect(somebody.status == 200 && !somebody.body.contains("bob"))
        let page = "Origin: https://app.example"
        let native = try server.ask(
            "POST",
            base + "/query",
            query,
            headers: [ada, page],
            at: address
        )
        #expect(native.status == 403)
        let call = try server.ask(
            "POST",
            "/rest/v1/rpc/match_chunks",
            #"{"query_embedding":[1,1,0]}"#,
            headers: [ada, page],
            at: address
        )
        #expect(call.status == 200 && call.headers["access-control-allow-origin"] == "*")
        #expect(try server.ask("GET", "/livez", at: address).status == 200)
        #expect(try server.ask("GET", "/metrics", at: address).status == 401)
        // A token in the address is no token.
        let bare = String(ada.dropFirst("Authorization: Bearer ".count))
        let shown = try server.ask("POST", base + "/query?access_token=\(bare)", query, at: address)
        #expect(shown.status == 401)
        // Wrong signatures are counted for each peer; a token that was verified before still works.
        var statuses: [Int] = []
        for number in 0..<25 {
            let payload = Data("{\"exp\":\(4_000_000_000 + number)}".utf8).base64EncodedString()
                .replacingOccurrences(of: "=", with: "")
            let forged =
                "Authorization: Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6Im93biJ9.\(payload).AAAA"
            statuses.append(
                try server.ask("POST", base + "/query", query, headers: [forged], at: address)
                    .status
            )
        }
        #expect(statuses.prefix(20).allSatisfy { $0 == 401 })
        #expect(statuses.last == 429)
        #expect(
            try server.ask("POST", base + "/query", query, headers: [ada], at: address).status
                == 200
        )
        server.stop()
    }

    @Test func `the socket has the mode that was asked for, and may want a token`() throws {
        let server = try LiveRoutes.server(
            access: "access: {socket_mode: \"0660\", socket_users: [\(getuid())]}"
        )
        let mode = try FileManager.default.attributesOfItem(atPath: server.socket)[
            .posixPermissions
        ]
        #expect((mode as? NSNumber)?.intValue == 0o660)
        server.stop()
    }

    @Test func `a process of another user is cut off unheard`() throws {
        let directory = try LiveServer.makeDirectory()
        let server = try LiveServer(
            configuration: "access: {socket_users: [\(getuid() + 4_321)]}",
            in: directory
        )
        #expect(throws: Command.Failure.self) { try server.ask("GET", "/livez") }
        #expect(server.log.contains("a peer was cut off"))
        server.stop()
    }

    @Test func `with a socket that wants tokens, nobody is nobody`() throws {
        let directory = try LiveServer.makeDirectory()
        try LiveServer.write(String(repeating: "k", count: 48), to: directory + "/key")
        let server = try LiveServer(
            configuration: """
                tokens: {signing: {key_file: \(directory)/key}}
                access: {socket_requires_token: true}
                """,
            in: directory
        )
        #expect(try server.ask("GET", "/readyz").status == 200)
        #expect(try server.ask("GET", "/v1/stats").status == 401)
        #expect(try server.ask("POST", "/v1/tokens/issue", #"{"subject":"u"}"#).status == 401)
        server.stop()
    }

    @Test(arguments: [
        "tokens: {secret_file: DIR/short}", "tokens: {secret_file: DIR/open}", "tokens: {}",
        "tokens: {secret_file: DIR/none}", "tokens: {jwks_url: \"http://keys.example/jwks\"}",
        "policies: {c: creator_id = jwt.user_metadata.creator_id}", "policies: {c: something}",
        "functions: {f: {collection: c, args: {q: {role: nonsense}}, returns: [id]}}",
        "functions: {f: {collection: c, args: {q: {role: vector}}, returns: [id], extra: 1}}",
        "access: {socket_mode: \"0666\"}", "upstream: \"ftp://x\"", "upstream: \"https://x/path\"",
    ])
    func `a configuration that leaves something open does not start`(text: String) throws {
        let directory = try LiveServer.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try LiveServer.write("short", to: directory + "/short")
        let open = directory + "/open"
        try LiveServer.write(String(repeating: "k", count: 48), to: open)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: open)
        let file = directory + "/config.yaml"
        try LiveServer.write(text.replacingOccurrences(of: "DIR", with: directory), to: file)
        let result = try LiveServer.run(["serve", "--data", directory + "/data", "--config", file])
        #expect(result.code == 78, "\(result)")
        #expect(result.errors.contains("config.yaml:1"), "\(result.errors)")
        #expect(!result.errors.contains("kkkk"))
    }

    @Test func `keys are exchanged without a restart, and garbage changes nothing`() throws {
        let directory = try LiveServer.makeDirectory()
        let keys = directory + "/jwks.json"
        func keySet(_ secret: String, _ id: String) -> String {
            let text = Data(secret.utf8).base64EncodedString().replacingOccurrences(
                of: "=",
                with: ""
            )
            return #"{"kty":"oct","alg":"HS256","kid":"\#(id)","k":"\#(text)"}"#
        }
        let (first, second) = (String(repeating: "a", count: 33), String(repeating: "b", count: 33))
        try LiveServer.write(#"{"keys":[\#(keySet(first, "one"))]}"#, to: keys)
        let server = try LiveServer(
            configuration: """
                tokens: {jwks_file: \(keys)}
                access: {socket_requires_token: true}
                """,
            in: directory
        )
        func token(_ secret: String, _ id: String) throws -> String {
            let python = """
                import base64,hashlib,hmac,json,sys,time
                e=lambda b: base64.urlsafe_b64encode(b).rstrip(b'=')
                t=e(json.dumps({'alg':'HS256','kid':sys.argv[2]}).encode())+b'.'+e(json.dumps(
                    {'role':'service_role','exp':int(time.time())+600}).encode())
                print((t+b'.'+e(hmac.new(sys.argv[1].encode(),t,hashlib.sha256).digest())).decode())
                """
            let text = try Command.run("python3", ["-c", python, secret, id])
            return "Authorization: Bearer " + text.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        func status(_ header: String) throws -> Int {
            try server.ask("GET", "/v1/stats", headers: [header]).status
        }
        func becomes(_ expected: Int, _ header: String) throws -> Bool {
            let end = ContinuousClock.now + .seconds(5)
            while ContinuousClock.now < end {
                if try status(header) == expected { return true }
                Thread.sleep(forTimeInterval: 0.2)
            }
            return false
        }
        let (one, two) = (try token(first, "one"), try token(second, "two"))
        #expect(try status(one) == 200)
        #expect(try status(two) == 401)
        try LiveServer.write(
            #"{"keys":[\#(keySet(first, "one")),\#(keySet(second, "two"))]}"#,
            to: keys
        )
        #expect(try becomes(200, two))
        #expect(try status(one) == 200)
        try LiveServer.write(#"{"keys":[\#(keySet(second, "two"))]}"#, to: keys)
        #expect(try becomes(401, one))
        try LiveServer.write("garbage", to: keys)
        Thread.sleep(forTimeInterval: 2.5)
        #expect(try status(two) == 200)
        #expect(server.log.contains("the last good keys stay"))
        server.stop()
    }
}
