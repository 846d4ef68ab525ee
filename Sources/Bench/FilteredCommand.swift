import ArgumentParser
import BenchReport
import Evaluation
import Foundation
import VectorStore

/// `vector-bench filtered`: answers under filters of falling selectivity.
struct FilteredCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "filtered",
        abstract: "Check answers under filters that let ever fewer rows pass.",
        discussion: """
            Filters let 100, 50, 10, 1, 0.1 and 0.01 % of the rows pass. Every answer must have \
            min(k, matching) matches; recall is against exact search. Exit code 1 when an answer is \
            short.

            Example:
              vector-bench filtered --base data/base.fbin --queries data/query.fbin --query-limit 200
            """
    )

    @Option(help: "The vectors to store.")
    var base: String

    @Option(help: "The query vectors.")
    var queries: String

    @Option(name: .short, help: "Neighbours to find.")
    var k = 10

    @Option(help: "Use only the first queries.")
    var queryLimit = 100

    @Option(help: "The recall target.")
    var recallTarget = 0.95

    @Option(help: "Keep the store in this directory, and use the one that is there.")
    var store: String?

    @Option(help: "Where the temporary store goes.")
    var scratch: String?

    @Flag(help: "One JSON line a filter in place of the table.")
    var json = false

    func validate() throws {
        guard k > 0, queryLimit > 0, recallTarget > 0, recallTarget <= 1 else {
            throw ValidationError(
                "k and query-limit must be at least 1, recall-target above 0 and at most 1"
            )
        }
    }

    func run() async throws {
        let reader = try VectorFileReader(base)
        let queryReader = try VectorFileReader(queries)
        let dimension = reader.dimension
        guard queryReader.dimension == dimension else {
            throw BenchError(
                "\(queries) has dimension \(queryReader.dimension), \(base) \(dimension)"
            )
        }
        let count = min(queryLimit, queryReader.count)
        let floats = Array(try queryReader.readAll()[..<(count * dimension)])
        let directory = ScratchDirectory(kept: store, parent: scratch)
        defer { directory.remove() }
        let store = try await BenchStore.build(
            BenchStore.Rows(base: reader, hasRank: true),
            directory: directory.path,
            nlist: nil
        )
        let exact = ExactSearch(reader)
        let data = try DataIdentity(
            base: base,
            queries: queries,
            rows: reader.count,
            dimension: dimension,
            queryCount: count
        )
        if !json {
            print("# \(Machine.line)")
            print("# \(reader.count) × \(dimension), k \(k), recall target \(recallTarget)")
            print("selectivity  matching  recall@k      QPS  mean rows  short answers")
        }
        var shortAnswers = 0
        for bound in [10_000, 5_000, 1_000, 100, 10, 1] as [Int64] {
            let passes = (0..<reader.count).map { BenchStore.rank(ofRow: $0) < bound }
            let truth = try exact.truth(
                queries: floats,
                k: k,
                threads: ProcessInfo.processInfo.activeProcessorCount,
                progress: { Progress.show("truth", $0) },
                where: { passes[$1] }
            )
            Progress.end()
            var point = FilterPoint(selectivity: Double(bound) / 10_000, k: k, data: data)
            point.matching = passes.count { $0 }
            try measure(store.collection, floats, truth: truth, bound: bound, into: &point)
            shortAnswers += point.shortAnswers
            print(json ? try point.line() : point.row)
        }
        try await store.database.close()
        if shortAnswers > 0 { throw BenchError("\(shortAnswers) answers were short") }
    }

    private func measure(
        _ collection: VectorCollection,
        _ floats: [Float],
        truth: TruthFile,
        bound: Int64,
        into point: inout FilterPoint
    ) throws {
        let dimension = collection.configuration.dimension
        let count = truth.queryCount
        var seconds = 0.0
        for index in 0..<count {
            let query = SearchQuery(
                vector: Array(floats[index * dimension..<(index + 1) * dimension]),
                k: k,
                filter: .less("rank", .int64(bound)),
                recallTarget: recallTarget,
                include: []
            )
            let start = ContinuousClock.now
            let result = try collection.search(query)
            seconds += elapsed(since: start)
            let found = result.matches.map { match in
                if case .integer(let row) = match.id { Int(row) } else { -1 }
            }
            point.recall += Recall.at(k, found: found, truth: truth[index]) / Double(count)
            point.rowsScanned += Double(result.statistics.rowsScanned) / Double(count)
            if found.count != min(k, point.matching) { point.shortAnswers += 1 }
        }
        point.queriesPerSecond = Double(count) / seconds
    }
}

/// What one filter gave.
private struct FilterPoint: Encodable {
    var peer = "vectorstore"
    /// The share of the rows that pass.
    var selectivity: Double
    var k: Int
    var matching = 0
    var recall = 0.0
    var queriesPerSecond = 0.0
    var rowsScanned = 0.0
    var shortAnswers = 0
    var machine = Machine.line
    var data: DataIdentity

    enum CodingKeys: String, CodingKey {
        case peer
        case selectivity
        case k
        case matching
        case recall
        case queriesPerSecond = "qps_one"
        case rowsScanned = "rows_scanned"
        case shortAnswers = "short_answers"
        case machine
        case data
    }

    init(selectivity: Double, k: Int, data: DataIdentity) {
        self.selectivity = selectivity
        self.k = k
        self.data = data
    }

    var row: String {
        String(
            format: "%9.2f %%  %8d  %8.4f %8.0f %10.0f %14d",
            selectivity * 100,
            matching,
            recall,
            queriesPerSecond,
            rowsScanned,
            shortAnswers
        )
    }

    func line() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
