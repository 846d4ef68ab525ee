import Dispatch
import Evaluation
import Foundation
import Synchronization
import VectorStore

/// Runs queries against a collection and judges the answers.
final class Measurement: Sendable {
    let dimension: Int
    let k: Int
    private let queries: [[Float]]
    /// The queries of the file past the limit.
    private let others: [[Float]]
    private let partitions: [UInt16]?
    private let deciles: PartitionDeciles?
    private let truth: TruthFile
    private let filter: Filter?
    private let yardstick: Yardstick?
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
        /// Rows looked at by their int8 vectors, a query.
        var byteRowsScanned: Double
        /// Mean microseconds of each phase of a search, of a pass that did nothing but take them.
        var phases: [(name: String, microseconds: Double)] = []
        /// Page faults a query, of the measured runs.
        var minorFaults: Double
        var majorFaults: Double
        /// By the size of the queries' partitions, if they have some.
        var deciles: [PartitionDeciles.Score]
        /// Answers with fewer matches than the truth has rows.
        var shortAnswers = 0
        var rounds = 0
        /// The figures beside the yardstick; nil where it says nothing, as with a cold store.
        var relative: Relative?
    }

    /// Figures in processor time and units of the yardstick, each the median over the rounds.
    struct Relative {
        /// Scans in a second of processor time: what the others were divided by or multiplied with, round by round.
        var yardstick: Double
        /// Queries in the time of one scan.
        var queriesPerScan: Double
        var batchQueriesPerScan: Double?
        /// Percentiles over the queries, of each query's median over the rounds, in scans.
        var p50: Double
        var p95: Double
        var p99: Double
    }

    /// How the queries are asked.
    struct Load {
        var threads: Int
        /// The fewest rounds.
        var rounds: Int
        /// The shortest time of all rounds.
        var seconds = 1.0
        /// Queries in one call of the batch figure; all by default.
        var batch: Int?
        /// The directory whose pages are dropped before each call, to measure cold.
        var coldDirectory: String?
    }

    /// - Parameters:
    ///   - truth: The neighbours of all queries in the file, or of those up to `limit`.
    ///   - limit: Only the first queries are asked.
    ///   - partitions: The partition in which each query of the file is searched.
    ///   - basePartitions: The partition of each row, to tell recall by their size.
    ///   - filter: What the rows must match, beside the partition.
    ///   - yardstick: What tells the speed of the machine in each round.
    init(
        queries: VectorFileReader,
        truth: TruthFile,
        k: Int,
        limit: Int?,
        partitions: [UInt16]?,
        basePartitions: [UInt16]? = nil,
        filter: Filter? = nil,
        yardstick: Yardstick? = nil
    ) throws {
        let count = min(limit ?? queries.count, queries.count)
        guard truth.hasNeighbours(ofFirst: count) else { throw BenchError.noTruth }
        guard truth.queryCount == queries.count || truth.queryCount == count else {
            throw BenchError(
                "\(queries.count) queries, but the truth is for \(truth.queryCount)"
            )
        }
        guard truth.k >= k else {
            throw BenchError("the truth has \(truth.k) neighbours a query, k is \(k)")
        }
        let floats = try queries.readAll()
        let dimension = queries.dimension
        self.dimension = dimension
        let all = (0..<queries.count).map { Array(floats[$0 * dimension..<($0 + 1) * dimension]) }
        self.queries = Array(all[..<count])
        others = Array(all[count...])
        self.partitions = partitions.map { Array($0.prefix(count)) }
        deciles = partitions == nil ? nil : basePartitions.map(PartitionDeciles.init)
        self.truth = truth
        self.k = k
        self.filter = filter
        self.yardstick = yardstick
    }

    /// The queries of one pass.
    var queryCount: Int { queries.count }

    /// Answers with fewer matches than the truth has rows, in all runs so far.
    var shortAnswers: Int { short.withLock { $0 } }

    /// The fewest and the most matches of an answer so far.
    var matchRange: ClosedRange<Int> {
        matchCounts.withLock { min($0.0, $0.1)...$0.1 }
    }

    /// Asks queries that are not judged until live recall has measured so many.
    ///
    /// It rests between measurements, so that this takes about 10 ms each.
    func correct(
        _ collection: VectorCollection,
        target: RecallCommand.Target,
        by searches: Int
    ) throws {
        guard partitions == nil, others.count >= searches else {
            throw BenchError(
                "--live \(searches) needs as many queries past --query-limit, and no partitions; there "
                    + "are \(others.count)"
            )
        }
        var (next, measured) = (0, 0)
        while measured < searches {
            for _ in 0..<Self.liveInterval {
                _ = try collection.search(query(others[next % others.count], nil, target))
                next += 1
            }
            let last = ContinuousClock.now + .seconds(2)
            var count = try measuredCount(collection)
            while count == measured {
                guard ContinuousClock.now < last else {
                    throw BenchError(
                        "live recall measures nothing: no list is left out at this target, or no index "
                            + "was built"
                    )
                }
                usleep(1_000)
                count = try measuredCount(collection)
            }
            measured = count
        }
    }

    /// One search in so many is measured: a prime, so that each query has its turn.
    static let liveInterval = 61

    private func measuredCount(_ collection: VectorCollection) throws -> Int {
        try collection.statistics().liveRecall.reduce(0) { $0 + $1.sampleCount }
    }

    /// Measures one point in rounds: the yardstick, all queries one by one, all in batches, and again.
    ///
    /// A round repeats the queries until it is long enough for the clock; a shared machine that slows
    /// down for a while does so for both.
    func run(
        _ collection: VectorCollection,
        target: RecallCommand.Target,
        load: Load
    ) throws -> Point {
        let prepared = queries.indices.map { query($0, target) }
        let first = try pass(collection, prepared, load)  // Warm-up.
        let yardstick = load.coldDirectory == nil ? yardstick : nil
        var rounds = MeasuredRounds(queryCount: prepared.count)
        let passes =
            load.coldDirectory == nil
            ? max(1, min(200, Int((Self.roundSeconds / first.time.seconds).rounded(.up)))) : 1
        let hasBatch = load.batch != nil || load.threads == 1
        let before = PageCache.faults
        var (faults, calls) = (PageCache.Faults(minor: 0, major: 0), 0)
        var (last, turn) = (first, 0)
        let start = ContinuousClock.now
        var speed = yardstick?.rate(threads: load.threads)
        repeat {
            var time = TimeTaken()
            let before = PageCache.faults
            for _ in 0..<passes {
                turn += 1
                last = try pass(collection, prepared, load, first: turn * 89 % prepared.count)
                time += last.time
                rounds.add(last.nanoseconds)
            }
            faults = faults + (PageCache.faults - before)
            calls += passes * prepared.count
            let speedAfter = yardstick?.rate(threads: load.threads)
            rounds.end(time, passes: passes, speeds: (speed, speedAfter))
            speed = speedAfter
            if hasBatch {
                var time = TimeTaken()
                for _ in 0..<passes { time += try batchTime(collection, prepared, load) }
                let speedAfter = yardstick?.rate(threads: load.threads)
                rounds.endBatch(time, passes: passes, speeds: (speed, speedAfter))
                speed = speedAfter
            }
        } while rounds.count < load.rounds
            || (load.coldDirectory == nil && elapsed(since: start) < load.seconds
                && rounds.count < Self.maximumRounds)
        if load.coldDirectory != nil, (PageCache.faults - before).major == 0 {
            throw BenchError(
                "no search waited for the disk: the pages of the store could not be dropped here"
            )
        }
        var point = judge(last, target: target)
        if load.coldDirectory == nil { point.phases = try phases(collection, prepared) }
        rounds.fill(&point)
        point.minorFaults = Double(faults.minor) / Double(calls)
        point.majorFaults = Double(faults.major) / Double(calls)
        return point
    }

    /// Asks every query once more, one at a time, for the time of each phase.
    private func phases(
        _ collection: VectorCollection,
        _ prepared: [SearchQuery]
    ) throws -> [(name: String, microseconds: Double)] {
        var sums: [(name: String, microseconds: Double)] = []
        for query in prepared {
            var query = query
            query.isProfiled = true
            let phases = try collection.search(query).statistics.profile?.phases ?? []
            if sums.isEmpty {
                sums = phases
            } else {
                for place in sums.indices {
                    sums[place].microseconds += phases[place].microseconds
                }
            }
        }
        return sums.map { ($0.name, $0.microseconds / Double(prepared.count)) }
    }

    /// A round of one-by-one queries lasts at least so long.
    private static let roundSeconds = 0.03
    private static let maximumRounds = 99

    private func query(_ index: Int, _ target: RecallCommand.Target) -> SearchQuery {
        query(queries[index], partitions.map { String($0[index]) }, target)
    }

    private func query(
        _ vector: [Float],
        _ partition: String?,
        _ target: RecallCommand.Target
    ) -> SearchQuery {
        var query = SearchQuery(
            vector: vector,
            k: k,
            partition: partition,
            filter: filter,
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
        var time: TimeTaken
    }

    /// Asks all queries, beginning with `first`: what goes before a pass is felt by its first queries, and
    /// must not always be felt by the same ones.
    private func pass(
        _ collection: VectorCollection,
        _ prepared: [SearchQuery],
        _ load: Load,
        first: Int = 0
    ) throws -> Pass {
        let collected = Mutex<[(Int, SearchResult, UInt64)]>([])
        let time = try spread(prepared.count, load) { (indices) throws in
            var own: [(Int, SearchResult, UInt64)] = []
            own.reserveCapacity(prepared.count / load.threads + 1)
            var dropSeconds = 0.0
            for place in indices {
                let index = (place + first) % prepared.count
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
            time: time
        )
    }

    private func batchTime(
        _ collection: VectorCollection,
        _ prepared: [SearchQuery],
        _ load: Load
    ) throws -> TimeTaken {
        let size = load.batch ?? prepared.count
        return try spread((prepared.count + size - 1) / size, load) { (batches) throws in
            var dropSeconds = 0.0
            for batch in batches {
                dropSeconds += try drop(load)
                let range = batch * size..<min(prepared.count, (batch + 1) * size)
                _ = try collection.search(Array(prepared[range]))
            }
            return dropSeconds
        }
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
    /// - Returns: The time of the whole that counts; a cold run has one thread.
    private func spread(
        _ count: Int,
        _ load: Load,
        _ body: @Sendable (StrideTo<Int>) throws -> Double
    ) throws -> TimeTaken {
        let (start, processor) = (ContinuousClock.now, ProcessorTime.seconds)
        func taken(without uncounted: Double = 0) -> TimeTaken {
            TimeTaken(
                seconds: elapsed(since: start) - uncounted,
                processorSeconds: ProcessorTime.seconds - processor
            )
        }
        if load.threads == 1 {
            let uncounted = try body(stride(from: 0, to: count, by: 1))
            return taken(without: uncounted)
        }
        let failure = Mutex<(any Error)?>(nil)
        DispatchQueue.concurrentPerform(iterations: load.threads) { worker in
            do {
                _ = try body(stride(from: worker, to: count, by: load.threads))
            } catch {
                failure.withLock { $0 = error }
            }
        }
        let time = taken()
        if let error = failure.withLock({ $0 }) { throw error }
        return time
    }

    private func judge(_ pass: Pass, target: RecallCommand.Target) -> Point {
        let results = pass.results
        let shortBefore = shortAnswers
        let depths = Self.depths(k)
        var (rows, codes, lists, byteRows) = (0.0, 0.0, 0.0, 0.0)
        var recalls: [Double?] = []
        var answers: [[Int]] = []
        for (index, result) in results.enumerated() {
            let found = result.matches.map { match in
                if case .integer(let row) = match.id { Int(row) } else { -1 }
            }
            let expected = truth[index]
            matchCounts.withLock {
                $0.0 = min($0.0, found.count); $0.1 = max($0.1, found.count)
            }
            if found.count < min(k, expected.count) { short.withLock { $0 += 1 } }
            answers.append(found)
            recalls.append(Recall.at(k, found: found, truth: expected))
            rows += Double(result.statistics.rowsScanned)
            codes += Double(result.statistics.codesScanned)
            lists += Double(result.statistics.listsScanned)
            byteRows += Double(result.statistics.byteRowsScanned)
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
            recalls: depths.map { ($0, Recall.mean($0, found: answers, truth: truth) ?? 0) },
            queriesPerSecond: 0,
            spread: 0,
            p50: 0,
            p95: 0,
            p99: 0,
            rowsScanned: rows / count,
            codesScanned: codes / count,
            lists: lists / count,
            byteRowsScanned: byteRows / count,
            minorFaults: 0,
            majorFaults: 0,
            deciles: partitions.flatMap { partitions in
                deciles?.scores(
                    partitions: partitions,
                    recalls: recalls,
                    nanoseconds: pass.nanoseconds
                )
            } ?? [],
            shortAnswers: shortAnswers - shortBefore
        )
    }
}
