/// The percentiles of some latencies, in milliseconds.
package struct LatencySummary: Encodable, Sendable, Equatable {
    package var count: UInt64
    package var p50: Double
    package var p90: Double
    package var p95: Double
    package var p99: Double
    package var p999: Double
    package var max: Double

    package init(_ latencies: Latencies) {
        func value(_ percentile: Double) -> Double {
            (latencies.microseconds(percentile: percentile)).rounded() / 1_000
        }
        count = latencies.count
        (p50, p90, p95) = (value(50), value(90), value(95))
        (p99, p999, max) = (value(99), value(99.9), value(100))
    }
}
