import Testing

@testable import Evaluation

@Suite struct `Load thresholds` {
    @Test func `measure, operation and unit are read`() throws {
        let plain = try #require(LoadThreshold("p95<3s"))
        #expect(plain.measure == .percentile(95))
        #expect(plain.bound == 3_000)
        #expect(plain.operation == nil)
        let named = try #require(LoadThreshold("my.chat.p99.9 <= 250ms"))
        #expect(named.measure == .percentile(99.9))
        #expect(named.bound == 250)
        #expect(named.operation == "my.chat")
        #expect(LoadThreshold("max<500us")?.bound == 0.5)
        #expect(LoadThreshold("errors<1%")?.bound == 0.01)
        #expect(LoadThreshold("rate>=900/s")?.bound == 900)
    }

    @Test(arguments: [
        "", "<", "p95", "p95<", "p95<3", "p95=3s", "p101<3s", "p<3s", "errors<1", "errors<x%",
        "p95<-3s", "p95<infs", "p95<1e3s", "p95<0x1s", ".p95<3s", "p95<<3s", "p95<3s<4s", "mean<3s",
    ])
    func `what is no threshold is refused`(text: String) {
        #expect(LoadThreshold(text) == nil)
    }

    @Test func `verdicts follow the percentiles and errors of the run`() throws {
        var tally = LoadTally(operations: ["chat", "idle"])
        for millisecond in 1...99 as ClosedRange<UInt64> {
            let nanoseconds = millisecond * 1_000_000
            tally.succeed("chat", nanoseconds: nanoseconds, end: nanoseconds * 20)
        }
        tally.fail("chat", kind: "timeout", end: 3_500_000_000)
        func met(_ text: String) throws -> Bool {
            try #require(LoadThreshold(text)).verdict(tally, seconds: 9.9).met
        }
        #expect(try met("p50<51ms"))
        #expect(try !met("p50<49ms"))
        #expect(try met("chat.p95<96ms"))
        #expect(try met("errors<=1%"))
        #expect(try !met("errors<1%"))
        #expect(try met("rate>9"))
        #expect(try !met("rate>11"))
        #expect(tally.timeline.map { Int($0.latencies.count) } == [49, 50, 0, 0])
        #expect(tally.timeline.map(\.errors) == [0, 0, 0, 1])
        #expect(try #require(LatencySummary(tally.total.latencies).max) >= 99)
        // The slowest of 100 requests is the one that failed.
        #expect(try met("chat.p99<100ms"))
        #expect(try !met("chat.p99.5<1000s"))
        #expect(try !met("max<1000s"))
        let all = LatencySummary(tally.total.latencies, failures: tally.total.failedRequests)
        #expect(all.p99 != nil && all.p999 == nil && all.max == nil)
        for _ in 0..<900 {
            tally.fail("connect", kind: "connect", end: 4_000_000_000, isRequest: false)
        }
        #expect(try met("p99<100ms"))
        #expect(try !met("errors<=90%"))
    }

    @Test func `a run that measured nothing meets no threshold`() throws {
        let tally = LoadTally(operations: ["chat"])
        for text in ["p95<3s", "errors<1%", "chat.p50<1s", "other.errors<100%", "rate>0"] {
            let verdict = try #require(LoadThreshold(text)).verdict(tally, seconds: 1)
            #expect(!verdict.met)
            #expect(verdict.value == nil)
        }
    }
}
