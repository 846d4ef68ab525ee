import Foundation
import Testing

@testable import BenchReport

@Suite struct `Result files` {
    private func read(_ text: String) throws -> ResultFile {
        try ResultFile(name: "f", path: "f.jsonl", bytes: Data(text.utf8))
    }

    @Test func `a line of another engine is read, and unknown fields are passed over`() throws {
        let file = try read(
            """
            # a comment

            {"peer": "hnswlib", "build": "M16", "params": {"ef": 10}, "recall10": 0.9, "new": [1], \
            "qps_one": 100.5, "qps_batch": null, "build_s": 46.6, "bytes": 228000000}
            """
        )
        let line = try #require(file.lines.first)
        #expect(file.lines.count == 1)
        #expect(line.point == "ef=10")
        #expect(line.figures["qps_one"] == 100.5 && line.figures["qps_batch"] == nil)
    }

    @Test(arguments: [
        (#"{"build": "x"}"#, "`peer` is missing"),
        (#"{"peer": "x", "qps_one": "fast"}"#, "`qps_one`"),
        (#"{"peer": "x", "qps_one": true}"#, "`qps_one`"),
        (#"{"peer": "x", "params": {"ef": "ten"}}"#, "`params.ef`"),
        (#"{"peer": "x", "k": 1.5}"#, "`k`"),
        (#"{"peer": "x", "p99_us": -1}"#, "below 0"),
        (#"{"peer": "x", "data": {"name": "d"}}"#, "missing"),
        (#"{"peer": "x""#, "not a JSON object"),
    ])
    func `a field of another type is refused with its line and its name`(
        text: String,
        reason: String
    ) {
        do {
            _ = try read("{\"peer\": \"ok\"}\n" + text)
            Issue.record("\(text) was read")
        } catch {
            #expect("\(error)".contains("f.jsonl, line 2"), "\(error)")
            #expect("\(error)".contains(reason), "\(error)")
        }
    }

    @Test func `a file without results is refused`() {
        #expect(throws: ReportError.self) { try read("# nothing\n\n") }
    }

    @Test func `points of a load and of a filter have names of their own`() throws {
        let file = try read(
            """
            {"peer": "x", "operation": "search", "offered_rate": 500, "p999_us": 12, "threads": 4}
            {"peer": "x", "selectivity": 0.01, "k": 5}
            """
        )
        #expect(
            file.lines.map(\.point) == [
                "operation=search,offered_rate=500,threads=4", "selectivity=0.01,k=5",
            ]
        )
    }

    @Test func `a load becomes one line an operation, in microseconds`() throws {
        let file = try read(
            """
            {
              "machine": "m", "settings": {"rate": 250, "loop": "open"}, "answers_per_second": 249,
              "operations": {"search": {"requests": 10, "errors": {"timeout": 2, "503": 1},
                "latency_ms": {"count": 10, "p50": 0.5, "p999": 12}}},
              "total": {"requests": 10, "latency_ms": {"p50": 0.5}}, "timeline": [{"second": 1}]
            }
            """
        )
        #expect(
            file.lines.map(\.point) == [
                "operation=search,offered_rate=250", "operation=all,offered_rate=250",
            ]
        )
        let search = try #require(file.lines.first)
        #expect(search.peer == "vectorstore" && search.machine == "m")
        #expect(search.figures == ["p50_us": 500, "p999_us": 12_000, "errors": 3])
        #expect(file.lines.last?.figures["rate"] == 249)
    }

    @Test func `a load without answers has no latency, also where an old file says 0`() throws {
        let file = try read(
            """
            {"operations": {
                "a": {"requests": 4, "errors": {"timeout": 4}, "latency_ms": {"count": 0, "p99": 0}},
                "b": {"requests": 4, "errors": {"timeout": 4}, "latency_ms": {"count": 0}}}}
            """
        )
        #expect(file.lines.map(\.figures) == [["errors": 4], ["errors": 4]])
    }

    @Test func `a load with a percentile of another type is refused`() {
        #expect(throws: ReportError.self) {
            try read(
                #"{"operations": {"search": {"requests": 1, "latency_ms": {"p50": "fast"}}}}"#
            )
        }
    }
}
