import ArgumentParser
import BenchReport
import Evaluation
import Foundation
import VectorStore

/// `vector-bench recall`: recall against queries a second.
struct RecallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recall",
        abstract: "Build a store and measure recall against queries a second.",
        discussion: """
            Formats by extension: fbin, f16bin, fvecs, npy; truth as ibin or ivecs. One thread and \
            one query a call unless told otherwise; the median of several runs after a warm-up.

            With --query-partitions each query searches its own partition, and --truth must hold the \
            neighbours within it. Exit code 1 when an answer has fewer matches than there are rows.

            Examples:
              vector-bench recall --base base.fbin --queries query.fbin --truth gt100.ibin \
            --recall-target 0.90,0.95,0.99
              vector-bench recall --data data --nprobe 1,2,4,8,16 --json
              vector-bench recall --data data --partitions data/partitions.u16bin \
            --query-partitions data/query_partitions.u16bin --truth data/gt100_by_partition.ibin
            """
    )

    @Option(help: "A directory with base.*, query.* and gt100.ibin (or the fixture's names).")
    var data: String?

    @Option(help: "The vectors to store.")
    var base: String?

    @Option(help: "The query vectors.")
    var queries: String?

    @Option(help: "The true neighbours.")
    var truth: String?

    @Option(name: .short, help: "Neighbours to find.")
    var k = 10

    @Option(help: "Recall targets, separated by commas.")
    var recallTarget = "0.90,0.95,0.99"

    @Option(help: "Numbers of lists to visit in place of recall targets, separated by commas.")
    var nprobe: String?

    @Option(help: "Threads that search.")
    var threads = 1

    @Option(help: "The partition of each row, as UInt16.")
    var partitions: String?

    @Option(help: "The partition of each query, as UInt16; each is then searched in its own.")
    var queryPartitions: String?

    @Option(help: "Posting lists; chosen from the number of rows by default.")
    var nlist: Int?

    @Option(help: "Use only the first queries.")
    var queryLimit: Int?

    @Option(help: "Measured runs; the median counts.")
    var runs = 3

    @Option(help: "Keep the store in this directory, and use the one that is there.")
    var store: String?

    @Option(help: "Where the temporary store goes.")
    var scratch: String?

    @Flag(help: "One JSON line a point in place of the table.")
    var json = false

    func validate() throws {
        guard k > 0, threads > 0, runs > 0 else {
            throw ValidationError("k, threads and runs must be at least 1")
        }
        _ = try targets()
    }

    func run() async throws {
        let files = try DatasetFiles(self)
        let reader = try VectorFileReader(files.base)
        let measurement = try Measurement(
            queries: VectorFileReader(files.queries),
            truth: TruthFile(files.truth),
            k: k,
            limit: queryLimit,
            partitions: try queryPartitions.map {
                try PartitionFile.read($0, count: VectorFileReader(files.queries).count)
            }
        )
        guard measurement.dimension == reader.dimension else {
            throw BenchError(
                "\(files.queries) has dimension \(measurement.dimension), \(files.base) "
                    + "\(reader.dimension)"
            )
        }
        let rows = BenchStore.Rows(
            base: reader,
            partitions: try partitions.map { try PartitionFile.read($0, count: reader.count) }
        )
        let directory = ScratchDirectory(kept: store, parent: scratch)
        defer { directory.remove() }
        let store = try await BenchStore.build(rows, directory: directory.path, nlist: nlist)
        let table = RecallTable(
            command: self,
            store: store,
            count: reader.count,
            data: try DataIdentity(
                base: files.base,
                queries: files.queries,
                rows: reader.count,
                dimension: reader.dimension,
                queryCount: measurement.queryCount
            )
        )
        if !json { table.printHead() }
        for target in try targets() {
            let point = try measurement.run(
                store.collection,
                target: target,
                threads: threads,
                runs: runs
            )
            json ? print(table.point(point).line) : table.printRow(point)
        }
        if !json, queryPartitions != nil {
            let range = measurement.matchRange
            print("# matches an answer: \(range.lowerBound) to \(range.upperBound)")
        }
        let short = measurement.shortAnswers
        try await store.database.close()
        guard short == 0 else {
            throw BenchError("\(short) answers had fewer matches than there are rows to match")
        }
    }

    /// What each point asks of the search.
    enum Target {
        case recall(Double)
        case lists(Int)
    }

    private func targets() throws -> [Target] {
        if let nprobe {
            return try numbers(nprobe).map {
                guard let lists = Int($0), lists > 0 else {
                    throw ValidationError("--nprobe: `\($0)` is not a number of lists")
                }
                return .lists(lists)
            }
        }
        return try numbers(recallTarget).map {
            guard let target = Double($0), target > 0, target <= 1 else {
                throw ValidationError("--recall-target: `\($0)` is not above 0 and at most 1")
            }
            return .recall(target)
        }
    }

    private func numbers(_ text: String) -> [String] {
        text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }
}

/// The three files of a data set, given one by one or by their directory.
private struct DatasetFiles {
    let base: String
    let queries: String
    let truth: String

    init(_ command: RecallCommand) throws {
        func file(_ given: String?, _ option: String, _ names: [String]) throws -> String {
            if let given { return given }
            guard let data = command.data else {
                throw ValidationError("give --\(option), or --data with a directory")
            }
            let paths = names.map { data + "/" + $0 }
            guard let found = paths.first(where: FileManager.default.fileExists) else {
                throw BenchError("\(data) holds none of \(names.joined(separator: ", "))")
            }
            return found
        }
        base = try file(command.base, "base", ["base.fbin", "base.f16bin", "chunks.fbin"])
        queries = try file(command.queries, "queries", ["query.fbin", "queries.fbin"])
        truth = try file(command.truth, "truth", ["gt100.ibin", "truth100.ibin"])
    }
}
