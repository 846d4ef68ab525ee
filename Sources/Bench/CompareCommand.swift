import ArgumentParser
import BenchReport
import Foundation

/// `vector-bench compare`: result files against each other.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Compare result files, figure by figure, with the first as the baseline.",
        discussion: """
            Files hold JSON lines as --json writes them, or the report of a load. Runs are appended \
            to one file, or are several files joined by commas. Each engine of a file is a side of \
            its own. Told are the medians, their ranges and the ratio of candidate to baseline.

            --threshold "FIGURE STATISTIC RELATION NUMBER[%]", any number of times:
              FIGURE     as in the table; without {…} every point of that name; * for every figure
              STATISTIC  ratio (candidate / baseline), value (candidate), spread ((max−min)/median)
              RELATION   >=  <=  >  <  within ("ratio within 15%": neither is 1.15 times the other)

            --agree 15% asks whether the sides are measurements of the same thing: work, bytes and the \
            figures with _rel must not differ by more, recall by 0.005, and no figure may be missing on \
            one side. It prints one line, "N of N ratios of time agree".

            Examples:
              vector-bench compare before.jsonl after.jsonl \
            --threshold "qps@recall10>=0.95 ratio>=0.9"
              vector-bench compare a1.json,a2.json,a3.json b1.json,b2.json,b3.json
              vector-bench compare faiss.jsonl ours.jsonl --markdown --allow-different-data \
            --allow-different-machines

            Exit codes: 0 every threshold holds, 1 one does not or the files cannot be compared, \
            2 wrong usage.
            """
    )

    @Argument(help: "Result files; the first engine of the first one is the baseline.")
    var files: [String]

    @Flag(help: "A Markdown table in place of columns.")
    var markdown = false

    @Option(help: "A condition on a figure; see above.")
    var threshold: [String] = []

    @Option(help: "How far figures that repeat may differ, as in 15%.")
    var agree: String?

    @Option(help: "Runs that each figure must have.")
    var minimumRuns = 3

    @Flag(help: "Compare figures of different or untold data sets.")
    var allowDifferentData = false

    @Flag(help: "Compare figures of different or untold machines.")
    var allowDifferentMachines = false

    func validate() throws {
        guard !files.isEmpty else { throw ValidationError("give result files to compare") }
        guard minimumRuns > 0 else { throw ValidationError("minimum-runs must be at least 1") }
        _ = try tolerance()
        for text in threshold {
            do {
                _ = try Threshold(text)
            } catch {
                throw ValidationError(error.description)
            }
        }
    }

    private func tolerance() throws -> Double? {
        guard let agree else { return nil }
        guard agree.hasSuffix("%"), let percent = Double(agree.dropLast()), percent.isFinite,
            percent >= 0
        else { throw ValidationError("--agree: `\(agree)` is not a share such as 15%") }
        return percent / 100
    }

    func run() throws {
        var options = Comparison.Options()
        options.allowsDifferentData = allowDifferentData
        options.allowsDifferentMachines = allowDifferentMachines
        options.minimumRuns = minimumRuns
        options.thresholds = try threshold.map { try Threshold($0) }
        let sides = Side.sides(of: try files.map { try ResultFile.read($0) })
        let comparison = try Comparison(sides, options: options)
        let text = ComparisonText(comparison)
        print(markdown ? text.markdown : text.terminal)
        let agreement = try tolerance().map { Agreement(comparison, tolerance: $0) }
        if let agreement { print((markdown ? "\n" : "") + agreement.text) }
        guard agreement?.holds ?? true else {
            throw BenchError("the sides do not agree; the line above says in what")
        }
        guard comparison.passes else { throw BenchError("a threshold does not hold") }
    }
}
