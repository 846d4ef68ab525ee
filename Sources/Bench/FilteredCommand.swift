import ArgumentParser
import Evaluation
import Foundation
import VectorStore

/// `vector-bench filtered`: answers under filters of falling selectivity.
struct FilteredCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "filtered",
        abstract: "Check answers under filters that let ever fewer rows pass.",
        discussion: """
            Every answer must have min(k, matching) matches. Exit code 1 when one has not.
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

    @Option(help: "Where the temporary store goes.")
    var scratch: String?

    func run() async throws {
        let reader = try VectorFileReader(base)
        let queryReader = try VectorFileReader(queries)
        let count = min(queryLimit, queryReader.count)
        let floats = try queryReader.readAll()
        let dimension = reader.dimension
        guard queryReader.dimension == dimension else {
            throw BenchError(
                "\(queries) has dimension \(queryReader.dimension), \(base) \(dimension)"
            )
        }
        let directory = try ScratchDirectory(parent: scratch)
        defer { directory.remove() }
        let store = try await BenchStore.build(
            BenchStore.Rows(base: reader, hasRank: true),
            directory: directory.path,
            nlist: nil
        )
        let exact = ExactSearch(base: try reader.readAll(), dimension: dimension)
        let queryFloats = Array(floats[..<(count * dimension)])
        print("# \(Machine.line)")
        print("selectivity  matching  recall@k    QPS  mean rows  short answers")
        var shortAnswers = 0
        for bound in [10_000, 5_000, 1_000, 100, 10, 1] as [Int64] {
            let ranks = (0..<reader.count).map { BenchStore.rank(ofRow: $0) < bound }
            let matching = ranks.count { $0 }
            let truth = exact.truth(
                queries: queryFloats,
                k: k,
                threads: ProcessInfo.processInfo.activeProcessorCount
            ) { _, row in ranks[row] }
            let (recall, rate, rows, short) = try measure(
                store.collection,
                queryFloats,
                count: count,
                truth: truth,
                bound: bound,
                expected: min(k, matching)
            )
            shortAnswers += short
            print(
                String(
                    format: "%9.2f %%  %8d  %8.4f %6.0f %10.0f %14d",
                    Double(bound) / 100,
                    matching,
                    recall,
                    rate,
                    rows,
                    short
                )
            )
        }
        try await store.database.close()
        if shortAnswers > 0 { throw BenchError("\(shortAnswers) answers were short") }
    }

    private func measure(
        _ collection: VectorCollection,
        _ floats: [Float],
        count: Int,
        truth: TruthFile,
        bound: Int64,
        expected: Int
    ) throws -> (recall: Double, rate: Double, rows: Double, short: Int) {
        let dimension = collection.configuration.dimension
        var (recall, rows, short) = (0.0, 0.0, 0)
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
            recall += Recall.at(k, found: found, truth: truth[index])
            rows += Double(result.statistics.rowsScanned)
            if found.count != expected { short += 1 }
        }
        return (recall / Double(count), Double(count) / seconds, rows / Double(count), short)
    }
}
