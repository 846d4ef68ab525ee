import Logging
import PostgresSupport
import Testing

@testable import VectorService

@Suite struct `What is told of requests` {
    @Test func `a histogram counts up to each bound, and labels are escaped`() {
        var text = PrometheusText()
        var counts = BucketCounts([0.1, 1])
        for value in [0.05, 0.1, 0.5, 7] { counts.add(value) }
        text.metric("x_seconds", "histogram", "Help.")
        text.histogram("x_seconds", [("route", "a\"b\\c\nd")], counts)
        #expect(
            text.text == #"""
                # HELP x_seconds Help.
                # TYPE x_seconds histogram
                x_seconds_bucket{route="a\"b\\c\nd",le="0.1"} 2
                x_seconds_bucket{route="a\"b\\c\nd",le="1"} 3
                x_seconds_bucket{route="a\"b\\c\nd",le="+Inf"} 4
                x_seconds_sum{route="a\"b\\c\nd"} 7.65
                x_seconds_count{route="a\"b\\c\nd"} 4

                """#
        )
    }

    @Test func `a method nobody knows makes no series of its own`() {
        let metrics = ServiceMetrics()
        metrics.refused(method: "BREW", status: 405)
        metrics.refused(method: "TEA", status: 405)
        #expect(metrics.current.requests.entries.count == 1)
    }

    @Test func `connections beyond the limit are told apart from those that stay`() {
        let metrics = ServiceMetrics()
        #expect(metrics.opened(limit: 1))
        #expect(!metrics.opened(limit: 1))
        metrics.closed()
        #expect(metrics.opened(limit: 1))
        #expect(metrics.current.openConnections == 1)
        #expect(metrics.current.closedConnections == ["too_many": 1])
    }

    @Test func `the process knows its own memory, descriptors and age`() {
        let process = ProcessStatistics()
        #expect(process.residentByteCount > 1_000_000)
        #expect(process.descriptorCount >= 3 && process.descriptorLimit >= process.descriptorCount)
        #expect(process.processorSeconds > 0 && process.startSeconds > 1_600_000_000)
    }

    @Test func `a message is one line of JSON with its values typed`() throws {
        let lines = Locked<[[UInt8]]>([])
        var logger = Logger(label: "test") { label in
            JSONLogHandler(label: label, level: .info) { line in lines.withLock { $0.append(line) }
            }
        }
        logger[metadataKey: "request_id"] = "r1"
        logger.debug("not logged")
        logger.warning(
            "slow \"query\"\n",
            metadata: [
                "took_ms": .stringConvertible(1.5), "k": .stringConvertible(5),
                "flag": .stringConvertible(true), "list": ["a", "b"], "msg": "taken",
            ]
        )
        let all = lines.withLock { $0 }
        let line = try #require(all.first)
        #expect(all.count == 1 && line.last == 0x0A && line.count { $0 == 0x0A } == 1)
        let node = try JSONScanner.parse(Array(line.dropLast()), vectorKey: nil)
        #expect(node["msg"]?.text == "slow \"query\"\n")
        #expect(node["level"]?.text == "warning" && node["request_id"]?.text == "r1")
        #expect(node["took_ms"]?.number == 1.5 && node["k"]?.integer == 5)
        #expect(node["flag"]?.value == .bool(true) && node["list"]?.elements?.count == 2)
        let time = try #require(node["ts"]?.text)
        #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(time)")
    }

    @Test func `a trace goes on with a part of our own`() throws {
        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let trace = try #require(TraceContext(header))
        #expect(trace.traceID == "4bf92f3577b34da6a3ce929d0e0e4736" && trace.isSampled)
        let child = try #require(TraceContext(trace.child()))
        #expect(child.traceID == trace.traceID && child.parentID != trace.parentID)
    }

    @Test(arguments: [
        nil, "", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
    ])
    func `what is no trace is none`(header: String?) {
        #expect(TraceContext(header) == nil)
    }

    @Test func `a partition has one name in the log of a store, and another in another's`() {
        let name = PartitionHash.text(of: ["ada"], store: "s1")
        #expect(name == PartitionHash.text(of: ["ada"], store: "s1"))
        #expect(name != PartitionHash.text(of: ["ada"], store: "s2"))
        #expect(name != PartitionHash.text(of: ["bob"], store: "s1") && !name.contains("ada"))
    }
}
