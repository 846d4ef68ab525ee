import Foundation
import Testing

/// Queries are answered next to the socket, everything else behind it: on one connection nobody may
/// notice.
@Suite(.serialized) struct `Two ways to an answer` {
    private static let path = "/v1/collections/lectures/query"
    private static let query = #"{"vector":[1,0,0],"partition":"ada","limit":5}"#

    private static func server(_ settings: String = "") throws -> ServerProcess {
        let server = try ServerProcess(in: try ServerProcess.makeDirectory(), settings: settings)
        try server.fill(count: 200)
        return server
    }

    /// What an answer says, without the times in it.
    private static func matches(_ answer: HTTPConnection.Answer) throws -> String {
        let body = try answer.json()
        let data = try JSONSerialization.data(
            withJSONObject: body["matches"] ?? body,
            options: .sortedKeys
        )
        return "\(answer.status) " + String(decoding: data, as: UTF8.self)
    }

    @Test func `both ways give the same answer, with the same header fields`() throws {
        let server = try Self.server()
        let connection = try HTTPConnection(server.socket)
        let direct = try connection.send("POST", Self.path, Self.query)
        // A body in chunks is nothing for the direct way.
        let size = String(Self.query.utf8.count, radix: 16)
        try connection.write(
            "POST \(Self.path) HTTP/1.1\r\nhost: l\r\ntransfer-encoding: chunked\r\n\r\n"
                + "\(size)\r\n\(Self.query)\r\n0\r\n\r\n"
        )
        let general = try connection.answer()
        #expect(try Self.matches(direct) == Self.matches(general))
        func names(_ answer: HTTPConnection.Answer) -> Set<String> {
            Set(
                answer.head.lowercased().split(separator: "\r\n").dropFirst().compactMap {
                    $0.split(separator: ":").first.map(String.init)
                }
            )
        }
        #expect(names(direct) == names(general))
        #expect(direct.status == 200 && direct.header("content-type") == "application/json")
    }

    @Test(arguments: ["0ms", "1ms"])
    func `answers come in the order of the requests, whoever gives them`(budget: String) throws {
        let server = try Self.server("limits: {loop_budget: \(budget)}")
        let connection = try HTTPConnection(server.socket)
        let ask = connection.request("POST", Self.path, Self.query)
        let live = connection.request("GET", "/livez")
        let count = connection.request("POST", "/v1/collections/lectures/records/count", "{}")
        let bad = connection.request("POST", Self.path, "{")
        let order = [ask, live, ask, ask, count, bad, live, count, ask]
        let wanted = [
            "matches", "live", "matches", "matches", "count", "code", "live", "count", "matches",
        ]
        for _ in 0..<20 {
            try connection.write(order.joined())
            for (index, key) in wanted.enumerated() {
                let answer = try connection.answer()
                #expect(answer.text.contains("\"\(key)\""), "\(index): \(answer.text.prefix(80))")
            }
        }
    }

    @Test func `where the bytes are cut makes no difference`() throws {
        let server = try Self.server()
        let connection = try HTTPConnection(server.socket)
        let live = connection.request("GET", "/livez")
        let text = connection.request("POST", Self.path, Self.query) + live
        let whole = try Self.matches(try connection.send("POST", Self.path, Self.query))
        for cut in 1..<text.utf8.count {
            try connection.write(String(decoding: text.utf8.prefix(cut), as: UTF8.self))
            Thread.sleep(forTimeInterval: 0.0005)
            try connection.write(String(decoding: text.utf8.dropFirst(cut), as: UTF8.self))
            #expect(try Self.matches(try connection.answer()) == whole, "cut at \(cut)")
            #expect(try connection.answer().text.contains("live"), "cut at \(cut)")
        }
    }

    @Test func `a client that has said all it will is answered, then the connection ends`() throws {
        let server = try Self.server()
        for text in [
            HTTPConnection.query(Self.path, Self.query),
            HTTPConnection.query(Self.path, Self.query) + "GET /livez HTTP/1.1\r\nhost: l\r\n\r\n",
        ] {
            let connection = try HTTPConnection(server.socket)
            try connection.write(text)
            shutdown(connection.descriptor, Int32(SHUT_WR))
            #expect(try connection.answer().status == 200)
            #expect(connection.isClosed(within: 10))
        }
        // What is no whole request ends the connection too.
        let connection = try HTTPConnection(server.socket)
        try connection.write(String(HTTPConnection.query(Self.path, Self.query).dropLast(5)))
        shutdown(connection.descriptor, Int32(SHUT_WR))
        #expect(connection.isClosed(within: 10))
    }

    @Test func `a stop ends connections that wait for the rest of a query`() throws {
        let server = try Self.server()
        let idle = try HTTPConnection(server.socket)
        #expect(try idle.send("POST", Self.path, Self.query).status == 200)
        let half = try HTTPConnection(server.socket)
        try half.write(String(HTTPConnection.query(Self.path, Self.query).dropLast(5)))
        let (code, took) = server.stop()
        #expect(code == 0 && took < .seconds(8), "\(code) after \(took)")
        #expect(idle.isClosed(within: 1) && half.isClosed(within: 1))
    }

    @Test func `a query that is refused before it reaches the store is logged too`() throws {
        let server = try Self.server("log: {level: debug}")
        let connection = try HTTPConnection(server.socket)
        let answer = try connection.send("POST", Self.path + "?limit=%ff", Self.query)
        #expect(answer.status == 400)
        let id = try #require(answer.header("x-request-id"))
        let line = server.log.split(separator: "\n").last { $0.contains("request_id=\(id)") }
        #expect(line?.contains("status=400") == true, "\(server.log.suffix(2_000))")
    }

    @Test func `queries are counted once, with their route`() throws {
        let server = try Self.server()
        let connection = try HTTPConnection(server.socket)
        for _ in 0..<7 { _ = try connection.send("POST", Self.path, Self.query) }
        _ = try connection.send("POST", Self.path, "{")
        let metrics = try connection.get("/metrics").text
        let line = "vs_http_requests_total{route=\"query\",method=\"POST\",code="
        #expect(metrics.contains(line + "\"200\"} 7\n"), "\(metrics)")
        #expect(metrics.contains(line + "\"400\"} 1\n"))
        #expect(metrics.contains("vs_http_in_flight_requests{route=\"query\"} 0\n"))
    }
}

extension HTTPConnection {
    /// The bytes of a query.
    static func query(_ path: String, _ body: String) -> String {
        "POST \(path) HTTP/1.1\r\nhost: l\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
    }
}
