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
            Formats by extension: \(VectorFileReader.formats); truth as ibin, ivecs, npy or hdf5. One thread and \
            one query a call unless told otherwise; the median of several rounds after a warm-up; figures with _rel are beside the scans of a \
            fixed piece of work in the same seconds. --data also takes a file of \
            ann-benchmarks: its tables train, test and neighbors.

            With --query-partitions each query searches its own partition, and --truth must hold the \
            neighbours within it; recall is then also told by the size of the partitions, in ten groups. \
            --cold drops the store's pages before every call. --live first asks the queries past \
            --query-limit, until live recall has measured so many of them and corrected the calibration. \
            Exit code 1 when an answer has fewer matches than there are rows.

            Examples:
              vector-bench recall --base base.fbin --queries query.fbin --truth gt100.ibin \
            --recall-target 0.90,0.95,0.99
              vector-bench recall --data data --nprobe 1,2,4,8,16 --json
              vector-bench recall --data data --partitions data/partitions.u16bin \
            --query-partitions data/query_partitions.u16bin --truth data/gt100_by_partition.ibin
            """
    )

    @OptionGroup
    var dataset: DatasetOptions

    @Option(name: .short, help: "Neighbours to find.")
    var k = 10

    @Option(help: "Recall targets, separated by commas.")
    var recallTarget = "0.90,0.95,0.99"

    @Option(help: "Numbers of lists to visit in place of recall targets, separated by commas.")
    var nprobe: String?

    @Option(help: "Threads that search, or `all` for one a core.")
    var threads = "1"

    @Option(help: "Threads that build the index; one a core by default.")
    var buildThreads: Int?

    @Option(help: ArgumentHelp("The store's memory limit.", valueName: "MiB"))
    var memoryLimit: Int?

    @Option(help: "Queries in a call of the batch figure; all of them by default, with one thread.")
    var batch: Int?

    @Flag(help: "Drop the store's pages from memory before every call; needs one thread.")
    var cold = false

    @Option(
        help: ArgumentHelp(
            "Correct the calibration by so many live searches first, 512 at most.",
            valueName: "searches"
        )
    )
    var live: Int?

    @Option(help: "The partition of each row, as UInt16.")
    var partitions: String?

    @Option(help: "The partition of each query, as UInt16; each is then searched in its own.")
    var queryPartitions: String?

    @Option(help: "Posting lists; chosen from the number of rows by default.")
    var nlist: Int?

    @Option(
        name: [.customLong("query-limit"), .customLong("queries-limit")],
        help: "Use only the first queries."
    )
    var queryLimit: Int?

    @Option(
        name: [.customLong("rounds"), .customLong("runs")],
        help: "Measured rounds of all queries, at least; the median counts."
    )
    var rounds = 3

    @Option(help: "Seconds of rounds for each point, at least.")
    var seconds = 2.0

    @Option(help: "Keep the store in this directory, and use the one that is there.")
    var store: String?

    @Option(help: "Where the temporary store goes.")
    var scratch: String?

    @Flag(help: "One JSON line a point in place of the table.")
    var json = false

    func validate() throws {
        guard k > 0, rounds > 0, seconds >= 0, queryLimit.map({ $0 > 0 }) ?? true else {
            throw ValidationError("k, rounds and query-limit must be at least 1")
        }
        guard let threadCount, threadCount > 0 else {
            throw ValidationError("--threads: `\(threads)` is neither a number above 0 nor `all`")
        }
        guard batch.map({ $0 > 0 }) ?? true, buildThreads.map({ $0 > 0 }) ?? true else {
            throw ValidationError("--batch and --build-threads must be at least 1")
        }
        guard memoryLimit.map({ $0 > 0 }) ?? true else {
            throw ValidationError("--memory-limit must be at least 1")
        }
        guard live.map({ (1...512).contains($0) && nprobe == nil }) ?? true else {
            throw ValidationError("--live takes 1 to 512, and goes with recall targets")
        }
        guard !cold || threadCount == 1 else {
            throw ValidationError("--cold goes with one thread")
        }
        _ = try targets()
    }

    /// The number of threads that search.
    var threadCount: Int? {
        threads == "all" ? ProcessInfo.processInfo.activeProcessorCount : Int(threads)
    }

    func run() async throws {
        let files = dataset.files
        let (basePath, queryPath) = (try files.basePath(), try files.queryPath())
        let reader = try VectorFileReader(basePath)
        let queryReader = try VectorFileReader(queryPath)
        let yardstick = cold ? nil : try Yardstick(reader)
        let ofRows = try partitions.map { try PartitionFile.read($0, count: reader.count) }
        let measurement = try Measurement(
            queries: queryReader,
            truth: TruthFile(files.truthPath(), rowCount: reader.count),
            k: k,
            limit: queryLimit,
            partitions: try queryPartitions.map {
                try PartitionFile.read($0, count: queryReader.count)
            },
            basePartitions: ofRows,
            yardstick: yardstick
        )
        guard measurement.dimension == reader.dimension else {
            throw BenchError(
                "\(queryPath) has dimension \(measurement.dimension), \(basePath) "
                    + "\(reader.dimension)"
            )
        }
        let rows = BenchStore.Rows(base: reader, partitions: ofRows)
        let directory = ScratchDirectory(kept: store, parent: scratch)
        defer { directory.remove() }
        func opened() async throws -> BenchStore {
            try await BenchStore.build(
                rows,
                directory: directory.path,
                nlist: nlist,
                threads: buildThreads,
                yardstick: yardstick,
                memoryLimit: memoryLimit.map { $0 << 20 },
                liveRecallInterval: live == nil ? 0 : Measurement.liveInterval
            )
        }
        var store = try await opened()
        let load = Measurement.Load(
            threads: threadCount ?? 1,
            rounds: rounds,
            seconds: seconds,
            batch: batch,
            coldDirectory: cold ? directory.path : nil
        )
        let table = RecallTable(
            command: self,
            store: store,
            count: reader.count,
            data: try DataIdentity(
                base: basePath,
                queries: queryPath,
                others: [files.truthPath(), partitions, queryPartitions],
                rows: reader.count,
                dimension: reader.dimension,
                queryCount: measurement.queryCount
            )
        )
        if !json { table.printHead() }
        for (place, target) in try targets().enumerated() {
            if live != nil, place > 0 {
                // What was measured for one target is forgotten before the next.
                try await store.database.close()
                store = try await opened()
            }
            if let live { try measurement.correct(store.collection, target: target, by: live) }
            let point = try measurement.run(store.collection, target: target, load: load)
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

        /// The targets in a list separated by commas.
        static func recalls(_ text: String) throws -> [Target] {
            try parts(text).map {
                guard let target = Double($0), target > 0, target <= 1 else {
                    throw ValidationError("--recall-target: `\($0)` is not above 0 and at most 1")
                }
                return .recall(target)
            }
        }

        /// The numbers of lists in a list separated by commas.
        static func lists(_ text: String) throws -> [Target] {
            try parts(text).map {
                guard let lists = Int($0), lists > 0 else {
                    throw ValidationError("--nprobe: `\($0)` is not a number of lists")
                }
                return .lists(lists)
            }
        }

        private static func parts(_ text: String) -> [String] {
            text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    private func targets() throws -> [Target] {
        try nprobe.map(Target.lists) ?? Target.recalls(recallTarget)
    }
}
