import Testing

@testable import Evaluation

@Suite struct `The clock of an open loop` {
    @Test func `constant arrivals have equal gaps`() {
        var clock = ArrivalClock(rate: 1_000, spacing: .constant, seed: 1)
        #expect((0..<4).map { _ in clock.next() } == [1_000_000, 2_000_000, 3_000_000, 4_000_000])
    }

    @Test(arguments: [1, 7, 1_234] as [UInt64])
    func `poisson arrivals have the rate and the spread of an exponential`(seed: UInt64) {
        var clock = ArrivalClock(rate: 500, spacing: .poisson, seed: seed)
        var last: UInt64 = 0
        var gaps: [Double] = []
        for _ in 0..<20_000 {
            let time = clock.next()
            #expect(time >= last)
            gaps.append(Double(time - last) / 1e6)
            last = time
        }
        let mean = gaps.reduce(0, +) / Double(gaps.count)
        let variance = gaps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(gaps.count)
        #expect(abs(mean - 2) < 0.1, "seed \(seed)")
        #expect(abs(variance.squareRoot() - mean) < 0.15, "seed \(seed)")
    }

    @Test func `the same seed gives the same times`() {
        var one = ArrivalClock(rate: 10, spacing: .poisson, seed: 3)
        var same = ArrivalClock(rate: 10, spacing: .poisson, seed: 3)
        var other = ArrivalClock(rate: 10, spacing: .poisson, seed: 4)
        let times = (0..<50).map { _ in one.next() }
        #expect(times == (0..<50).map { _ in same.next() })
        #expect(times != (0..<50).map { _ in other.next() })
    }

    @Test func `a ramp of ten seconds sends half as many requests as ten seconds at the rate`() {
        var clock = ArrivalClock(rate: 100, spacing: .constant, rampSeconds: 10, seed: 1)
        let times = (0..<1_000).map { _ in Double(clock.next()) / 1e9 }
        #expect(times.count { $0 <= 10.000_001 } == 500)
        #expect(times.count { $0 <= 5.000_001 } == 125)
        #expect(abs(times[599] - 11) < 0.001)
    }

    /// A server that answers one request at a time: in 1 ms, but one of them only after 1 s.
    ///
    /// The requests come 5 ms apart. While the server is stuck, 199 more are due; a client that waits
    /// for the answer sends none of them and sees one slow request in 1,000.
    @Test func `the wait behind a slow answer is counted, which a closed loop leaves out`() throws {
        func service(_ request: Int) -> UInt64 { request == 300 ? 1_000_000_000 : 1_000_000 }
        var clock = ArrivalClock(rate: 200, spacing: .constant, seed: 1)
        var open = Latencies()
        var closed = Latencies()
        var serverIsFree: UInt64 = 0
        for request in 0..<1_000 {
            let intended = clock.next()
            serverIsFree = max(serverIsFree, intended) + service(request)
            open.record(nanoseconds: serverIsFree - intended)
            closed.record(nanoseconds: service(request))
        }
        #expect(try #require(closed.microseconds(percentile: 99)) < 1_100)
        #expect(try #require(open.microseconds(percentile: 99)) > 900_000)
        #expect(try #require(open.microseconds(percentile: 90)) > 500_000)
        #expect(try #require(open.microseconds(percentile: 50)) < 1_100)
    }
}
