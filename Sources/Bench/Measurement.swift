import Dispatch
import Evaluation
import Synchronization
import VectorStore

/// Runs queries against a collection and judges the answers.
final class Measurement: Sendable {
    let dimension: Int
    private let queries: [[Float]]
    private let partitions: [String]?
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
        var rowsScanned: Double
        var lists: Double
    }

    init(
        queries: VectorFileReader,
        truth: TruthFile,
        k: Int,
        limit: Int?,
        partitions: [UInt16]?
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
        self.partitions = partitions.map { $0.prefix(count).map { String($0) } }
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
        threads: Int,
        runs: Int
    ) throws -> Point {
        let prepared = queries.indices.map { query($0, target) }
        var latencies = Latencies()
        var results = try pass(collection, prepared, threads: threads).results  // Warm-up.
        var rates: [Double] = []
        for _ in 0..<runs {
            let run = try pass(collection, prepared, threads: threads)
            rates.append(Double(prepared.count) / run.seconds)
            for value in run.nanoseconds { latencies.record(nanoseconds: value) }
            results = run.results
        }
        rates.sort()
        var point = judge(results, target: target)
        point.queriesPerSecond = rates[rates.count / 2]
        point.spread = (rates[rates.count - 1] - rates[0]) / point.queriesPerSecond
        if threads == 1 {
            let rates = try (0..<runs).map { _ in try batchRate(collection, prepared) }.sorted()
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
            partition: partitions?[index],
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
        threads: Int
    ) throws -> Pass {
        let start = ContinuousClock.now
        if threads == 1 {
            var results: [SearchResult] = []
            var nanoseconds: [UInt64] = []
            results.reserveCapacity(prepared.count)
            nanoseconds.reserveCapacity(prepared.count)
            for query in prepared {
                let before = DispatchTime.now().uptimeNanoseconds
                results.append(try collection.search(query))
                nanoseconds.append(DispatchTime.now().uptimeNanoseconds - before)
            }
            return Pass(results: results, nanoseconds: nanoseconds, seconds: elapsed(since: start))
        }
        let collected = Mutex<[(Int, SearchResult, UInt64)]>([])
        let failure = Mutex<VectorStoreError?>(nil)
        DispatchQueue.concurrentPerform(iterations: threads) { worker in
            var own: [(Int, SearchResult, UInt64)] = []
            do throws(VectorStoreError) {
                for index in stride(from: worker, to: prepared.count, by: threads) {
                    let before = DispatchTime.now().uptimeNanoseconds
                    let result = try collection.search(prepared[index])
                    own.append((index, result, DispatchTime.now().uptimeNanoseconds - before))
                }
            } catch {
                failure.withLock { $0 = error }
            }
            collected.withLock { $0 += own }
        }
        let seconds = elapsed(since: start)
        if let error = failure.withLock({ $0 }) { throw error }
        let ordered = collected.withLock { $0.sorted { $0.0 < $1.0 } }
        return Pass(
            results: ordered.map(\.1),
            nanoseconds: ordered.map(\.2),
            seconds: seconds
        )
    }

    private func batchRate(
        _ collection: VectorCollection,
        _ prepared: [SearchQuery]
    ) throws -> Double {
        let start = ContinuousClock.now
        _ = try collection.search(prepared)
        return Double(prepared.count) / elapsed(since: start)
    }

    private func judge(_ results: [SearchResult], target: RecallCommand.Target) -> Point {
        let depths = Self.depths(k)
        var sums = [Double](repeating: 0, count: depths.count)
        var (rows, lists) = (0.0, 0.0)
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
            rows += Double(result.statistics.rowsScanned)
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
            lists: lists / count
        )
    }
}
