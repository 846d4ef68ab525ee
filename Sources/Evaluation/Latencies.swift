import Histogram

/// Latencies of calls, in nanoseconds, with percentiles to three digits.
package struct Latencies {
    private var histogram = Histogram<UInt64>(
        highestTrackableValue: 3_600_000_000_000,
        numberOfSignificantValueDigits: .three
    )

    package init() {}

    package mutating func record(nanoseconds: UInt64) {
        histogram.record(min(nanoseconds, 3_600_000_000_000))
    }

    package var count: UInt64 { histogram.totalCount }

    /// The value that `percentile` percent of the calls did not exceed, in microseconds.
    package func microseconds(percentile: Double) -> Double {
        guard histogram.totalCount > 0 else { return 0 }
        return Double(histogram.valueAtPercentile(percentile)) / 1_000
    }

    /// The smallest one, in microseconds.
    package var leastMicroseconds: Double {
        histogram.totalCount > 0 ? Double(histogram.min) / 1_000 : 0
    }

    /// The mean, in microseconds.
    package var meanMicroseconds: Double {
        histogram.totalCount > 0 ? histogram.mean / 1_000 : 0
    }

    /// How many calls took how many microseconds, by rising time: all that the histogram knows.
    package var buckets: [(microseconds: Double, count: UInt64)] {
        histogram.recordedValues().map { (Double($0.value) / 1_000, UInt64($0.count)) }
    }
}
