import Testing

@testable import Evaluation

@Suite struct `Recall against the truth` {
    @Test func `it is the share of the true k that was found, in any order`() {
        #expect(Recall.at(4, found: [3, 1, 9, 8], truth: [1, 2, 3, 4, 9]) == 0.5)
        #expect(Recall.at(2, found: [2, 1, 5], truth: [1, 2, 5]) == 1)
        #expect(Recall.at(1, found: [2, 1], truth: [1, 2]) == 0)
    }

    @Test func `with fewer true neighbours than k it is over those`() {
        #expect(Recall.at(10, found: [1, 2], truth: [1, 2]) == 1)
        #expect(Recall.at(10, found: [1], truth: [1, 2]) == 0.5)
    }

    @Test func `where there is nothing to find nothing was found`() {
        #expect(Recall.at(10, found: [], truth: []) == nil)
        #expect(Recall.at(10, found: [7], truth: []) == nil)
        let truth = TruthFile(queryCount: 3, k: 2, rows: [1, 2, -1, -1, 3, -1])
        #expect(Recall.mean(2, found: [[1, 9], [4], [3]], truth: truth) == 0.75)
        #expect(Recall.mean(2, found: [[1, 9], [4], []], truth: truth) == 0.25)
        let nothing = TruthFile(queryCount: 1, k: 1, rows: [-1])
        #expect(Recall.mean(1, found: [[-1]], truth: nothing) == nil)
    }

    @Test func `a short answer is paid for, a repeated row counts once`() {
        #expect(Recall.at(4, found: [1], truth: [1, 2, 3, 4]) == 0.25)
        #expect(Recall.at(4, found: [1, 1, 1, 1], truth: [1, 2, 3, 4]) == 0.25)
        #expect(Recall.atWithTies(4, found: [(1, 1), (1, 1)], truth: [1, 1, 1, 1]) == 0.25)
    }

    @Test func `rows as near as the last true one count when ties do`() {
        let found = [(row: 1, similarity: 0.9), (row: 8, similarity: 0.5)]
        #expect(Recall.at(2, found: found.map(\.row), truth: [1, 2, 8]) == 0.5)
        #expect(Recall.atWithTies(2, found: found, truth: [0.9, 0.5, 0.5]) == 1)
        #expect(Recall.atWithTies(2, found: found, truth: [0.9, 0.50001]) == 0.5)
        #expect(Recall.atWithTies(2, found: found, truth: [0.9, 0.500_000_1]) == 1)
        #expect(Recall.atWithTies(5, found: found, truth: [0.9]) == 1)
        #expect(Recall.atWithTies(5, found: found, truth: []) == nil)
    }
}

@Suite struct `Latencies in percentiles` {
    @Test(arguments: [1, 2, 99, 100, 10_000])
    func `a percentile is that of a sort, to three digits`(count: Int) throws {
        let seed: UInt64 = 21
        var random = RowRandom(seed: seed, row: UInt64(count))
        var latencies = Latencies()
        var sorted: [UInt64] = []
        for _ in 0..<count {
            let value = UInt64.random(
                in: 1...(1 << UInt64.random(in: 4...34, using: &random)),
                using: &random
            )
            latencies.record(nanoseconds: value)
            sorted.append(value)
        }
        sorted.sort()
        #expect(latencies.count == UInt64(count))
        for percentile in [1, 50, 95, 99, 99.9, 100] as [Double] {
            let rank = max(1, Int((percentile / 100 * Double(count)).rounded(.up)))
            let expected = Double(sorted[rank - 1]) / 1_000
            let found = try #require(latencies.microseconds(percentile: percentile))
            #expect(
                abs(found - expected) <= expected * 0.001 + 0.001,
                "seed \(seed), \(percentile)"
            )
        }
    }

    @Test func `no calls have no latency, and a call of a day counts as an hour`() throws {
        var latencies = Latencies()
        #expect(latencies.microseconds(percentile: 99) == nil)
        latencies.record(nanoseconds: 86_400_000_000_000)
        let median = try #require(latencies.microseconds(percentile: 50))
        #expect(abs(median / 3.6e9 - 1) < 0.001)
    }

    @Test func `a call that failed is slower than every other`() throws {
        var latencies = Latencies()
        for millisecond in 1...98 as ClosedRange<UInt64> {
            latencies.record(nanoseconds: millisecond * 1_000_000)
        }
        func milliseconds(_ percentile: Double, failures: Int) throws -> Double {
            let value = latencies.microseconds(percentile: percentile, failures: failures)
            return (try #require(value) / 1_000).rounded()
        }
        #expect(try milliseconds(98, failures: 2) == 98)
        #expect(latencies.microseconds(percentile: 98.1, failures: 2) == nil)
        #expect(try milliseconds(50, failures: 2) == 50)
        #expect(try milliseconds(25, failures: 98) == 49)
        #expect(try milliseconds(100, failures: 0) == 98)
        #expect(latencies.microseconds(percentile: 100, failures: 1) == nil)
    }
}
