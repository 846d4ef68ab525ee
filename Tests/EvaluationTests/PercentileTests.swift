import Testing

@testable import Evaluation

@Suite struct `Percentiles of a few values` {
    @Test func `the nearest rank is a value, never between two`() {
        let values = [40.0, 10, 30, 20]
        #expect(Percentile.nearestRank(0, of: values) == 10)
        #expect(Percentile.nearestRank(25, of: values) == 10)
        #expect(Percentile.nearestRank(25.1, of: values) == 20)
        #expect(Percentile.nearestRank(50, of: values) == 20)
        #expect(Percentile.nearestRank(75.1, of: values) == 40)
        #expect(Percentile.nearestRank(100, of: values) == 40)
        #expect(Percentile.nearestRank(99, of: [7]) == 7)
    }

    @Test(arguments: [(100, 99.0, 99.0), (1_000, 99, 990), (1_000, 99.9, 999), (200, 99.5, 199)])
    func `of the numbers 1 to n it is the number of them that it covers`(
        count: Int,
        percentile: Double,
        expected: Double
    ) {
        let values = (1...count).map(Double.init).reversed()
        #expect(Percentile.nearestRank(percentile, of: Array(values)) == expected)
    }

    @Test func `a median of an even number of values is the mean of the middle two`() {
        #expect(Percentile.median(of: [9, 1, 5]) == 5)
        #expect(Percentile.median(of: [1, 2, 10, 4]) == 3)
        #expect(Percentile.median(of: [3]) == 3)
    }

    @Test func `a summary has the smallest, the mean and the largest beside the percentiles`()
        throws
    {
        var latencies = Latencies()
        for milliseconds in 1...1_000 as ClosedRange<UInt64> {
            latencies.record(nanoseconds: milliseconds * 1_000_000)
        }
        let summary = LatencySummary(latencies)
        #expect(summary.count == 1_000)
        for (found, expected) in [
            (summary.min, 1.0), (summary.mean, 500.5), (summary.p50, 500), (summary.p75, 750),
            (summary.p90, 900), (summary.p95, 950), (summary.p98, 980), (summary.p99, 990),
            (summary.p999, 999), (summary.p9999, 1_000), (summary.max, 1_000),
        ] {
            #expect(abs(try #require(found) - expected) <= expected * 0.001, "\(expected)")
        }
        let buckets = latencies.buckets
        #expect(buckets.reduce(0) { $0 + $1.count } == 1_000)
        #expect(zip(buckets, buckets.dropFirst()).allSatisfy { $0.microseconds < $1.microseconds })
        let nothing = LatencySummary(Latencies())
        #expect(nothing.min == nil && nothing.p50 == nil && nothing.max == nil)
    }
}
