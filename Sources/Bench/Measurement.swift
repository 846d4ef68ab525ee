import Dispatch
import Evaluation
import Synchronization
import VectorStore

/// Runs queries against a collection and judges the answers.
final class Measurement: Sendable {
    let dimension: Int
    private let queries: [[Float]]
    private let partitions: [UInt16]?
    private let deciles: PartitionDeciles?
    private let truth: TruthFile
    private let k: Int
    private let short = Mutex(0)
    private let matchCounts = Mutex((Int.max, 0))

    /// One point of a sweep.
    struct Point {
        var label: String
        var parameters: [String: Double]
        /// Recall at 1, 10 and 100 as far as k allows, and at k, by rising depth.
        var recalls: [(depth: Int, recall: Double)]
        var queriesPerSecond: Double
        /// (fastest − slowest) / median of the runs.
        var spread: Double
        var batchQueriesPerSecond: Double?
        var p50: Double
        var p95: Double
        var p99: Double
        /// Rows whose exact distance was computed, and codes looked at to find them, a query.
        var rowsScanned: Double
        var codesScanned: Double
        var lists: Double
        /// Page faults a query, of the measured runs.
        var minorFaults: Double
        var majorFaults: Double
        /// By the size of the queries' partitions, if they have some.
        var deciles: [PartitionDeciles.Score]
    }

    /// How the queries are asked.
    struct Load {
        var threads: Int
        var runs: Int
        /// Queries in one call of the batch figure; all by default.
        var batch: Int?
        /// The directory whose pages are dropped before each call, to measure cold.
        var coldDirectory: String?
    }

    init(
        queries: VectorFileReader,
        truth: TruthFile,
        k: Int,
        limit: Int?,
        partitions: [UInt16]?,
        basePartitions: [UInt16]? = nil
    ) throws {
        guard truth.queryCount == queries.count else {
            throw BenchError(
                "\(queries.count) queries, but the truth is for \(truth.queryCount)"
            )
        }
        guard truth.k >= k else {
            throw BenchError("the truth has \(truth.k) neighbours a query, k is \(k)")
        }
        let count = min(limit ?? queries.count, queries.count)
        let floats = try queries.readAll()
        let dimension = queries.dimension
        self.dimension = dimension
        self.queries = (0..<count).map { Array(floats[$0 * dimension..<($0 + 1) * dimension]) }
        self.partitions = partitions.map { Array($0.prefix(count)) }
        deciles = partitions == nil ? nil : basePartitions.map(PartitionDeciles.init)
        self.truth = truth
        self.k = k
    }

    /// The queries of one pass.
    var queryCount: Int { queries.count }

    /// Answers with fewer matches than the truth has rows, in all runs so far.
    var shortAnswers: Int { short.withLock { $0 } }

    /// The fewest and the most matches of an answer so far.
    var matchRange: ClosedRange<Int> {
        matchCounts.withLock { min($0.0, $0.1)...$0.1 }
    }

    func run(
        _ collection: VectorCollection,
        target: RecallCommand.Target,
        load: Load
    ) throws -> Point {
        let prepared = queries.indices.map { query($0, target) }
        var latencies = Latencies()
        var last = try pass(collection, prepared, load)  // Warm-up.
        var rates: [Double] = []
        let before = PageCache.faults
        for _ in 0..<load.runs {
            last = try pass(collection, prepared, load)
            rates.append(Double(prepared.count) / last.seconds)
            for value in last.nanoseconds { latencies.record(nanoseconds: value) }
        }
        let faults = PageCache.faults - before
        if load.coldDirectory != nil, faults.major == 0 {
            throw BenchError(
                "no search waited for the disk: the pages of the store could not be dropped here"
            )
        }
        rates.sort()
        var point = judge(last, target: target)
        point.queriesPerSecond = rates[rates.count / 2]
        point.spread = (rates[rates.count - 1] - rates[0]) / point.queriesPerSecond
        point.minorFaults = Double(faults.minor) / Double(prepared.count * load.runs)
        point.majorFaults = Double(faults.major) / Double(prepared.count * load.runs)
        if load.batch != nil || load.threads == 1 {
            let rates = try (0..<load.runs).map { _ in try batchRate(collection, prepared, load) }
                .sorted()
            point.batchQueriesPerSecond = rates[rates.count / 2]
        }
        point.p50 = latencies.microseconds(percentile: 50)
        point.p95 = latencies.microseconds(percentile: 95)
        point.p99 = latencies.microseconds(percentile: 99)
        return point
    }

    private func query(_ index: Int, _ target: RecallCommand.Target) -> SearchQuery {
        var query = SearchQuery(
            vector: queries[index],
            k: k,
            partition: partitions.map { String($0[index]) },
            include: []
        )
        switch target {
        case .recall(let recall): query.recallTarget = recall
        case .lists(let lists): query.nprobe = lists
        }
        return query
    }

    /// The depths at which recall is told.
    static func depths(_ k: Int) -> [Int] {
        Set([1, 10, 100, k].filter { $0 <= k }).sorted()
    }

    private struct Pass {
        var results: [SearchResult]
        var nanoseconds: [UInt64]
        var seconds: Double
    }

    private func pass(
        _ collection: VectorCollection,
        _ prepared: [SearchQuery],
        _ load: Load
    ) throws -> Pass {
        let collected = Mutex<[(Int, SearchResult, UInt64)]>([])
        let seconds = try spread(prepared.count, load) { (indices) throws in
            var own: [(Int, SearchResult, UInt64)] = []
            own.reserveCapacity(prepared.count / load.threads + 1)
            var dropSeconds = 0.0
            for index in indices {
                dropSeconds += try drop(load)
                let before = DispatchTime.now().uptimeNanoseconds
                let result = try collection.search(prepared[index])
                own.append((index, result, DispatchTime.now().uptimeNanoseconds - before))
            }
            collected.withLock { $0 += own }
            return dropSeconds
        }
        let ordered = collected.withLock { $0.sorted { $0.0 < $1.0 } }
        return Pass(
            results: ordered.map(\.1),
            nanoseconds: ordered.map(\.2),
            seconds: seconds
        )
    }

    private func batchRate(
        _ collection: VectorCollection,
        _ prepared: [SearchQuery],
        _ load: Load
    ) throws -> Double {
        let size = load.batch ?? prepared.count
        let seconds = try spread((prepared.count + size - 1) / size, load) { (batches) throws in
            var dropSeconds = 0.0
            for batch in batches {
                dropSeconds += try drop(load)
                let range = batch * size..<min(prepared.count, (batch + 1) * size)
                _ = try collection.search(Array(prepared[range]))
            }
            return dropSeconds
        }
        return Double(prepared.count) / seconds
    }

    /// Drops the store's pages when it is measured cold; the seconds that took.
    private func drop(_ load: Load) throws -> Double {
        guard let directory = load.coldDirectory else { return 0 }
        let start = ContinuousClock.now
        try PageCache.drop(directory)
        return elapsed(since: start)
    }

    /// Gives each thread its share of 0 ..< `count`; `body` returns the seconds that do not count.
    ///
    /// - Returns: The seconds of the whole that count; a cold run has one thread.
    private func spread(
        _ count: Int,
        _ load: Load,
        _ body: @Sendable (StrideTo<Int>) throws -> Double
    ) throws -> Double {
        let start = ContinuousClock.now
        if load.threads == 1 {
            let uncounted = try body(stride(from: 0, to: count, by: 1))
            return elapsed(since: start) - uncounted
        }
        let failure = Mutex<(any Error)?>(nil)
        DispatchQueue.concurrentPerform(iterations: load.threads) { worker in
            do {
                _ = try body(stride(from: worker, to: count, by: load.threads))
            } catch {
                failure.withLock { $0 = error }
            }
        }
        let seconds = elapsed(since: start)
        if let error = failure.withLock({ $0 }) { throw error }
        return seconds
    }

    private func judge(_ pass: Pass, target: RecallCommand.Target) -> Point {
        let results = pass.results
        let depths = Self.depths(k)
        var sums = [Double](repeating: 0, count: depths.count)
        var (rows, codes, lists) = (0.0, 0.0, 0.0)
        var recalls: [Double] = []
        for (index, result) in results.enumerated() {
            let found = result.matches.map { match in
                if case .integer(let row) = match.id { Int(row) } else { -1 }
            }
            let expected = truth[index]
            matchCounts.withLock {
                $0.0 = min($0.0, found.count); $0.1 = max($0.1, found.count)
            }
            if found.count < min(k, expected.count) { short.withLock { $0 += 1 } }
            for (place, depth) in depths.enumerated() {
                sums[place] += Recall.at(depth, found: found, truth: expected)
            }
            recalls.append(Recall.at(k, found: found, truth: expected))
            rows += Double(result.statistics.rowsScanned)
            codes += Double(result.statistics.codesScanned)
            lists += Double(result.statistics.nprobe)
        }
        let count = Double(results.count)
        let (label, parameters): (String, [String: Double]) =
            switch target {
            case .recall(let value): ("\(value)", ["recall_target": value])
            case .lists(let value): ("nprobe \(value)", ["nprobe": Double(value)])
            }
        return Point(
            label: label,
            parameters: parameters,
            recalls: zip(depths, sums).map { ($0, $1 / count) },
            queriesPerSecond: 0,
            spread: 0,
            p50: 0,
            p95: 0,
            p99: 0,
            rowsScanned: rows / count,
            codesScanned: codes / count,
            lists: lists / count,
            minorFaults: 0,
            majorFaults: 0,
            deciles: partitions.flatMap { partitions in
                deciles?.scores(
                    partitions: partitions,
                    recalls: recalls,
                    nanoseconds: pass.nanoseconds
                )
            } ?? []
        )
    }
}
