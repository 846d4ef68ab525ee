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
            Writes base.fbin, query.fbin, gt100.ibin and, with --partitions, partitions.u16bin. \
            The same seed gives the same bytes on any machine with any number of cores.
            """
    )

    @Option(name: [.customLong("count"), .customShort("n")], help: "Vectors.")
    var count: Int

    @Option(name: [.customLong("dimension"), .customShort("d")], help: "Floats in each.")
    var dimension: Int

    @Option(help: "Queries.")
    var queries = 1_000

    @Option(help: "The seed.")
    var seed: UInt64 = 1

    @Option(help: "Partitions of falling size, mostly by topic.")
    var partitions: Int?

    @Option(help: "The directory to write to.")
    var out: String

    @Flag(help: "Leave the true neighbours out.")
    var noTruth = false

    func validate() throws {
        guard count > 0, dimension > 0, queries > 0 else {
            throw ValidationError("count, dimension and queries must be at least 1")
        }
        if let partitions, !(1...65_535).contains(partitions) {
            throw ValidationError("--partitions must be 1 to 65535")
        }
    }

    func run() throws {
        try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
        let source = SyntheticVectors(dimension: dimension, count: count, seed: seed)
        try write(source, rows: 0..<count, to: out + "/base.fbin")
        try write(source, rows: count..<count + queries, to: out + "/query.fbin")
        if let partitions {
            let numbers = (0..<count).map { source.partition(ofRow: $0, of: partitions) }
            try PartitionFile.write(numbers, out + "/partitions.u16bin")
        }
        guard !noTruth else { return }
        let base = try VectorFileReader(out + "/base.fbin").readAll()
        let floats = try VectorFileReader(out + "/query.fbin").readAll()
        let truth = ExactSearch(base: base, dimension: dimension).truth(
            queries: floats,
            k: 100,
            threads: ProcessInfo.processInfo.activeProcessorCount
        ) { _, _ in true }
        try truth.write(out + "/gt100.ibin")
    }

    private func write(_ source: SyntheticVectors, rows: Range<Int>, to path: String) throws {
        let writer = try FloatFileWriter(path, count: rows.count, dimension: dimension)
        let block = 4_096
        var first = rows.lowerBound
        while first < rows.upperBound {
            let part = first..<min(rows.upperBound, first + block)
            var floats = [Float](repeating: 0, count: part.count * dimension)
            floats.withUnsafeMutableBufferPointer { target in
                nonisolated(unsafe) let target = target  // Each row writes floats of its own.
                DispatchQueue.concurrentPerform(iterations: part.count) { offset in
                    guard let base = target.baseAddress else { return }
                    source.fill(row: part.lowerBound + offset, into: base + offset * dimension)
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

/// `vector-bench expand`: any vector file as fbin, at unit length.
struct ExpandCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expand",
        abstract: "Write a file of vectors as float32 at unit length."
    )

    @Option(name: .customLong("in"), help: "The file to read: fbin, f16bin, fvecs or npy.")
    var input: String

    @Option(help: "The fbin file to write.")
    var out: String

    func run() throws {
        let reader = try VectorFileReader(input)
        let writer = try FloatFileWriter(out, count: reader.count, dimension: reader.dimension)
        var floats = try reader.readAll()
        for row in 0..<reader.count {
            let range = row * reader.dimension..<(row + 1) * reader.dimension
            let norm = floats[range].reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            for place in range { floats[place] = Float(Double(floats[place]) / norm) }
        }
        try writer.append(floats)
        try writer.finish()
    }
}
