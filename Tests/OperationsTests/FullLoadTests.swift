import Foundation
import PostgresSupport
import Testing

/// The server at its limits, in full size; what it promises at any size is tested elsewhere, since
/// figures of time need a machine to itself.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["VS_TIER"] == "soak"))
struct `Load in full size` {
    private static let path = "/v1/collections/lectures/query"

    /// Vectors of 64 dimensions, 20,000 of them in 20 partitions.
    private static func server(_ settings: String = "") throws -> ServerProcess {
        raiseDescriptorLimit()
        let server = try ServerProcess(in: try ServerProcess.makeDirectory(), settings: settings)
        let connection = try HTTPConnection(server.socket)
        let made = try connection.send(
            "PUT",
            "/v1/collections/lectures",
            #"{"dimension":64,"partition_by":"creator_id"}"#
        )
        try #require(made.status == 201)
        var random = Numbers(7)
        for batch in 0..<40 {
            let records = (0..<500).map { row in
                let number = batch * 500 + row
                return #"{"id":"c\#(number)","vector":\#(vector(&random)),"#
                    + #""partition":"p\#(number % 20)","text":"\#(String(repeating: "t", count: 200))"}"#
            }
            let answer = try connection.send(
                "POST",
                "/v1/collections/lectures/records",
                #"{"records":[\#(records.joined(separator: ","))]}"#
            )
            try #require(answer.status == 200)
        }
        return server
    }

    private static func vector(_ random: inout Numbers) -> String {
        let values = (0..<64).map { _ in String(Double(random.below(2_001) - 1_000) / 1_000) }
        return "[" + values.joined(separator: ",") + "]"
    }

    private static func requests(limit: Int = 5, recall: Double? = nil) -> [[UInt8]] {
        var random = Numbers(9)
        return (0..<500).map { number in
            let place = recall == nil ? #","partition":"p\#(number % 20)""# : ""
            let extra = recall.map { #","recall":\#($0)"# } ?? ""
            let body = #"{"vector":\#(vector(&random))\#(place),"limit":\#(limit)\#(extra)}"#
            return Array(HTTPConnection.query(path, body).utf8)
        }
    }

    private static func raiseDescriptorLimit() {
        var own = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &own)
        own.rlim_cur = min(own.rlim_max, max(own.rlim_cur, 8_192))
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &own)
    }

    /// The answers a second that a thousand connections get when each asks again at once.
    private static func maximum(_ load: OpenLoad) -> Double {
        _ = load.run(rate: nil, seconds: 3)
        let outcome = load.run(rate: nil, seconds: 8)
        return Double(outcome.milliseconds[200]?.count ?? 0) / outcome.seconds
    }

    func `a thousand connections at 70 % of the maximum for a minute`() throws {
        let server = try Self.server()
        let requests = Self.requests()
        let few = try OpenLoad(server.socket, connections: 64, requests: requests)
        let maximum = Self.maximum(few)
        let load = try OpenLoad(server.socket, connections: 1_000, requests: requests)
        let outcome = load.run(rate: 0.7 * maximum, seconds: 60)
        let statuses = outcome.milliseconds.mapValues(\.count)
        print(
            "70 %: maximum \(Int(maximum))/s, asked \(Int(0.7 * maximum))/s, answers \(statuses), "
                + "closed \(outcome.closed), unanswered \(outcome.unanswered), withheld "
                + "\(outcome.withheld), p50 \(outcome.percentile(0.5)) ms, p99 "
                + "\(outcome.percentile(0.99)) ms, max \(outcome.percentile(1)) ms"
        )
        #expect(Array(statuses.keys) == [200])
        #expect(outcome.closed == 0 && outcome.unanswered == 0)
        #expect(outcome.percentile(0.99) <= 50)
    }

    func `above the maximum the refusals come at once and nothing stalls`() throws {
        let server = try Self.server("limits: {search_threads: 2}")
        // Searches that take milliseconds, from ten times the connections that have a place to wait.
        let requests = Self.requests(limit: 1_000, recall: 1)
        let few = try OpenLoad(server.socket, connections: 8, requests: requests)
        let maximum = Self.maximum(few)
        let load = try OpenLoad(server.socket, connections: 1_000, requests: requests)
        let outcome = load.run(rate: 3 * maximum, seconds: 20)
        let statuses = outcome.milliseconds.mapValues(\.count)
        print(
            "above: maximum \(Int(maximum))/s, asked \(Int(3 * maximum))/s, answers \(statuses), "
                + "withheld \(outcome.withheld), refusals p50 "
                + "\(outcome.percentile(0.5, status: 503)) ms, p99 "
                + "\(outcome.percentile(0.99, status: 503)) ms, max "
                + "\(outcome.percentile(1, status: 503)) ms; served p99 "
                + "\(outcome.percentile(0.99, status: 200)) ms"
        )
        #expect(Set(statuses.keys) == [200, 503])
        #expect(outcome.closed == 0 && outcome.unanswered == 0)
        #expect(outcome.percentile(0.99, status: 503) <= 50)
        let served = Double(statuses[200] ?? 0) / outcome.seconds
        #expect(served >= 0.7 * maximum, "\(served)/s of \(maximum)/s")
    }

    @Test func `1,200 bad clients are cut in time, and the good ones hardly notice`() throws {
        // All of the scans are accepted, so that all of their clients have something to leave unread.
        let server = try Self.server("limits: {connections: 4000, queue_timeout: 20s}")
        let requests = Self.requests()
        let good = try OpenLoad(server.socket, connections: 50, requests: requests)
        _ = good.run(rate: nil, seconds: 2)
        let rate = 0.3 * Self.maximum(good)
        // Those who send a byte a second take time of the processors themselves: before, they send to nobody.
        let (sinks, slow) = (Self.sinks(1_000), Locked<[Int32]>([]))
        let isOver = Locked(false)
        let group = DispatchGroup()
        slow.withLock { $0 = sinks }
        Thread.detached(in: group) {
            while !isOver.withLock({ $0 }) {
                // Each on its own, as clients that know nothing of one another.
                for descriptor in slow.withLock({ $0 }) where !isOver.withLock({ $0 }) {
                    _ = Glibc.send(descriptor, "x", 1, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
                    Thread.sleep(forTimeInterval: 0.001)
                }
            }
        }
        let before = good.run(rate: rate, seconds: 15)
        var bad: [HTTPConnection] = []
        for number in 0..<500 {
            let slow = try HTTPConnection(server.socket, timeout: 1)
            try slow.write("GET /livez HTTP/1.1\r\nhost: l\(number % 2 == 0 ? "" : "\r\n")")
            bad.append(slow)
            let body = try HTTPConnection(server.socket, timeout: 1)
            try body.write("POST \(Self.path) HTTP/1.1\r\nhost: l\r\ncontent-length: 500\r\n\r\n{")
            bad.append(body)
        }
        for _ in 0..<200 {
            let deaf = try HTTPConnection(server.socket, timeout: 1)
            let scan = deaf.request(
                "POST",
                "/v1/collections/lectures/records/scan",
                #"{"limit":1000,"include":["vector","payload"]}"#
            )
            try deaf.write(scan + scan)
            bad.append(deaf)
        }
        let start = ContinuousClock.now
        // A byte a second does not help them.
        slow.withLock { $0 = bad.prefix(1_000).map(\.descriptor) }
        let during = good.run(rate: rate, seconds: 32)
        let elapsed = ContinuousClock.now - start
        isOver.withLock { $0 = true }
        group.wait()
        // Those whose scans came last began to be deaf last.
        var metrics = try HTTPConnection(server.socket).get("/metrics").text
        while !metrics.contains("{reason=\"not_reading\"} 200\n"),
            ContinuousClock.now - start < .seconds(60)
        {
            Thread.sleep(forTimeInterval: 0.2)
            metrics = try HTTPConnection(server.socket).get("/metrics").text
        }
        print(
            "bad clients: good p99 \(before.percentile(0.99)) ms before, "
                + "\(during.percentile(0.99)) ms with them, at \(Int(rate))/s; after \(elapsed): "
                + metrics.split(separator: "\n").filter { $0.contains("cut_total{") }
                .joined(separator: ", ")
        )
        for (reason, count) in [("slow_header", 500), ("slow_body", 500), ("not_reading", 200)] {
            let line = "vs_http_connections_cut_total{reason=\"\(reason)\"} \(count)\n"
            #expect(metrics.contains(line), "\(line)")
        }
        #expect(Array(during.milliseconds.keys) == [200] && during.closed == 0)
        #expect(during.percentile(0.99) <= 1.5 * before.percentile(0.99) + 0.5)
        withExtendedLifetime(bad) {}
        for sink in sinks { close(sink) }
    }

    /// Sockets that take some bytes and answer nothing, each an end of a pair whose other end is closed with the process.
    private static func sinks(_ count: Int) -> [Int32] {
        (0..<count).map { _ in
            var pair: [Int32] = [0, 0]
            socketpair(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0, &pair)
            return pair[0]
        }
    }
}
