import BenchReport
import Dispatch
import Evaluation
import VectorStore

/// One partition of ours and a flat index of FAISS over the same rows, in turns.
struct FlatComparison {
    let command: FlatCommand
    let collection: VectorCollection
    let partition: String
    /// The rows of the partition, rising; their numbers are their ids.
    let rows: [Int]
    /// `[queryCount × dimension]`.
    let queries: [Float]

    /// What one side did; rates are medians of the turns.
    struct Side {
        var recall = 0.0
        var rate = 0.0
        var batchRate = 0.0
        /// Microseconds of single queries.
        var p50 = 0.0
        var p99 = 0.0
    }

    /// What both did.
    struct Result {
        var rowCount: Int
        var ours: Side
        var peer: Side
        /// Ours by FAISS's: of single queries, median and range of the turns, and of batches.
        var ratio: Double
        var range: ClosedRange<Double>
        var batchRatio: Double
        /// Rows that ours looked at by their codes, by their int8 and by their float32 vectors, a query.
        var work: (codes: Double, byteRows: Double, rows: Double)
        /// Mean microseconds of each phase of a search of ours.
        var phases: [(name: String, microseconds: Double)]
        /// Microseconds of a call from Python on an index of one row.
        var callMicroseconds: Double

        /// The ratio if a call from Python cost nothing.
        var ratioWithoutCall: Double { ratio * (1 - callMicroseconds * peer.rate / 1e6) }
    }

    func run(_ reader: VectorFileReader) throws -> Result {
        let dimension = reader.dimension
        var floats: [Float] = []
        floats.reserveCapacity(rows.count * dimension)
        for row in rows { floats += try reader.row(row) }
        let truth = try ExactSearch(base: floats, dimension: dimension).truth(
            queries: queries,
            k: command.k,
            threads: Machine.coreCount
        )
        let call = try worker(Array(floats.prefix(dimension)), dimension).run(
            [:],
            isBatch: false,
            passes: 5
        )
        let peer = try worker(floats, dimension)
        let prepared = (0..<queries.count / dimension).map { query in
            var search = SearchQuery(
                vector: Array(queries[query * dimension..<(query + 1) * dimension]),
                k: command.k,
                partition: partition,
                include: []
            )
            search.recallTarget = command.recallTarget
            return search
        }
        var (ours, theirs) = (Turns(), Turns())
        let found = try ours.run(prepared, passes: 1, collection)
        let answers = try theirs.run(peer, count: prepared.count, passes: 1)
        let passes = (
            ours.passes(lasting: command.seconds), theirs.passes(lasting: command.seconds)
        )
        (ours, theirs) = (Turns(), Turns())
        for _ in 0..<command.rounds {
            _ = try ours.run(prepared, passes: passes.0, collection)
            _ = try theirs.run(peer, count: prepared.count, passes: passes.1)
        }
        let ratios = zip(ours.one, theirs.one).map { $0 / $1 }
        let places = Dictionary(uniqueKeysWithValues: zip(rows, rows.indices))
        let (work, phases) = try profile(prepared)
        return Result(
            rowCount: rows.count,
            ours: ours.side(recall: recall(found.map { $0.compactMap { places[$0] } }, truth)),
            peer: theirs.side(recall: recall(answers, truth)),
            ratio: Percentile.median(of: ratios),
            range: (ratios.min() ?? 0)...(ratios.max() ?? 0),
            batchRatio: Percentile.median(of: zip(ours.batch, theirs.batch).map { $0 / $1 }),
            work: work,
            phases: phases,
            callMicroseconds: Percentile.median(of: call.latencies.map(Double.init))
        )
    }

    /// Asks every query once more, for the work and the time of each phase.
    private func profile(
        _ queries: [SearchQuery]
    ) throws -> (
        (codes: Double, byteRows: Double, rows: Double),
        [(name: String, microseconds: Double)]
    ) {
        let count = Double(queries.count)
        var work = (codes: 0.0, byteRows: 0.0, rows: 0.0)
        var sums: [(name: String, microseconds: Double)] = []
        for query in queries {
            var query = query
            query.isProfiled = true
            let statistics = try collection.search(query).statistics
            work.codes += Double(statistics.codesScanned) / count
            work.byteRows += Double(statistics.byteRowsScanned) / count
            work.rows += Double(statistics.rowsScanned) / count
            let phases = statistics.profile?.phases ?? []
            if sums.isEmpty { sums = phases.map { ($0.name, 0) } }
            for place in sums.indices {
                sums[place].microseconds += phases[place].microseconds / count
            }
        }
        return (work, sums)
    }

    private func worker(_ floats: [Float], _ dimension: Int) throws -> PeerWorker {
        try PeerWorker.start(
            "faiss-flat",
            python: command.python,
            script: command.script,
            rows: PeerWorker.Rows(floats, dimension: dimension),
            queries: queries,
            k: command.k,
            threads: Machine.coreCount
        ).0
    }

    private func recall(_ found: [[Int]], _ truth: TruthFile) -> Double {
        Recall.mean(command.k, found: found, truth: truth) ?? 0
    }
}

/// The rates and latencies of one side, turn by turn.
private struct Turns {
    var one: [Double] = []
    var batch: [Double] = []
    private var microseconds: [Double] = []
    private var queryCount = 0

    /// How many passes take so many seconds, by the one turn there was.
    func passes(lasting seconds: Double) -> Int {
        guard let rate = one.first else { return 1 }
        return max(1, min(1_000, Int((seconds * rate / Double(queryCount)).rounded(.up))))
    }

    /// One turn of ours; the ids that each query found.
    mutating func run(
        _ queries: [SearchQuery],
        passes: Int,
        _ collection: VectorCollection
    ) throws -> [[Int]] {
        queryCount = queries.count
        var results: [SearchResult] = []
        let start = ContinuousClock.now
        for _ in 0..<passes {
            results.removeAll(keepingCapacity: true)
            for query in queries {
                let before = DispatchTime.now().uptimeNanoseconds
                results.append(try collection.search(query))
                let after = DispatchTime.now().uptimeNanoseconds
                microseconds.append(Double(after - before) / 1e3)
            }
        }
        one.append(Double(passes * queries.count) / elapsed(since: start))
        let batchStart = ContinuousClock.now
        for _ in 0..<passes { _ = try collection.search(queries) }
        batch.append(Double(passes * queries.count) / elapsed(since: batchStart))
        return results.map { result in
            result.matches.map { match in
                if case .integer(let row) = match.id { Int(row) } else { -1 }
            }
        }
    }

    /// One turn of FAISS; the rows that each query found.
    mutating func run(_ peer: PeerWorker, count: Int, passes: Int) throws -> [[Int]] {
        queryCount = count
        let answers = try peer.run([:], isBatch: false, passes: passes)
        one.append(Double(passes * count) / answers.time.seconds)
        microseconds += answers.latencies.map(Double.init)
        let batched = try peer.run([:], isBatch: true, passes: passes)
        batch.append(Double(passes * count) / batched.time.seconds)
        return answers.found
    }

    func side(recall: Double) -> FlatComparison.Side {
        let sorted = microseconds.sorted()
        return FlatComparison.Side(
            recall: recall,
            rate: Percentile.median(of: one),
            batchRate: Percentile.median(of: batch),
            p50: Percentile.nearestRank(50, of: sorted),
            p99: Percentile.nearestRank(99, of: sorted)
        )
    }
}
