import ArgumentParser
import Evaluation
import Foundation
import VectorStore

/// `vector-bench first`: the first answers of a store that was just opened, and its memory.
struct FirstCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "first",
        abstract: "Measure opening and the first answers of a store with cold files.",
        discussion: """
            Each round drops the pages of the store's files, opens the store, asks one query, then the \
            other queries one by one, each round beginning with another one. Told are medians of the \
            rounds; memory is that of this process at the end, less what it was before opening.

            Example:
              vector-bench recall --data data --store store
              vector-bench first --data data --store store
            """
    )

    @Option(help: "A directory with query.* (or the fixture's names).")
    var data: String?

    @Option(help: "The query vectors.")
    var queries: String?

    @Option(help: "The store, made with `recall --store` or `build --store`.")
    var store: String

    @Option(name: .short, help: "Neighbours to find.")
    var k = 10

    @Option(help: "Use only the first queries.")
    var queryLimit = 1_000

    @Option(help: "What the searches ask for.")
    var recallTarget = 0.95

    @Option(help: "Rounds; the median counts.")
    var rounds = 5

    func validate() throws {
        guard k > 0, queryLimit > 1, rounds > 0 else {
            throw ValidationError("k and rounds must be at least 1, query-limit at least 2")
        }
    }

    func run() async throws {
        let files = DatasetFiles(data: data, queries: queries)
        let reader = try VectorFileReader(try files.queryPath())
        let vectors = try (0..<min(queryLimit, reader.count)).map { try reader.row($0) }
        var figures: [String: [Double]] = [:]
        var rowCount = 0
        let before = ResidentMemory.now
        var after = before
        for round in 0..<rounds {
            try PageCache.drop(store)
            let start = ContinuousClock.now
            let database = try await VectorDatabase.open(at: store)
            let collection = try await database.createCollection(
                "bench",
                dimension: reader.dimension
            )
            let open = elapsed(since: start)
            var times: [Double] = []
            for place in 0..<2 * vectors.count {
                let query = (place + round * 89) % vectors.count
                let began = ContinuousClock.now
                var search = SearchQuery(vector: vectors[query], k: k, include: [])
                search.recallTarget = recallTarget
                _ = try collection.search(search)
                times.append(elapsed(since: began))
            }
            if round == 0 { after = ResidentMemory.now }
            rowCount = try collection.statistics().rowCount
            try await database.close()
            figures["open_ms", default: []].append(open * 1e3)
            figures["first_ms", default: []].append(times[0] * 1e3)
            figures["opened_and_answered_ms", default: []].append((open + times[0]) * 1e3)
            let cold = Array(times[1..<min(101, vectors.count)])
            figures["next_100_p50_us", default: []].append(Percentile.median(of: cold) * 1e6)
            let warm = Array(times[vectors.count...])
            figures["warm_p50_us", default: []].append(Percentile.median(of: warm) * 1e6)
        }
        let rows = Double(max(rowCount, 1))
        let parts = figures.sorted { $0.key < $1.key }.map { name, values in
            "\"\(name)\": \(String(format: "%.2f", Percentile.median(of: values)))"
        }
        let anonymous = Double(after.anonymous - before.anonymous)
        let file = Double(after.file - before.file)
        print(
            "{\(parts.joined(separator: ", ")), \"rows\": \(rowCount), "
                + "\"anonymous_bytes_a_row\": \(String(format: "%.1f", anonymous / rows)), "
                + "\"mapped_bytes_a_row\": \(String(format: "%.1f", file / rows))}"
        )
    }
}
