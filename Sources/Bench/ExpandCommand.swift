import ArgumentParser
import Evaluation

/// `vector-bench expand`: any vector file as fbin, at unit length.
struct ExpandCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expand",
        abstract: "Write a file of vectors as float32 at unit length.",
        discussion: """
            Example:
              vector-bench expand --in base.f16bin --out base.fbin
            """
    )

    @Option(name: .customLong("in"), help: "The file to read: fbin, f16bin, fvecs or npy.")
    var input: String

    @Option(help: "The fbin file to write.")
    var out: String

    func run() throws {
        let reader = try VectorFileReader(input)
        let dimension = reader.dimension
        let writer = try DatasetWriter(fbin: out, count: reader.count, dimension: dimension)
        var first = 0
        while first < reader.count {
            let part = first..<min(reader.count, first + 4_096)
            var floats = [Float](repeating: 0, count: part.count * dimension)
            try floats.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                try reader.read(rows: part, into: base)
            }
            for row in part {
                let range = (row - first) * dimension..<(row - first + 1) * dimension
                let square = floats[range].reduce(0.0) { $0 + Double($1) * Double($1) }
                guard square > 0, square.isFinite else {
                    throw BenchError("\(input): row \(row) has no direction")
                }
                let norm = square.squareRoot()
                for place in range { floats[place] = Float(Double(floats[place]) / norm) }
            }
            try writer.append(floats)
            first = part.upperBound
            Progress.show("expand", Double(first) / Double(reader.count))
        }
        try writer.finish()
        Progress.end()
    }
}
