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
    ///
    /// Calls that failed are slower than every other: with 2 % of failures there is no 99th percentile.
    ///
    /// - Parameter failures: Calls that were not recorded because they failed.
    /// - Returns: Nil when there was no call, or when the percentile is that of a failed one.
    package func microseconds(percentile: Double, failures: Int = 0) -> Double? {
        let count = Double(histogram.totalCount)
        guard count > 0 else { return nil }
        guard failures > 0 else {
            return Double(histogram.valueAtPercentile(percentile)) / 1_000
        }
        // Nearest rank among all; the small number is for products that come out a little too large.
        let rank = max(1, (percentile * (count + Double(failures)) / 100 - 1e-9).rounded(.up))
        guard rank <= count else { return nil }
        return Double(histogram.valueAtPercentile(min(100, rank / count * 100))) / 1_000
    }

    /// The smallest one, in microseconds; nil without any.
    package var leastMicroseconds: Double? {
        histogram.totalCount > 0 ? Double(histogram.min) / 1_000 : nil
    }

    /// The mean, in microseconds; nil without any.
    package var meanMicroseconds: Double? {
        histogram.totalCount > 0 ? histogram.mean / 1_000 : nil
    }

    /// How many calls took how many microseconds, by rising time: all that the histogram knows.
    package var buckets: [(microseconds: Double, count: UInt64)] {
        histogram.recordedValues().map { (Double($0.value) / 1_000, UInt64($0.count)) }
    }
}
