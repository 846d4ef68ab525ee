import Foundation
import Testing

/// Clients that take their time, or leave, and answers that are larger than the buffers of a socket.
@Suite(.serialized) struct `Large answers next to the socket` {
    private static let path = "/v1/collections/lectures/query"
    private static let count = 3_000
    /// About two megabytes.
    private static let query =
        #"{"vector":[1,0,0],"partition":"ada","limit":\#(count),"include":["payload"]}"#
    private static var request: String { HTTPConnection.query(path, query) }

    private static func server() throws -> ServerProcess {
        let server = try ServerProcess(in: try ServerProcess.makeDirectory())
        try server.fill(count: count, payload: String(repeating: "x", count: 500))
        return server
    }

    /// How many queries were made, successful or not.
    private static func madeCount(_ server: ServerProcess) throws -> Int {
        let lines = try HTTPConnection(server.socket).get("/metrics").text.split(separator: "\n")
        return lines.filter { $0.hasPrefix("vs_http_requests_total{route=\"query\"") }
            .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
    }

    private static func wait(for count: Int, _ server: ServerProcess) throws {
        let end = ContinuousClock.now + .seconds(20)
        while try madeCount(server) < count, ContinuousClock.now < end {
            Thread.sleep(forTimeInterval: 0.01)
        }
    }

    private static func check(_ answer: HTTPConnection.Answer) throws {
        let matches = try answer.json()["matches"] as? [Any]
        #expect(answer.status == 200 && matches?.count == count)
    }

    @Test func `a client that does not read has one answer made for it, and gets all in the end`()
        throws
    {
        let server = try Self.server()
        let deaf = try HTTPConnection(server.socket)
        try deaf.write([String](repeating: Self.request, count: 20).joined())
        try Self.wait(for: 1, server)
        Thread.sleep(forTimeInterval: 0.5)
        #expect(try Self.madeCount(server) <= 2)
        for _ in 0..<20 { try Self.check(try deaf.answer()) }
        #expect(try Self.madeCount(server) == 20)
    }

    @Test func `an answer is not cut off when its client has said all it will`() throws {
        let server = try Self.server()
        for requestCount in [1, 3] {
            let client = try HTTPConnection(server.socket)
            try client.write([String](repeating: Self.request, count: requestCount).joined())
            shutdown(client.descriptor, Int32(SHUT_WR))
            Thread.sleep(forTimeInterval: 0.3)
            for _ in 0..<requestCount { try Self.check(try client.answer()) }
            #expect(client.isClosed(within: 10))
            // The end of the input comes while the socket is full.
            let late = try HTTPConnection(server.socket)
            let before = try Self.madeCount(server)
            try late.write(Self.request)
            try Self.wait(for: before + 1, server)
            shutdown(late.descriptor, Int32(SHUT_WR))
            Thread.sleep(forTimeInterval: 0.2)
            try Self.check(try late.answer())
            #expect(late.isClosed(within: 10))
        }
    }

    @Test func `a stop waits until the answer under way is read, and begins no other`() throws {
        let server = try Self.server()
        let client = try HTTPConnection(server.socket)
        try client.write(Self.request + Self.request)
        try Self.wait(for: 1, server)
        kill(server.pid, SIGTERM)
        Thread.sleep(forTimeInterval: 0.5)
        #expect(server.isRunning)
        try Self.check(try client.answer())
        #expect(client.isClosed(within: 10))
        let (code, took) = server.stop()
        #expect(code == 0 && took < .seconds(8), "\(code) after \(took)")
    }

    @Test func `nothing is begun after the last answer of the general server`() throws {
        let server = try ServerProcess(in: try ServerProcess.makeDirectory())
        try server.fill(count: 10)
        let client = try HTTPConnection(server.socket)
        let query = HTTPConnection.query(Self.path, #"{"vector":[1,0,0],"limit":3}"#)
        // A refusal before the body is read ends the connection.
        try client.write(HTTPConnection.query("/v1/nothing", "{}") + query + query)
        #expect(try client.answer().status == 404)
        #expect(client.isClosed(within: 10))
        #expect(try Self.madeCount(server) == 0)
    }
}
