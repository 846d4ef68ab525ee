import ArgumentParser
import Dispatch
import Evaluation
import Foundation

/// `vector-bench generate`: clustered vectors with their truth.
struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Make clustered unit vectors, queries and their true neighbours.",
        discussion: """
            Writes base.fbin, query.fbin, gt100.ibin and, with --partitions, partitions.u16bin, \
            query_partitions.u16bin and gt100_by_partition.ibin (the true neighbours within each \
            query's partition). With --drift the topics move while the rows are inserted, so that an \
            index trained on the first rows fits the last ones ever less; the queries ask about the \
            end of the stream. The same seed gives the same bytes with any number of threads.

            Example:
              vector-bench generate --n 1000000 --d 384 --partitions 200 --out data
            """
    )

    @Option(name: [.customLong("n"), .customLong("count"), .customShort("n")], help: "Vectors.")
    var count: Int

    @Option(
        name: [.customLong("d"), .customLong("dimension"), .customShort("d")],
        help: "Floats in each."
    )
    var dimension: Int

    @Option(help: "Queries.")
    var queries = 1_000

    @Option(help: "The seed.")
    var seed: UInt64 = 1

    @Option(help: "Partitions of falling size, mostly by topic.")
    var partitions: Int?

    @Option(help: "How far topics move over the rows: 0 not at all, 1 to about another's place.")
    var drift = 0.0

    @Option(help: "The directory to write to.")
    var out: String

    @Flag(help: "Leave the true neighbours out.")
    var noTruth = false

    func validate() throws {
        guard count > 0, dimension > 0, queries > 0 else {
            throw ValidationError("count, dimension and queries must be at least 1")
        }
        guard drift >= 0, drift.isFinite else {
            throw ValidationError("--drift must be 0 or more")
        }
        if let partitions, !(1...65_535).contains(partitions) {
            throw ValidationError("--partitions must be 1 to 65535")
        }
    }

    func run() throws {
        try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
        let source = SyntheticVectors(
            dimension: dimension,
            count: count,
            seed: seed,
            drift: drift
        )
        try write(source, rows: 0..<count, to: out + "/base.fbin")
        try write(source, rows: count..<count + queries, to: out + "/query.fbin")
        var ofRows: [UInt16] = []
        var ofQueries: [UInt16] = []
        if let partitions {
            ofRows = (0..<count).map { source.partition(ofRow: $0, of: partitions) }
            ofQueries = (count..<count + queries).map {
                source.partition(ofRow: $0, of: partitions)
            }
            try PartitionFile.write(ofRows, out + "/partitions.u16bin")
            try PartitionFile.write(ofQueries, out + "/query_partitions.u16bin")
        }
        guard !noTruth else { return }
        let exact = ExactSearch(try VectorFileReader(out + "/base.fbin"))
        let floats = try VectorFileReader(out + "/query.fbin").readAll()
        let threads = ProcessInfo.processInfo.activeProcessorCount
        try exact.truth(queries: floats, k: 100, threads: threads) { Progress.show("truth", $0) }
            .write(out + "/gt100.ibin")
        if partitions != nil {
            try exact.truth(
                queries: floats,
                k: 100,
                threads: threads,
                partitions: ofRows,
                queryPartitions: ofQueries
            ) { Progress.show("truth by partition", $0) }
            .write(out + "/gt100_by_partition.ibin")
        }
        Progress.end()
    }

    private func write(_ source: SyntheticVectors, rows: Range<Int>, to path: String) throws {
        let writer = try DatasetWriter(fbin: path, count: rows.count, dimension: dimension)
        let (block, chunk) = (8_192, 64)
        var first = rows.lowerBound
        while first < rows.upperBound {
            let part = first..<min(rows.upperBound, first + block)
            var floats = [Float](repeating: 0, count: part.count * dimension)
            floats.withUnsafeMutableBufferPointer { target in
                nonisolated(unsafe) let target = target  // Each row writes floats of its own.
                let chunks = (part.count + chunk - 1) / chunk
                DispatchQueue.concurrentPerform(iterations: chunks) { index in
                    guard let base = target.baseAddress else { return }
                    for offset in index * chunk..<min(part.count, (index + 1) * chunk) {
                        source.fill(
                            row: part.lowerBound + offset,
                            into: base + offset * dimension
                        )
                    }
                }
            }
            try writer.append(floats)
            first = part.upperBound
            Progress.show(path, Double(first - rows.lowerBound) / Double(rows.count))
        }
        try writer.finish()
        Progress.end()
    }
}
