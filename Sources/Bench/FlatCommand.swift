import ArgumentParser
import BenchReport
import Evaluation
import Foundation
import VectorStore

/// `vector-bench flat`: searches of one partition beside FAISS `IndexFlatIP` over the same rows.
struct FlatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flat",
        abstract: "Compare searches of one partition with FAISS IndexFlatIP over the same rows.",
        discussion: """
            Rows are dealt at random to one partition of each size asked for, and the rest to partitions \
            of 1,000 rows. Each partition is then searched with one thread, one query a call, in turns \
            with a flat index of FAISS over just those rows: a ratio belongs to one turn, the median of \
            the turns counts. Recall is against exact search in double precision. FAISS is called from \
            Python; the time of a call on an index of one row is told beside it.

            Exit code 1 when a ratio is below --least-ratio or a recall of ours below --least-recall.

            Example:
              vector-bench flat --data data --rows 2000,20000 --least-ratio 6,20 \
            --least-recall 0.995 --python venv/bin/python
            """
    )

    @Option(help: "A directory with base.* and query.* (or the fixture's names).")
    var data: String?

    @Option(help: "The vectors to store.")
    var base: String?

    @Option(help: "The query vectors.")
    var queries: String?

    @Option(help: "Rows of the partitions, separated by commas.")
    var rows = "2000,20000"

    @Option(name: .short, help: "Neighbours to find.")
    var k = 10

    @Option(help: "Use only the first queries.")
    var queryLimit = 500

    @Option(help: "What our searches ask for.")
    var recallTarget = 0.995

    @Option(help: "Turns; the median counts.")
    var rounds = 7

    @Option(help: "Seconds of each side's part of a turn, at least.")
    var seconds = 0.3

    @Option(help: "The ratios of rates that will do, one for each of --rows.")
    var leastRatio: String?

    @Option(help: "The recall that will do.")
    var leastRecall = 0.0

    @Option(help: "The Python that has numpy and faiss.")
    var python = "python3"

    @Option(help: "The program that drives the libraries.")
    var script = "scripts/peer_worker.py"

    @Option(help: "Where the temporary store goes.")
    var scratch: String?

    @Flag(help: "Two JSON lines a partition, ours and FAISS's, in place of the table.")
    var json = false

    func validate() throws {
        guard k > 0, queryLimit > 0, rounds > 0, seconds >= 0 else {
            throw ValidationError("k, query-limit and rounds must be at least 1")
        }
        let sizes = try sizes()
        guard try leastRatio == nil || ratios().count == sizes.count else {
            throw ValidationError("--least-ratio has one number for each of --rows")
        }
    }

    private func sizes() throws -> [Int] {
        try rows.split(separator: ",").map {
            guard let size = Int($0), size >= k else {
                throw ValidationError("--rows: `\($0)` is not a number of rows, k or more")
            }
            return size
        }
    }

    private func ratios() throws -> [Double] {
        try (leastRatio ?? "").split(separator: ",").map {
            guard let ratio = Double($0), ratio >= 0 else {
                throw ValidationError("--least-ratio: `\($0)` is not a number")
            }
            return ratio
        }
    }

    func run() async throws {
        let files = DatasetFiles(data: data, base: base, queries: queries)
        let (basePath, queryPath) = (try files.basePath(), try files.queryPath())
        let reader = try VectorFileReader(basePath)
        let queryReader = try VectorFileReader(queryPath)
        guard queryReader.dimension == reader.dimension else {
            throw BenchError("\(queryPath) and \(basePath) have different dimensions")
        }
        let deal = try PartitionDeal(count: reader.count, sizes: try sizes())
        let queryCount = min(queryLimit, queryReader.count)
        let floats = Array(try queryReader.readAll().prefix(queryCount * reader.dimension))
        let directory = ScratchDirectory(parent: scratch)
        defer { directory.remove() }
        let store = try await BenchStore.build(
            BenchStore.Rows(base: reader, partitions: deal.partitions),
            directory: directory.path,
            nlist: nil
        )
        let data = try DataIdentity(
            base: basePath,
            queries: queryPath,
            rows: reader.count,
            dimension: reader.dimension,
            queryCount: queryCount
        )
        if !json { FlatTable.printHead(dimension: reader.dimension, k: k) }
        var problems: [String] = []
        let least = try ratios()
        for (place, size) in try sizes().enumerated() {
            let comparison = FlatComparison(
                command: self,
                collection: store.collection,
                partition: String(place),
                rows: deal.rows(of: place),
                queries: floats
            )
            let result = try comparison.run(reader)
            if json {
                for line in result.lines(k: k, data: data) { print(line.line) }
            } else {
                FlatTable.printRow(result)
            }
            fflush(nil)
            if place < least.count, result.ratio < least[place] {
                problems.append(
                    String(format: "%d rows: %.1f times FAISS, ", size, result.ratio)
                        + "\(least[place]) asked for"
                )
            }
            if result.ours.recall < leastRecall {
                problems.append(
                    "\(size) rows: recall \(result.ours.recall), \(leastRecall) asked for"
                )
            }
        }
        try await store.database.close()
        guard problems.isEmpty else { throw BenchError(problems.joined(separator: "; ")) }
    }
}

/// Which row goes to which partition.
struct PartitionDeal {
    /// By row: the place of its size, or a number behind all sizes.
    let partitions: [UInt16]

    private static let restRowCount = 1_000

    init(count: Int, sizes: [Int]) throws {
        let wanted = sizes.reduce(0, +)
        guard wanted <= count else {
            throw BenchError("\(wanted) rows are asked for, the file has \(count)")
        }
        func mixed(_ row: Int) -> UInt64 {
            var value = UInt64(row) &* 0x9E37_79B9_7F4A_7C15
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            return value ^ (value >> 27)
        }
        let dealt = (0..<count).map { (mixed($0), $0) }.sorted { $0 < $1 }
        var partitions = [UInt16](repeating: 0, count: count)
        var next = 0
        for (place, size) in sizes.enumerated() {
            for (_, row) in dealt[next..<next + size] { partitions[row] = UInt16(place) }
            next += size
        }
        for place in next..<count {
            partitions[dealt[place].1] = UInt16(
                sizes.count + (place - next) / Self.restRowCount
            )
        }
        self.partitions = partitions
    }

    /// The rows of a partition, rising.
    func rows(of partition: Int) -> [Int] {
        partitions.indices.filter { partitions[$0] == UInt16(partition) }
    }
}
