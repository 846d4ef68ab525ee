import Foundation
import PostgresSupport
import Testing

@Suite(.serialized) struct `Clients that take too long, or too much` {
    private static let settings = """
        limits:
          connections: 1200
          header_timeout: 1s
          body_timeout: 1s
          drain_timeout: 1s
          idle_timeout: 3s
        """

    /// Waits until all are closed and says how long that took.
    private func cut(_ clients: [HTTPConnection], within seconds: Int) -> Bool {
        clients.allSatisfy { $0.isClosed(within: seconds) }
    }

    @Test func `slow headers, slow bodies and answers nobody reads are cut, the others are served`()
        throws
    {
        let server = try ServerProcess(
            in: try ServerProcess.makeDirectory(),
            settings: Self.settings
        )
        try server.fill(count: 2_000, payload: String(repeating: "x", count: 500))
        let good = try HTTPConnection(server.socket)
        let query = #"{"vector":[1,0,0],"partition":"ada","limit":5}"#
        let path = "/v1/collections/lectures/query"
        let start = ContinuousClock.now
        let headers = try (0..<50).map { _ in try HTTPConnection(server.socket, timeout: 1) }
        for client in headers { try client.write("GET /livez HTTP/1.1\r\nhost: l") }
        let bodies = try (0..<50).map { _ in try HTTPConnection(server.socket, timeout: 1) }
        for client in bodies {
            try client.write("POST \(path) HTTP/1.1\r\nhost: l\r\ncontent-length: 500\r\n\r\n{")
        }
        let large = #"{"limit":1000}"#
        let deaf = try (0..<20).map { _ in try HTTPConnection(server.socket, timeout: 1) }
        for client in deaf {
            let request = client.request("POST", "/v1/collections/lectures/records/scan", large)
            try client.write(request + request)
        }
        // A byte now and then does not help.
        for client in headers + bodies { try? client.write("x") }
        while ContinuousClock.now - start < .seconds(4) {
            #expect(try good.send("POST", path, query).status == 200)
            for client in (headers + bodies).prefix(10) { try? client.write("x") }
            Thread.sleep(forTimeInterval: 0.05)
        }
        #expect(cut(headers, within: 1) && cut(bodies, within: 1))
        // Those that do not read are cut when the system's buffers are full for long enough.
        var metrics = try good.get("/metrics").text
        let last = ContinuousClock.now + .seconds(30)
        while !metrics.contains("{reason=\"not_reading\"} 20"), ContinuousClock.now < last {
            Thread.sleep(forTimeInterval: 0.2)
            metrics = try good.get("/metrics").text
        }
        for (reason, count) in [("slow_header", 50), ("slow_body", 50), ("not_reading", 20)] {
            let line = "vs_http_connections_cut_total{reason=\"\(reason)\"} \(count)"
            #expect(
                metrics.contains(line),
                "\(line): \(metrics.split(separator: "\n").filter { $0.contains("cut_total") })"
            )
        }
        #expect(metrics.contains("vs_http_connections 1\n"))
        // Without a use down here they would be closed by their end.
        withExtendedLifetime(deaf) {}
        #expect(good.isClosed(within: 5), "an idle connection ends too")
    }

    @Test func `a thousand connections stay open and are served, and one beyond the limit is told`()
        throws
    {
        let server = try ServerProcess(
            in: try ServerProcess.makeDirectory(),
            settings: "limits: {connections: 1000, idle_timeout: 60s}"
        )
        try server.fill(count: 200)
        let query = #"{"vector":[1,0,0],"partition":"ada","limit":5}"#
        // What filled the store is closed by now, and the thousand stay within the limit of the test's own descriptors.
        Thread.sleep(forTimeInterval: 0.3)
        var own = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &own)
        own.rlim_cur = min(own.rlim_max, max(own.rlim_cur, 4_096))
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &own)
        let clients = try (0..<1_000).map { _ in try HTTPConnection(server.socket) }
        for round in 0..<3 {
            for client in clients {
                try client.write(
                    client.request("POST", "/v1/collections/lectures/query", query)
                )
                #expect(try client.answer().status == 200, "round \(round)")
            }
        }
        let beyond = try HTTPConnection(server.socket)
        try beyond.write(beyond.request("GET", "/livez"))
        let refusal = try beyond.answer()
        #expect(refusal.status == 503 && refusal.header("retry-after") == "1")
        #expect(beyond.isClosed(within: 2))
        #expect(try clients[0].get("/livez").status == 200)
    }

    @Test func `more than the server can take is refused quickly, never left waiting`() throws {
        let server = try ServerProcess(
            in: try ServerProcess.makeDirectory(),
            settings: "limits: {search_threads: 1, queue_length: 4, queue_timeout: 200ms}"
        )
        try server.fill(count: 20_000)
        // Exact searches of everything, many at once, on one thread.
        let query = #"{"vector":[1,0,0],"limit":1000,"recall":1}"#
        let outcome = Locked<(served: Int, refused: Int, slowest: Duration)>((0, 0, .zero))
        let group = DispatchGroup()
        let work: @Sendable () -> Void = {
            guard let connection = try? HTTPConnection(server.socket) else { return }
            for _ in 0..<10 {
                let start = ContinuousClock.now
                guard
                    let answer = try? connection.send(
                        "POST",
                        "/v1/collections/lectures/query",
                        query
                    )
                else {
                    Issue.record("no answer")
                    return
                }
                let took = ContinuousClock.now - start
                outcome.withLock { outcome in
                    if answer.status == 200 {
                        outcome.served += 1
                    } else if answer.status == 503, answer.header("retry-after") != nil {
                        outcome.refused += 1
                        outcome.slowest = max(outcome.slowest, took)
                    } else {
                        Issue.record("\(answer.status) \(answer.text)")
                    }
                }
            }
        }
        for _ in 0..<32 { Thread.detached(in: group, work) }
        group.wait()
        let (served, refused, slowest) = outcome.withLock { $0 }
        #expect(served + refused == 320 && served > 0 && refused > 0)
        #expect(slowest < .seconds(2), "\(refused) refused, the slowest after \(slowest)")
    }

    @Test func `searches do not stand behind scans`() throws {
        let server = try ServerProcess(
            in: try ServerProcess.makeDirectory(),
            settings: "limits: {search_threads: 1, record_threads: 1, loop_budget: 0ms}"
        )
        try server.fill(count: 5_000, payload: String(repeating: "x", count: 2_000))
        let scans = try (0..<60).map { _ in try HTTPConnection(server.socket, timeout: 60) }
        for scan in scans {
            try scan.write(
                scan.request(
                    "POST",
                    "/v1/collections/lectures/records/scan",
                    #"{"limit":1000,"include":["vector","payload"]}"#
                )
            )
        }
        // All of them are read, or they would wait for their clients.
        let ended = Locked(0)
        let group = DispatchGroup()
        for scan in scans {
            Thread.detached(in: group) {
                let answer = try? scan.answer()
                if answer?.status == 200, (try? answer?.json()) != nil {
                    ended.withLock { $0 += 1 }
                }
            }
        }
        let good = try HTTPConnection(server.socket)
        let query = #"{"vector":[1,0,0],"partition":"ada","limit":5}"#
        #expect(try good.send("POST", "/v1/collections/lectures/query", query).status == 200)
        // The scans are under way still: the search overtook them.
        #expect(ended.withLock { $0 } < scans.count, "every scan came before the search")
        group.wait()
        #expect(ended.withLock { $0 } == scans.count)
    }

    @Test func `scans that nobody reads cost no memory, and a slow reader gets all of it`() throws {
        let server = try ServerProcess(
            in: try ServerProcess.makeDirectory(),
            settings: "limits: {drain_timeout: 30s}"
        )
        try server.fill(count: 5_000, payload: String(repeating: "x", count: 2_000))
        let path = "/v1/collections/lectures/records/scan"
        let good = try HTTPConnection(server.socket, timeout: 60)
        func memory() throws -> Double {
            let line = try good.get("/metrics").text.split(separator: "\n").first {
                $0.hasPrefix("process_resident_memory_bytes ")
            }
            return try #require(line.flatMap { Double($0.split(separator: " ")[1]) })
        }
        let whole = try good.send("POST", path, #"{"limit":5000}"#)
        #expect(whole.status == 200 && whole.header("transfer-encoding") == "chunked")
        #expect((try whole.json()["records"] as? [Any])?.count == 5_000)
        let before = try memory()
        // Ten megabytes each, were they made.
        let deaf = try (0..<40).map { _ in try HTTPConnection(server.socket, timeout: 60) }
        for client in deaf { try client.write(client.request("POST", path, #"{"limit":5000}"#)) }
        Thread.sleep(forTimeInterval: 2)
        let after = try memory()
        #expect(after - before < 100e6, "\((after - before) / 1e6) MB")
        #expect(try deaf[7].answer().body == whole.body)
        withExtendedLifetime(deaf) {}
    }

    @Test func `SIGTERM under load answers or closes, and every acknowledged write is there`()
        throws
    {
        let rounds = ProcessInfo.processInfo.environment["VS_TIER"] == "soak" ? 100 : 5
        let directory = try ServerProcess.makeDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for round in 0..<rounds {
            let server = try ServerProcess(in: directory, keepsDirectory: true)
            if round == 0 { try server.fill(count: 10) }
            let acknowledged = Locked<[String]>([])
            let broken = Locked<[String]>([])
            let group = DispatchGroup()
            for writer in 0..<8 {
                Thread.detached(in: group) {
                    guard let connection = try? HTTPConnection(server.socket) else { return }
                    for step in 0..<100_000 {
                        let id = "w\(round)-\(writer)-\(step)"
                        let record = #"{"id":"\#(id)","vector":[1,2,3],"partition":"p"}"#
                        do {
                            let answer = try connection.send(
                                "POST",
                                "/v1/collections/lectures/records",
                                #"{"records":[\#(record)]}"#
                            )
                            if answer.status == 200 {
                                acknowledged.withLock { $0.append(id) }
                            } else if answer.status != 503 {
                                broken.withLock { $0.append("\(answer.status)") }
                            }
                        } catch HTTPConnection.Failure.closed {
                            return
                        } catch {
                            broken.withLock { $0.append("\(error)") }
                            return
                        }
                    }
                }
            }
            let end = ContinuousClock.now + .seconds(10)
            while acknowledged.withLock({ $0.isEmpty }), ContinuousClock.now < end {
                Thread.sleep(forTimeInterval: 0.005)
            }
            Thread.sleep(forTimeInterval: 0.2 + 0.01 * Double(round % 20))
            let (code, took) = server.stop()
            group.wait()
            #expect(code == 0 && took < .seconds(10), "round \(round): \(code) in \(took)")
            #expect(broken.withLock { $0 } == [], "round \(round)")
            let ids = acknowledged.withLock { $0 }
            #expect(!ids.isEmpty)
            let found = try ServerProcess.run(
                ["get", "lectures", "--json", "--data", directory + "/data"] + ids
            )
            #expect(found.code == 0 && !found.text.contains("null"), "round \(round)")
        }
    }
}
