import ArgumentParser
import BenchReport
import Evaluation
import Foundation
import VectorStore

/// `vector-bench filtered`: answers under filters of falling selectivity.
struct FilteredCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "filtered",
        abstract: "Check and measure answers under filters that let ever fewer rows pass.",
        discussion: """
            Filters let 100, 50, 10, 1, 0.1 and 0.01 % of the rows pass, chosen without regard to the \
            vector. Every answer must have min(k, matching) matches; recall is against exact search. \
            Rates and latencies are those of warm rounds, as `recall` measures them. Exit code 1 when \
            an answer is short, or when a rate falls below the share of the rate without a filter that \
            is the share of the rows that match: less would be slower than asking for more and \
            dropping what does not match.

            Example:
              vector-bench filtered --data data --query-limit 200 --recall-target 0.9,0.95,0.99
            """
    )

    @Option(help: "A directory with base.* and query.* (or the fixture's names).")
    var data: String?

    @Option(help: "The vectors to store.")
    var base: String?

    @Option(help: "The query vectors.")
    var queries: String?

    @Option(name: .short, help: "Neighbours to find.")
    var k = 10

    @Option(help: "Use only the first queries.")
    var queryLimit = 100

    @Option(help: "Recall targets, separated by commas.")
    var recallTarget = "0.95"

    @Option(help: "Measured rounds of all queries, at least; the median counts.")
    var rounds = 3

    @Option(help: "Seconds of rounds for each point, at least.")
    var seconds = 1.0

    @Option(help: "Measure each point so many times, a line each.")
    var repeats = 1

    @Option(help: "Keep the store in this directory, and use the one that is there.")
    var store: String?

    @Option(help: "Where the temporary store goes.")
    var scratch: String?

    @Flag(help: "One JSON line a point in place of the table.")
    var json = false

    /// Bounds of an attribute of 10,000 values: 100, 50, 10, 1, 0.1 and 0.01 % of the rows pass.
    private static let bounds = [10_000, 5_000, 1_000, 100, 10, 1] as [Int64]

    func validate() throws {
        guard k > 0, queryLimit > 0, rounds > 0, seconds >= 0, repeats > 0 else {
            throw ValidationError("k, query-limit, rounds and repeats must be at least 1")
        }
        _ = try RecallCommand.Target.recalls(recallTarget)
    }

    func run() async throws {
        let files = DatasetFiles(data: data, base: base, queries: queries)
        let (basePath, queryPath) = (try files.basePath(), try files.queryPath())
        let reader = try VectorFileReader(basePath)
        let queryReader = try VectorFileReader(queryPath)
        let dimension = reader.dimension
        guard queryReader.dimension == dimension else {
            throw BenchError(
                "\(queryPath) has dimension \(queryReader.dimension), \(basePath) \(dimension)"
            )
        }
        let count = min(queryLimit, queryReader.count)
        let floats = Array(try queryReader.readAll()[..<(count * dimension)])
        let directory = ScratchDirectory(kept: store, parent: scratch)
        defer { directory.remove() }
        let yardstick = try Yardstick(reader)
        let store = try await BenchStore.build(
            BenchStore.Rows(base: reader, hasRank: true),
            directory: directory.path,
            nlist: nil,
            yardstick: yardstick
        )
        let identity = try DataIdentity(
            base: basePath,
            queries: queryPath,
            rows: reader.count,
            dimension: dimension,
            queryCount: count
        )
        let table = FilteredTable(k: k, store: store, count: reader.count, data: identity)
        if !json { table.printHead(dimension: dimension) }
        var shortAnswers = 0
        var problems: [String] = []
        /// Without a filter, by target.
        var whole: [String: Double] = [:]
        for bound in Self.bounds {
            let passes = (0..<reader.count).map { BenchStore.rank(ofRow: $0) < bound }
            let truth = try ExactSearch(reader).truth(
                queries: floats,
                k: k,
                threads: Machine.coreCount,
                progress: { Progress.show("truth", $0) },
                where: { passes[$1] }
            )
            Progress.end()
            let measurement = try Measurement(
                queries: queryReader,
                truth: truth,
                k: k,
                limit: queryLimit,
                partitions: nil,
                filter: .less("rank", .int64(bound)),
                yardstick: yardstick
            )
            let load = Measurement.Load(threads: 1, rounds: rounds, seconds: seconds)
            for target in try RecallCommand.Target.recalls(recallTarget) {
                var (rates, label): ([Double], String) = ([], "")
                for _ in 0..<repeats {
                    let point = try measurement.run(store.collection, target: target, load: load)
                    let line = table.point(
                        point,
                        selectivity: Double(bound) / 10_000,
                        matching: passes.count { $0 }
                    )
                    json ? print(line.line) : table.printRow(line)
                    rates.append(point.queriesPerSecond)
                    label = point.label
                }
                let (rate, share) = (Percentile.median(of: rates), Double(bound) / 10_000)
                if bound == Self.bounds[0] { whole[label] = rate }
                if rate < (whole[label] ?? 0) * share {
                    problems.append(
                        "target \(label), \(share * 100) % of the rows: \(Int(rate)) QPS"
                    )
                }
            }
            shortAnswers += measurement.shortAnswers
        }
        try await store.database.close()
        if shortAnswers > 0 { problems.append("\(shortAnswers) answers were short") }
        guard problems.isEmpty else { throw BenchError(problems.joined(separator: "; ")) }
    }
}

/// The points of `vector-bench filtered`, as a table or as JSON lines.
private struct FilteredTable {
    let k: Int
    let store: BenchStore
    let count: Int
    let data: DataIdentity

    func printHead(dimension: Int) {
        print("# \(Machine.line)")
        print("# \(count) × \(dimension), k \(k), one thread")
        print(
            "selectivity  matching  target  recall@k      QPS   p50 µs   p99 µs  rows compared"
                + "    codes  short answers"
        )
    }

    func point(_ point: Measurement.Point, selectivity: Double, matching: Int) -> BenchPoint {
        var line = BenchPoint(point, k: k, threads: 1, store: store, count: count, data: data)
        line.recall = point.recalls.first { $0.depth == k }?.recall
        line.selectivity = selectivity
        line.matching = matching
        line.buildRelative = nil  // One build serves all lines: nothing to take a median of.
        return line
    }

    func printRow(_ line: BenchPoint) {
        print(
            String(
                format: "%9.2f %%  %8d  %6.3f  %8.4f %8.0f %8.0f %8.0f %14.0f %8.0f %14d",
                (line.selectivity ?? 1) * 100,
                line.matching ?? 0,
                line.params["recall_target"] ?? 0,
                line.recall ?? 0,
                line.qpsOne ?? 0,
                line.p50 ?? 0,
                line.p99 ?? 0,
                line.rowsScanned ?? 0,
                line.codesScanned ?? 0,
                line.shortAnswers ?? 0
            )
        )
    }
}
