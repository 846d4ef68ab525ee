import Testing

@testable import BenchReport

@Suite struct `Agreement of two measurements` {
    private static let data = DataIdentity(
        name: "d",
        rows: 9,
        dimension: 4,
        queries: 3,
        digest: "ab"
    )

    private func file(_ name: String, _ figures: [String: Double]) -> ResultFile {
        let lines = (0..<3).map { _ in
            var line = ResultLine(peer: "v", params: ["recall_target": 0.9], figures: figures)
            line.data = Self.data
            line.machine = "m"
            return line
        }
        return ResultFile(name: name, lines: lines)
    }

    private func agreement(
        _ one: [String: Double],
        _ other: [String: Double],
        tolerance: Double = 0.15
    ) throws -> Agreement {
        let sides = Side.sides(of: [file("a", one), file("b", other)])
        return Agreement(
            try Comparison(sides, options: Comparison.Options()),
            tolerance: tolerance
        )
    }

    @Test func `it counts the ratios, and names the largest difference`() throws {
        let found = try agreement(
            ["recall10": 0.95, "qps_one_rel": 2, "bytes": 100],
            ["recall10": 0.95, "qps_one_rel": 1.8, "bytes": 104]
        )
        #expect(found.holds && found.count == 3)
        #expect(found.largest?.figure == "qps_one_rel{recall_target=0.9}")
        #expect(abs((found.largest?.difference ?? 0) - 0.111) < 0.001)
        #expect(
            found.text
                == "1 of 1 ratios of time agree within 15 %, the largest difference is 11.1 %, "
                + "of qps_one_rel{recall_target=0.9}; 1 of 1 recalls within 0.005; 1 of 1 figures of "
                + "work and size within 15 %"
        )
    }

    @Test(arguments: [
        (0.95, 0.954, true), (0.95, 0.955, true), (0.95, 0.956, false), (0, 0.006, false),
    ])
    func `recall may differ by half a hundredth, whatever a ratio may`(
        one: Double,
        other: Double,
        holds: Bool
    ) throws {
        let found = try agreement(
            ["recall10": one, "qps_one_rel": 2],
            ["recall10": other, "qps_one_rel": 2]
        )
        #expect(found.holds == holds)
        #expect(found.text.contains("1 of 1 ratios of time agree"))
        #expect(found.text.contains("\(holds ? 1 : 0) of 1 recalls within 0.005"))
    }

    @Test func `a figure that one side has not does not agree`() throws {
        let whole = ["recall10": 1, "p99_rel": 2.0]
        for (one, other, side) in [(whole, ["recall10": 1], "b"), (["recall10": 1], whole, "a")] {
            let found = try agreement(one, other)
            #expect(!found.holds)
            #expect(found.text.contains("p99_rel{recall_target=0.9} of \(side) is missing"))
            #expect(found.text.contains("0 of 1 ratios of time"))
        }
        // The speed of the hour is no ratio, present or not.
        #expect(try agreement(["recall10": 1, "qps_one": 2], ["recall10": 1]).holds)
    }

    @Test(arguments: [(1.0, 1.149, true), (1.149, 1, true), (1, 1.151, false), (1.151, 1, false)])
    func `neither side may be more than so much larger`(
        one: Double,
        other: Double,
        holds: Bool
    ) throws {
        let found = try agreement(["p99_rel": one], ["p99_rel": other])
        #expect(found.holds == holds)
        #expect(found.disagreeing.count == (holds ? 0 : 1))
        #expect(found.text.contains("these do not agree") != holds)
    }

    @Test func `the speed of the hour is not judged`() throws {
        let found = try agreement(
            ["qps_one": 1_000, "p99_us": 50, "build_s": 4, "yardstick_qps": 10, "recall10": 1],
            ["qps_one": 500, "p99_us": 99, "build_s": 9, "yardstick_qps": 5, "recall10": 1]
        )
        #expect(found.holds && found.count == 1)
    }

    @Test func `nothing in common is not agreement, and nor is a zero on one side`() throws {
        #expect(try !agreement(["qps_one": 1], ["qps_one": 1]).holds)
        let zero = try agreement(["short_answers": 0], ["short_answers": 3])
        #expect(!zero.holds && zero.text.contains("one of them is 0"))
        #expect(try agreement(["short_answers": 0], ["short_answers": 0]).holds)
    }

    @Test func `every figure that is judged is one that is read`() {
        #expect(ResultLine.repeatableNames.isSubset(of: ResultLine.figureNames))
        for name in ["qps_one", "p50_us", "p95_us", "p99_us", "build_s"] {
            #expect(!ResultLine.repeatableNames.contains(name))
        }
    }
}
