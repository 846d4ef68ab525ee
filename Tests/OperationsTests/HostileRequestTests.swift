import Foundation
import PostgresSupport
import Testing

/// Requests that are broken in every way that a seed comes up with.
@Suite(.serialized) struct `Broken requests` {
    private static let isSoak = ProcessInfo.processInfo.environment["VS_TIER"] == "soak"

    private struct Tally {
        var statuses: [Int: Int] = [:]
        var hangs: [UInt64] = []
        var faults: [String] = []
    }

    @Test func `broken requests are refused or cut off, and the server stays well`() throws {
        let count = Self.isSoak ? 500_000 : 4_000
        let settings = """
            functions:
              match_chunks:
                collection: lectures
                args:
                  query_embedding: {role: vector}
                  creator_id: {role: partition}
                  match_count: {role: limit, default: 5}
                returns: [id, similarity]
                row_policy: everybody
            """
        let server = try ServerProcess(
            in: try ServerProcess.makeDirectory(),
            settings: settings
        )
        try server.fill(count: 100)
        let tally = Locked(Tally())
        let next = Locked<UInt64>(0)
        let group = DispatchGroup()
        let socket = server.socket
        for _ in 0..<4 {
            Thread.detached(in: group) {
                while true {
                    let seed = next.withLock { number -> UInt64 in
                        number += 1
                        return number
                    }
                    guard seed <= count, server.isRunning else { return }
                    Self.send(seed, to: socket, tally)
                }
            }
        }
        group.wait()
        let result = tally.withLock { $0 }
        print("broken requests: \(count) sent, answers by status \(result.statuses)")
        #expect(server.isRunning, "\(server.log.suffix(2_000))")
        #expect(result.hangs == [], "seeds without an end")
        #expect(result.faults == [], "the server's own faults: \(server.log.suffix(2_000))")
        #expect((result.statuses[400] ?? 0) > count / 20)
        // And it answers as before.
        let answer = try HTTPConnection(socket).send(
            "POST",
            "/v1/collections/lectures/query",
            #"{"vector":[1,0,0],"partition":"ada","limit":5}"#
        )
        #expect(answer.status == 200)
        #expect(server.stop().code == 0)
    }

    /// Sends the request of a seed and reads until the server ends the connection.
    private static func send(_ seed: UInt64, to socket: String, _ tally: Locked<Tally>) {
        var request = BrokenRequest(seed: seed)
        let bytes = request.make()
        guard let connection = try? HTTPConnection(socket, timeout: 20) else {
            tally.withLock { $0.faults.append("\(seed): no connection") }
            return
        }
        let answers = connection.exchange(bytes)
        tally.withLock { tally in
            guard let answers else {
                tally.hangs.append(seed)
                return
            }
            for status in answers {
                tally.statuses[status, default: 0] += 1
                if status >= 500 {
                    let text = String(decoding: bytes.prefix(160), as: UTF8.self)
                    tally.faults.append("\(seed): \(status) to \(text.debugDescription)")
                }
            }
        }
    }
}

/// Makes a request out of a seed: a good one, broken in one to three places.
struct BrokenRequest {
    private var random: Numbers

    init(seed: UInt64) { random = Numbers(seed) }

    private static let bodies = [
        #"{"vector":[1,0,0],"partition":"ada","limit":5}"#,
        #"{"vector":[0.12345678,-3e-5,7],"filter":{"video_id":{"in":["v1","v2"]}},"include":[]}"#,
        #"{"queries":[{"vector":[1,0,0]},{"id":"c1","limit":3}]}"#,
        #"{"records":[{"id":"h1","vector":[1,2,3],"creator_id":"eve","video_id":"v"}]}"#,
        #"{"ids":["c1","c2"],"include":["vector"]}"#,
        #"{"query_embedding":"[1,0,0]","creator_id":"ada","match_count":3}"#,
        #"{"filter":{"and":[{"video_id":"v1"},{"not":{"video_id":{"ne":"v2"}}}]},"limit":2}"#,
        #"{"updates":[{"id":"c1","attributes":{"video_id":null}}]}"#,
    ]

    private static let targets = [
        "/v1/collections/lectures/query", "/v1/collections/lectures/query-batch",
        "/v1/collections/lectures/records/get", "/v1/collections/lectures/records/scan",
        "/v1/collections/lectures/records/count", "/v1/collections/lectures/records/update",
        "/rest/v1/rpc/match_chunks", "/rest/v1/rpc/match_chunks?select=id&order=similarity.desc",
        "/v1/collections/lectures/query?limit=3&partition=ada", "/v1/collections/none/query",
        "/v1/stats", "/livez", "/v1/tasks/1", "/v1/tokens/issue", "/metrics", "/v1/collections",
    ]

    private static let lines = [
        "content-length: 5", "content-length: -1", "content-length: 18446744073709551616",
        "content-length: 1, 2", "transfer-encoding: chunked", "transfer-encoding: gzip, chunked",
        "transfer-encoding:chunked\r\ncontent-length: 3", "content-type: application/octet-stream",
        "content-type: text/csv", "content-type:", "connection: close", "connection: upgrade",
        "upgrade: websocket", "expect: 100-continue", "host: a\r\nhost: b", "x: \u{1}", "x : y",
        " folded: line", "prefer: count=exact", "accept: text/csv", "range: items=0-1",
        "accept-encoding: gzip", "authorization: Bearer x.y.z", "authorization: Basic Zm9v",
        "apikey: \u{E9}", "accept-profile: none", "x-request-id: a b",
        "cookie: \(String(repeating: "c", count: 9_000))",
        "origin: http://evil.example", "traceparent: 00-x", "te: trailers", "trailer: x",
    ]

    mutating func make() -> [UInt8] {
        let method =
            random.below(4) == 0
            ? pick(["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "get", "FOO", ""]) : "POST"
        var target = pick(Self.targets)
        var version = "HTTP/1.1"
        var lines = ["host: localhost", "content-type: application/json"]
        var body = Array(pick(Self.bodies).utf8)
        var length: Int?
        for _ in 0..<(1 + random.below(3)) {
            switch random.below(12) {
            case 0:
                target += pick([
                    "?", "?limit=", "?%", "?%zz=1", "#f", "/", "%00", "?a&a=1&=", "?select=(",
                    "?or=(id.eq.1", "\u{7F}",
                ])
            case 1:
                target = pick([
                    "", "*", "//x", "http://h/v1",
                    "/" + String(repeating: "a", count: random.below(20_000)), "/v1/../v1",
                ])
            case 2:
                version = pick(["HTTP/1.0", "HTTP/2.0", "HTTP/9", "http/1.1", "HTTP/1.1 x", ""])
            case 3...4: lines.append(pick(Self.lines))
            case 5: lines = (0..<random.below(200)).map { "h\($0): v" } + lines
            case 6:
                length = pick([0, 1, body.count / 2, body.count + 1, 70_000, 2_000_000, 1 << 40])
            case 7: body = Array(body.prefix(random.below(body.count + 1)))
            case 8:
                for _ in 0..<(1 + random.below(4)) where !body.isEmpty {
                    body[random.below(body.count)] = UInt8(truncatingIfNeeded: random.next())
                }
            case 9:
                let place = random.below(body.count + 1)
                let piece = pick([
                    "[", "{", "\"", "\\u", "\\ud800", "1e999", "-", "00", "null", ",", "}", "]",
                    "\u{0}", "\u{FEFF}", "9999999999999999999999", "1.", "[[[[[[[[", "\"vector\":",
                ])
                body.insert(contentsOf: Array(piece.utf8), at: place)
            case 10:
                body = Array(
                    String(
                        repeating: pick(["[", "{\"a\":", "\"", "1,", " "]),
                        count: random.below(5_000)
                    ).utf8
                )
            default:
                body = (0..<random.below(300)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            }
        }
        if random.below(10) != 0 { lines.append("content-length: \(length ?? body.count)") }
        let end = random.below(20) == 0 ? "\n" : "\r\n"
        let head = "\(method) \(target) \(version)\(end)" + lines.map { $0 + end }.joined() + end
        var bytes = Array(head.utf8) + body
        // Now and then the head is damaged too, or cut off.
        if random.below(6) == 0 {
            bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
        }
        if random.below(12) == 0 { bytes = Array(bytes.prefix(1 + random.below(bytes.count))) }
        return bytes
    }

    private mutating func pick<Value>(_ values: [Value]) -> Value {
        values[random.below(values.count)]
    }
}

extension HTTPConnection {
    /// Sends bytes, ends the output, and returns the statuses of all answers; nil when the connection
    /// does not end.
    func exchange(_ bytes: [UInt8]) -> [Int]? {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            // A server that has refused already does not take the rest.
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        shutdown(descriptor, Int32(SHUT_WR))
        var received: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count < 0, errno == EAGAIN || errno == EWOULDBLOCK { return nil }
            guard count > 0 else { return Self.statuses(received) }
            received += chunk[..<count]
        }
    }

    /// The statuses of answers one after the other; the bodies of HEAD are not there.
    private static func statuses(_ bytes: [UInt8]) -> [Int] {
        let mark = Array("HTTP/1.1 ".utf8)
        var statuses: [Int] = []
        var position = 0
        while position + 12 <= bytes.count {
            if bytes[position..<position + 9].elementsEqual(mark),
                position == 0 || bytes[position - 1] == UInt8(ascii: "}")
                    || bytes[position - 1] == UInt8(ascii: "\n")
            {
                let digits = String(decoding: bytes[position + 9..<position + 12], as: UTF8.self)
                if let status = Int(digits) { statuses.append(status) }
                position += 12
            } else {
                position += 1
            }
        }
        return statuses
    }
}
