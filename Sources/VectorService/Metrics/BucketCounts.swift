/// How many values fell below each of a few bounds.
struct BucketCounts: Sendable, Equatable {
    /// Upper bounds, ascending.
    let bounds: [Double]
    /// The values up to each bound and above the one before; the last is above all bounds.
    private(set) var counts: [UInt64]
    /// All values together.
    private(set) var sum = 0.0

    init(_ bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    init(bounds: [Double], counts: [UInt64], sum: Double) {
        self.bounds = bounds
        self.counts = counts
        self.sum = sum
    }

    mutating func add(_ value: Double) {
        // A dozen bounds: counting up is as quick as halving.
        let place = bounds.firstIndex { value <= $0 } ?? bounds.count
        counts[place] += 1
        sum += value
    }

    /// Seconds of a search, from 0.1 ms to 1 s.
    static let searchSeconds = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
    ]
    /// Seconds of a request, from 1 ms to 30 s.
    static let requestSeconds = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    ]
    /// Rows.
    static let rows: [Double] = [0, 10, 100, 1_000, 10_000, 100_000, 1_000_000]
    /// Matches.
    static let matches: [Double] = [0, 1, 5, 10, 50, 100, 1_000, 10_000]
}
