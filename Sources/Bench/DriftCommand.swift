import ArgumentParser
import Evaluation
import Foundation
import VectorStore

/// `vector-bench drift`: what becomes of recall and time when the rows change after the build.
struct DriftCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drift",
        abstract: "Change the rows under an index and measure recall, time and the cure.",
        discussion: """
            Builds an index over generated rows, then, in ten steps, writes rows of other topics and \
            deletes rows that were there before. After every step recall is measured against exact \
            searches, for queries that are as much of new topics as the rows are. At the end recall as \
            the store itself measures it is compared with the true one, and the index is rebuilt while \
            one thread goes on asking at --rate; those times count from when a search was due.

            Exit code 1 when recall falls more than 0.02 below the target, when the store's own figure \
            is more than 0.01 from the true one, when a rebuild would save no less after the rebuild \
            than before, or when p99 during it is more than --most-slowdown times the idle one.

            Example:
              vector-bench drift --rows 100000 --stream 100000 --deletes 0.3
            """
    )

    @Option(help: "Rows that the index is built over.")
    var rows = 100_000

    @Option(help: "Rows of new topics that are written afterwards.")
    var stream = 100_000

    @Option(help: "The share of the first rows that is deleted meanwhile.")
    var deletes = 0.3

    @Option(name: [.customShort("d"), .long], help: "Coordinates of a row.")
    var dimension = 384

    @Option(name: .short, help: "Neighbours to find.")
    var k = 10

    @Option(help: "What the searches ask for.")
    var recallTarget = 0.95

    @Option(help: "Queries that are judged after each step.")
    var queries = 500

    /// What the store tells is of the last 512 searches that it measured: long enough for all of them to be
    /// asked under the correction that they led to.
    @Option(help: "Seconds of searches that the store may measure, after the last step.")
    var seconds = 150.0

    @Option(help: "Searches a second before and during the rebuild.")
    var rate = 1_000.0

    @Option(help: "Threads of the rebuild; by default one processor is left to searches.")
    var rebuildThreads = max(1, Machine.coreCount - 1)

    @Option(help: "The seed of rows and queries.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("How much longer p99 may be during a rebuild.", valueName: "times"))
    var mostSlowdown = 2.0

    @Option(help: ArgumentHelp("Where the store is built.", valueName: "directory"))
    var scratch: String?

    @Flag(help: "Print one JSON line.")
    var json = false

    func validate() throws {
        guard rows >= 1_000, stream >= 1_000, queries >= 10, k > 0, dimension > 0 else {
            throw ValidationError(
                "rows and stream must be at least 1000, queries 10, k and dimension 1"
            )
        }
        guard rebuildThreads > 0 else {
            throw ValidationError("rebuild-threads must be at least 1")
        }
        guard rate > 0, rate <= 1_000_000 else {
            throw ValidationError("rate must be above 0 and at most 1000000")
        }
        guard (0..<1).contains(deletes), recallTarget > 0, recallTarget < 1 else {
            throw ValidationError("deletes must be 0 to below 1, recall-target between 0 and 1")
        }
    }

    func run() async throws {
        let directory = ScratchDirectory(kept: nil, parent: scratch)
        defer { directory.remove() }
        try FileManager.default.createDirectory(
            atPath: directory.path,
            withIntermediateDirectories: true
        )
        let run = try await DriftRun(command: self, directory: directory.path)
        if !json {
            print("# \(Machine.line)")
            print(
                "# \(rows) rows × \(dimension), then \(stream) of new topics and "
                    + "\(Int(Double(rows) * deletes)) deletes; k \(k), target \(recallTarget)"
            )
            print("  rows written  deleted   recall      codes   a rebuild would save")
        }
        var steps: [DriftRun.Step] = []
        for number in 0...DriftRun.stepCount {
            if number > 0 { try await run.change(step: number) }
            let step = try run.measure(step: number)
            steps.append(step)
            if !json { print(step.line) }
        }
        let live = try run.askAtLength(seconds: seconds)
        let rebuild = try await run.rebuild()
        let after = try run.measure(step: DriftRun.stepCount)
        try await run.close()
        let result = DriftRun.Findings(
            steps: steps,
            live: live,
            rebuild: rebuild,
            after: after
        )
        print(json ? try result.jsonLine : result.text)
        let objections = result.objections(of: self)
        if !objections.isEmpty { throw BenchError(objections.joined(separator: "; ")) }
    }
}
