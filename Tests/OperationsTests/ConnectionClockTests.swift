import Testing

@testable import VectorService

@Suite struct `Connection clock` {
    private func clock() -> ConnectionClock { ConnectionClock(limits: HTTPLimits(), now: .zero) }

    @Test func `a silent connection is closed after the idle time`() {
        let clock = clock()
        #expect(clock.verdict(now: .seconds(59)) == nil)
        #expect(clock.verdict(now: .seconds(60)) == .idle)
        #expect(clock.nextCheck == .seconds(60))
    }

    @Test func `a trickle of header bytes moves nothing`() {
        var clock = clock()
        for second in 1...20 { clock.received(now: .seconds(second)) }
        #expect(clock.verdict(now: .seconds(10)) == nil)
        #expect(clock.verdict(now: .seconds(11)) == .slowHeader)
    }

    @Test func `a body has its time and a second for each announced megabyte`() {
        var clock = clock()
        clock.received(now: .zero)
        clock.head(bodyByteCount: 4 << 20, now: .seconds(1))
        clock.received(now: .seconds(20))
        #expect(clock.verdict(now: .seconds(24)) == nil)
        #expect(clock.verdict(now: .seconds(25)) == .slowBody)
    }

    @Test func `while the server works nothing ends, and afterwards the idle time begins anew`() {
        var clock = clock()
        clock.received(now: .zero)
        clock.head(bodyByteCount: nil, now: .zero)
        clock.requestEnded()
        #expect(clock.verdict(now: .seconds(3_600)) == nil && clock.nextCheck == nil)
        clock.answerEnded(now: .seconds(100))
        #expect(clock.verdict(now: .seconds(159)) == nil)
        #expect(clock.verdict(now: .seconds(160)) == .idle)
    }

    @Test func `the beginning of a further request has the header time once the server is free`() {
        var clock = clock()
        clock.received(now: .zero)
        clock.head(bodyByteCount: nil, now: .zero)
        clock.requestEnded()
        clock.received(now: .seconds(1))
        clock.answerEnded(now: .seconds(5))
        #expect(clock.verdict(now: .seconds(14)) == nil)
        #expect(clock.verdict(now: .seconds(15)) == .slowHeader)
    }

    @Test func `pipelined requests are open until the last is answered`() {
        var clock = clock()
        clock.received(now: .zero)
        for _ in 0..<2 {
            clock.head(bodyByteCount: nil, now: .zero)
            clock.requestEnded()
        }
        clock.answerEnded(now: .seconds(1))
        #expect(clock.nextCheck == nil)
        clock.answerEnded(now: .seconds(2))
        #expect(clock.nextCheck == .seconds(62))
    }

    @Test func `a head that is read by somebody else after all is counted once`() {
        var clock = clock()
        clock.received(now: .zero)
        clock.head(bodyByteCount: 100, now: .seconds(1))
        clock.headReturned(now: .seconds(2))
        #expect(clock.verdict(now: .seconds(12)) == .slowHeader)
        clock.head(bodyByteCount: 100, now: .seconds(2))
        clock.requestEnded()
        clock.answerEnded(now: .seconds(3))
        #expect(clock.nextCheck == .seconds(63))
    }

    @Test func `an answer before the end of its request leaves the body its time`() {
        var clock = clock()
        clock.received(now: .zero)
        clock.head(bodyByteCount: 100, now: .zero)
        clock.answerEnded(now: .seconds(1))
        #expect(clock.verdict(now: .seconds(20)) == .slowBody)
    }

    @Test func `a client that takes next to nothing is cut, and one that takes enough is not`() {
        var clock = clock()
        clock.received(now: .zero)
        clock.head(bodyByteCount: nil, now: .zero)
        clock.requestEnded()
        clock.unsent(100_000, now: .seconds(1))
        clock.unsent(100_000, now: .seconds(15))
        #expect(clock.verdict(now: .seconds(20)) == nil)
        #expect(clock.verdict(now: .seconds(21)) == .notReading)
        // A byte now and then is nothing, 8 KiB are something, all at once or not.
        for second in 16..<20 { clock.unsent(100_000 - second, now: .seconds(second)) }
        #expect(clock.verdict(now: .seconds(21)) == .notReading)
        clock.unsent(100_000 - 8_192, now: .seconds(20))
        #expect(clock.verdict(now: .seconds(39)) == nil)
        #expect(clock.verdict(now: .seconds(40)) == .notReading)
        // What is written meanwhile is not taken.
        clock.unsent(150_000, now: .seconds(30))
        clock.unsent(149_000, now: .seconds(31))
        #expect(clock.verdict(now: .seconds(40)) == .notReading)
        clock.unsent(141_000, now: .seconds(39))
        #expect(clock.verdict(now: .seconds(58)) == nil)
        #expect(clock.verdict(now: .seconds(59)) == .notReading)
        clock.unsent(0, now: .seconds(58))
        #expect(clock.verdict(now: .seconds(59)) == nil)
    }
}
