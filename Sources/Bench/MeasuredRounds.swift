import Evaluation

/// What the rounds of one point took, with and without the yardstick.
struct MeasuredRounds {
    /// Rates and the yardstick's beside them, one pair a round.
    private struct Rates {
        var values: [Double] = []
        var relative: [Double] = []

        var spread: Double {
            let sorted = values.sorted()
            guard let low = sorted.first, let high = sorted.last else { return 0 }
            return (high - low) / Percentile.median(of: sorted)
        }
    }

    private let queryCount: Int
    private var one = Rates()
    private var batch = Rates()
    private var speeds: [Double] = []
    private var latencies = Latencies()
    /// Nanoseconds of each query in the passes of this round.
    private var passes: [[UInt64]] = []
    /// Scans that each query took, `[queryCount]` of them in each pass so far.
    private var scans: [[Float]] = []

    /// - Parameter queryCount: The queries of one pass.
    init(queryCount: Int) {
        self.queryCount = queryCount
    }

    /// Rounds so far.
    var count: Int { one.values.count }

    /// Takes the latencies of one pass, in the order of the queries.
    mutating func add(_ nanoseconds: [UInt64]) {
        for value in nanoseconds { latencies.record(nanoseconds: value) }
        passes.append(nanoseconds)
    }

    /// Ends the one-by-one part of a round; `speeds` are the yardstick's before and after it.
    mutating func end(_ time: TimeTaken, passes count: Int, speeds ends: (Double?, Double?)) {
        let queries = Double(queryCount * count)
        one.values.append(queries / time.seconds)
        if let before = ends.0, let after = ends.1 {
            let speed = (before + after) / 2
            speeds.append(speed)
            one.relative.append(queries / time.processorSeconds / speed)
            for pass in passes {
                scans.append(pass.map { Float(Double($0) * 1e-9 * speed) })
            }
        }
        passes = []
    }

    /// Ends the batch part of a round.
    mutating func endBatch(_ time: TimeTaken, passes count: Int, speeds ends: (Double?, Double?)) {
        let queries = Double(queryCount * count)
        batch.values.append(queries / time.seconds)
        if let before = ends.0, let after = ends.1 {
            batch.relative.append(queries / time.processorSeconds / ((before + after) / 2))
        }
    }

    /// Writes the figures of all rounds into a point.
    func fill(_ point: inout Measurement.Point) {
        point.rounds = count
        point.queriesPerSecond = Percentile.median(of: one.values)
        point.spread = one.spread
        if !batch.values.isEmpty {
            point.batchQueriesPerSecond = Percentile.median(of: batch.values)
        }
        point.p50 = latencies.microseconds(percentile: 50) ?? 0
        point.p95 = latencies.microseconds(percentile: 95) ?? 0
        point.p99 = latencies.microseconds(percentile: 99) ?? 0
        guard !speeds.isEmpty else { return }
        let typical = (0..<queryCount).map { query in
            Percentile.median(of: scans.map { Double($0[query]) })
        }
        point.relative = Measurement.Relative(
            yardstick: Percentile.median(of: speeds),
            queriesPerScan: Percentile.median(of: one.relative),
            batchQueriesPerScan: batch.relative.isEmpty
                ? nil : Percentile.median(of: batch.relative),
            p50: Percentile.nearestRank(50, of: typical),
            p95: Percentile.nearestRank(95, of: typical),
            p99: Percentile.nearestRank(99, of: typical)
        )
    }
}
