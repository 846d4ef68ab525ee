import Foundation
import Testing

@testable import BenchReport

@Suite struct `Comparison of result files` {
    private static let data = DataIdentity(
        name: "d",
        rows: 100,
        dimension: 4,
        queries: 10,
        digest: "ab"
    )

    /// Three runs of two points, each run a little faster than the one before.
    private func file(
        _ name: String,
        rate: Double,
        data: DataIdentity? = data,
        machine: String? = "m"
    )
        -> ResultFile
    {
        var lines: [ResultLine] = []
        for run in 0..<3 {
            for (target, recall, slowness) in [(0.9, 0.93, 1.0), (0.95, 0.96, 2.0)] {
                var line = ResultLine(
                    peer: "vectorstore",
                    params: ["recall_target": target],
                    figures: [
                        "recall10": recall, "qps_one": (rate + Double(run)) / slowness,
                        "build_s": 4 + Double(run),
                    ]
                )
                line.data = data
                line.machine = machine
                lines.append(line)
            }
        }
        return ResultFile(name: name, lines: lines)
    }

    private func compare(
        _ files: [ResultFile],
        _ change: (inout Comparison.Options) -> Void = { _ in }
    )
        throws -> Comparison
    {
        var options = Comparison.Options()
        change(&options)
        return try Comparison(Side.sides(of: files), options: options)
    }

    @Test func `a sample tells median, range and spread`() {
        let sample = Sample([30, 10, 20])
        #expect(sample.median == 20 && sample.minimum == 10 && sample.maximum == 30)
        #expect(sample.spread == 1)
        #expect(Sample([1, 3]).median == 2)
        #expect(Sample([0, 0]).spread == 0)
    }

    @Test func `the rate at a recall is the best of the points that reach it, run by run`() throws {
        let side = try #require(Side.sides(of: [file("a", rate: 1_000)]).first)
        #expect(side.samples["qps@recall10>=0.90"] == Sample([1_000, 1_001, 1_002]))
        #expect(side.samples["qps@recall10>=0.95"] == Sample([500, 500.5, 501]))
        #expect(side.samples["qps@recall10>=0.99"] == nil)
        #expect(side.samples["build_s"] == Sample([4, 5, 6]))
    }

    @Test func `the p99 at a recall is that of the point with the best rate`() throws {
        let points = [(0.96, 900.0, 40.0), (0.97, 1_000, 50), (0.99, 400, 90)]
        let lines = points.map { recall, rate, tail in
            ResultLine(
                peer: "v",
                params: ["recall_target": recall],
                figures: ["recall10": recall, "qps_one": rate, "p99_us": tail]
            )
        }
        let side = Side(label: "v", lines: lines)
        #expect(side.samples["p99_us@recall10>=0.95"] == Sample([50]))
        #expect(side.samples["p99_us@recall10>=0.99"] == Sample([90]))
    }

    @Test func `the ratio is candidate by baseline`() throws {
        let result = try compare([file("a", rate: 999), file("b", rate: 1_999)])
        let row = try #require(result.rows.first { $0.figure == "qps@recall10>=0.95" })
        #expect(row.ratio == 2 && row.candidate == "b")
        #expect(row.baseline.count == 3)
    }

    @Test func `a threshold decides, and one without a figure fails`() throws {
        func passes(_ text: String) throws -> Bool {
            try compare([file("a", rate: 1_000), file("b", rate: 900)]) {
                $0.thresholds = [try! Threshold(text)]
            }.passes
        }
        #expect(try passes("qps@recall10>=0.95 ratio>=0.9"))
        #expect(try !passes("qps@recall10>=0.95 ratio>=0.95"))
        #expect(try passes("* ratio within 15%"))
        #expect(try !passes("* ratio within 5%"))
        #expect(try !passes("qps@recall10>=0.99 ratio>=0.1"))
        #expect(try passes("build_s value<=5"))
        #expect(try !passes("build_s spread<20%"))
    }

    @Test func `a threshold is read as it is written`() throws {
        let threshold = try Threshold("qps@recall10>=0.95  ratio >= 90%")
        #expect(threshold.figure == "qps@recall10>=0.95")
        #expect(threshold.statistic == .ratio && threshold.relation == .atLeast)
        #expect(threshold.bound == 0.9)
        #expect(try Threshold("p99_us value<500").covers("p99_us{recall_target=0.95}"))
        #expect(try !Threshold("p99 value<500").covers("p99_us{recall_target=0.95}"))
        #expect(try Threshold("* ratio within 15%").holds(1 / 1.14))
        #expect(try !Threshold("* ratio within 15%").holds(1 / 1.16))
    }

    @Test(arguments: [
        "", "qps", "qps ratio", "qps ratio=1", "qps median>=1", "qps ratio>=x", "qps ratio>=-1",
        "qps value within 3", "qps ratio>=inf",
    ])
    func `a threshold that cannot be read is refused`(text: String) {
        #expect(throws: ReportError.self) { try Threshold(text) }
    }

    @Test func `a threshold does not pass where a point of the baseline has no figure`() throws {
        var some = file("b", rate: 1_000)
        for place in some.lines.indices where some.lines[place].params["recall_target"] == 0.95 {
            some.lines[place].figures["qps_one"] = nil
        }
        let files = [file("a", rate: 1_000), some]
        let threshold = try Threshold("qps_one ratio>=0.9")
        let comparison = try compare(files) { $0.thresholds = [threshold] }
        #expect(!comparison.passes && comparison.unmatched == [threshold])
        #expect(ComparisonText(comparison).markdown.contains("not at every point"))
        #expect(
            comparison.missing.contains { $0 == ("qps_one{recall_target=0.95}", "b") }
        )
        let other = try compare(files.reversed()) { $0.thresholds = [threshold] }
        #expect(!other.passes, "the baseline has no figure to compare with")
        // And neither at the points that both have alone.
        let one = try Threshold("qps_one{recall_target=0.9} ratio>=0.9")
        #expect(try compare(files) { $0.thresholds = [one] }.passes)
    }

    @Test func `what only some of the runs of a point have is not told`() throws {
        var lines = file("a", rate: 1_000).lines
        lines[0].figures["p99_us"] = 1
        let side = Side(label: "a", lines: lines)
        #expect(side.samples["p99_us{recall_target=0.9}"] == nil)
        #expect(side.partial == ["p99_us{recall_target=0.9}"])
        // Nor do two sides agree, or pass, that both have it in some runs only.
        let both = ["a", "b"].map { ResultFile(name: $0, lines: lines) }
        let threshold = try Threshold("p99_us value<=9")
        let comparison = try compare(both) { $0.thresholds = [threshold] }
        #expect(comparison.unmatched == [threshold] && !comparison.missing.isEmpty)
        #expect(side.samples["qps_one{recall_target=0.9}"]?.count == 3)
    }

    @Test func `unlike or untold data is refused unless allowed`() throws {
        var other = Self.data
        other.digest = "cd"
        for data in [other, nil] {
            let files = [file("a", rate: 1_000), file("b", rate: 1_000, data: data)]
            #expect(throws: ReportError.self) { try compare(files) }
            #expect(try !compare(files) { $0.allowsDifferentData = true }.notes.isEmpty)
        }
        var renamed = Self.data
        renamed.name = "a copy"
        _ = try compare([file("a", rate: 1), file("b", rate: 1, data: renamed)])
    }

    @Test func `another machine is refused unless allowed, another commit is not`() throws {
        let files = ["cpu X, 4 cores, commit 1, day 1", "cpu Y, 4 cores, commit 1, day 1"].map {
            file($0, rate: 1_000, machine: $0)
        }
        #expect(throws: ReportError.self) { try compare(files) }
        _ = try compare(files) { $0.allowsDifferentMachines = true }
        let untold = [file("a", rate: 1, machine: nil), file("b", rate: 1, machine: nil)]
        #expect(throws: ReportError.self) { try compare(untold) }
        _ = try compare([
            file("a", rate: 1, machine: "cpu X, commit 1, d"),
            file("b", rate: 1, machine: "cpu X, commit 2, e"),
        ])
    }

    @Test func `too few runs are refused`() throws {
        var short = file("b", rate: 1_000)
        short.lines.removeLast(2)
        let files = [file("a", rate: 1_000), short]
        #expect(throws: ReportError.self) { try compare(files) }
        _ = try compare(files) { $0.minimumRuns = 2 }
    }

    @Test func `Markdown has one row a figure, all of one width, and the verdict`() throws {
        let comparison = try compare([file("a", rate: 1_000), file("b", rate: 900)]) {
            $0.thresholds = [try! Threshold("* ratio within 5%")]
        }
        let text = ComparisonText(comparison)
        let table = text.markdown.split(separator: "\n").filter { $0.hasPrefix("|") }
        #expect(table.count == comparison.rows.count + 2)
        #expect(Set(table.map { $0.count { $0 == "|" } }) == [9])
        #expect(text.markdown.contains("FAIL"))
        #expect(text.terminal.contains("FAIL"))
    }
}
