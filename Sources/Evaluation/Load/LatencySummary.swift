/// The percentiles of some latencies, in milliseconds.
///
/// A request that failed counts as slower than every answer; a percentile that falls on one, or of
/// nothing, is nil and left out of the file. The mean and the least are those of the answers.
package struct LatencySummary: Encodable, Sendable, Equatable {
    package var count: UInt64
    package var min: Double?
    package var mean: Double?
    package var p50: Double?
    package var p75: Double?
    package var p90: Double?
    package var p95: Double?
    package var p98: Double?
    package var p99: Double?
    package var p999: Double?
    package var p9999: Double?
    package var max: Double?

    /// - Parameter failures: Requests without a good answer.
    package init(_ latencies: Latencies, failures: Int = 0) {
        func milliseconds(_ microseconds: Double?) -> Double? {
            microseconds.map { $0.rounded() / 1_000 }
        }
        func value(_ percentile: Double) -> Double? {
            milliseconds(latencies.microseconds(percentile: percentile, failures: failures))
        }
        count = latencies.count
        min = milliseconds(latencies.leastMicroseconds)
        mean = milliseconds(latencies.meanMicroseconds)
        (p50, p75, p90, p95) = (value(50), value(75), value(90), value(95))
        (p98, p99, p999) = (value(98), value(99), value(99.9))
        (p9999, max) = (value(99.99), value(100))
    }
}
