import ArgumentParser
import Evaluation
import Foundation
import VectorStore

/// `vector-bench instructions`: what a query costs in instructions, which no busy machine changes.
struct InstructionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "instructions",
        abstract: "Count the instructions of a query under valgrind.",
        discussion: """
            Builds a store of 10,000 generated rows, then asks it few and many queries under callgrind; \
            the difference by their number is the cost of one query. valgrind knows no AVX-512, so the \
            AVX2 kernels are counted.

            With --expect the figures are compared with recorded ones: a query that takes over 10 % more \
            instructions is an error, and so is one that takes over 10 % fewer, until --record has \
            written the new figures.

            Examples:
              vector-bench instructions
              vector-bench instructions --expect fixtures/instructions.json
              vector-bench instructions --record fixtures/instructions.json
            """
    )

    @Option(help: ArgumentHelp("Compare with the figures in this file.", valueName: "file"))
    var expect: String?

    @Option(help: ArgumentHelp("Write the figures to this file.", valueName: "file"))
    var record: String?

    @Option(help: .hidden)
    var ask: QueryWorkload?

    @Option(help: .hidden)
    var store: String?

    @Option(help: .hidden)
    var count = 0

    /// Queries of the two runs of a workload.
    private static let (few, many) = (16, 80)
    /// How far a figure may be from the recorded one.
    private static let tolerance = 0.1

    func run() async throws {
        if let ask, let store {
            return try await ask.run(store: store, count: count)
        }
        let scratch = ScratchDirectory(kept: nil, parent: nil)
        defer { scratch.remove() }
        try FileManager.default.createDirectory(
            atPath: scratch.path,
            withIntermediateDirectories: true
        )
        try await QueryWorkload.build(store: scratch.path + "/store")
        try copyProgram(to: scratch.path + "/program")
        var figures: [String: Int] = [:]
        for workload in QueryWorkload.allCases {
            let few = try instructions(workload, Self.few, in: scratch.path)
            let many = try instructions(workload, Self.many, in: scratch.path)
            figures[workload.rawValue] = (many - few) / (Self.many - Self.few)
        }
        let recorded = try expect.map { path in
            try JSONDecoder().decode(
                [String: Int].self,
                from: Data(contentsOf: URL(fileURLWithPath: path))
            )
        }
        let isWithin = report(figures, recorded: recorded)
        if let record {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            try (encoder.encode(figures) + Data("\n".utf8)).write(
                to: URL(fileURLWithPath: record)
            )
        }
        if !isWithin {
            throw BenchError(
                "a query's instructions differ from \(expect ?? "") by more than "
                    + "\(Int(Self.tolerance * 100)) %; if that is meant, write the new figures with "
                    + "--record \(expect ?? "")"
            )
        }
    }

    private func report(_ figures: [String: Int], recorded: [String: Int]?) -> Bool {
        var isWithin = true
        for workload in QueryWorkload.allCases {
            let figure = figures[workload.rawValue] ?? 0
            let name = workload.rawValue.padding(toLength: 12, withPad: " ", startingAt: 0)
            var line = "\(name) \(figure) instructions a query"
            if let recorded {
                let before = recorded[workload.rawValue] ?? 0
                let ratio = before > 0 ? Double(figure) / Double(before) : .infinity
                line += String(format: ", recorded %d, ratio %.3f", before, ratio)
                if abs(ratio - 1) > Self.tolerance { isWithin = false }
            }
            print(line)
        }
        return isWithin
    }

    /// Copies this program without debugging information, which valgrind cannot read all of.
    private func copyProgram(to target: String) throws {
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["objcopy", "--strip-debug", program, target]
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw BenchError("objcopy failed on \(program); is binutils installed?")
        }
    }

    /// Instructions of a process that opens the store and asks so many queries.
    private func instructions(
        _ workload: QueryWorkload,
        _ count: Int,
        in directory: String
    ) throws -> Int {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
            directory + "/program",
            "instructions", "--ask", workload.rawValue, "--store", directory + "/store",
            "--count", String(count),
        ]
        let log = directory + "/valgrind.log"
        guard FileManager.default.createFile(atPath: log, contents: nil) else {
            throw BenchError("cannot write \(log)")
        }
        process.standardError = FileHandle(forWritingAtPath: log)
        try process.run()
        process.waitUntilExit()
        let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
        guard process.terminationStatus == 0,
            let line = text.split(separator: "\n").last(where: { $0.contains("Collected : ") }),
            let figure = line.split(separator: " ").last.flatMap({ Int($0) })
        else {
            throw BenchError(
                "valgrind gave no figure (is it installed?): "
                    + text.split(separator: "\n").suffix(3).joined(separator: "; ")
            )
        }
        return figure
    }
}
