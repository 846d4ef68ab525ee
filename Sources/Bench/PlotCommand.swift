import ArgumentParser
import BenchReport
import Foundation

/// `vector-bench plot`: pictures of result files.
struct PlotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plot",
        abstract: "Draw result files as SVG pictures.",
        discussion: """
            Writes each picture whose figures are in the files: recall-qps, latency-percentiles, \
            latency-load, filtered and build (which needs results of several sizes). Runs are drawn \
            as their median. The pictures follow the reader's light or dark theme and hold no script.

            Example:
              vector-bench plot ours.jsonl faiss.jsonl --out pictures
            """
    )

    @Argument(help: "Result files.")
    var files: [String]

    @Option(help: "The directory that the pictures go to.")
    var out: String

    @Option(help: "What the names of the pictures begin with.")
    var prefix = ""

    func run() throws {
        let pictures = Pictures(try files.map { try ResultFile.read($0) }).all
        guard !pictures.isEmpty else {
            throw BenchError("\(files.joined(separator: ", ")): no figure that can be drawn")
        }
        try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
        for (name, picture) in pictures {
            let path = "\(out)/\(prefix)\(name).svg"
            try picture.svg.write(toFile: path, atomically: true, encoding: .utf8)
            print(path)
        }
    }
}
