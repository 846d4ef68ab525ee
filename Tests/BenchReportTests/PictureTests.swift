import Foundation
import Testing

@testable import BenchReport

@Suite struct `Pictures of results` {
    private func line(_ target: Double, _ recall: Double, _ rate: Double) -> ResultLine {
        ResultLine(
            peer: "a<b> & \"c\"",
            params: ["recall_target": target],
            figures: [
                "recall10": recall, "qps_one": rate, "p50_us": 1e6 / rate, "p99_us": 2e6 / rate,
            ]
        )
    }

    private var sweep: ResultFile {
        ResultFile(name: "f", lines: [line(0.9, 0.92, 4_800), line(0.99, 0.991, 600)])
    }

    @Test func `characters with a meaning in XML are escaped, and control characters dropped`() {
        #expect(SVG.escaped("a<b>&\"c\"\u{1}\n") == "a&lt;b&gt;&amp;&quot;c&quot; ")
    }

    @Test func `a picture is well-formed XML without scripts or references`() throws {
        let pictures = Pictures([sweep]).all
        #expect(pictures.map(\.name) == ["recall-qps", "latency-percentiles"])
        for (name, picture) in pictures {
            let text = picture.svg
            try WellFormed.check(text)
            #expect(text.contains("a&lt;b&gt; &amp; &quot;c&quot;"), "\(name)")
            for banned in ["<script", "href", "url(", "@import", "onload"] {
                #expect(!text.contains(banned), "\(name) has \(banned)")
            }
            #expect(text.contains("@media (prefers-color-scheme: dark)"), "\(name)")
        }
    }

    @Test func `no two of many series look alike`() {
        let series = (0..<20).map { Picture.Series(name: "s\($0)", points: [(1, 1)]) }
        let axis = Axis(title: "", kind: .linear, values: [1])
        let picture = Picture(
            title: "",
            subtitle: "",
            panels: [.init(x: axis, y: axis, series: series)]
        )
        // The mark of the legend without its place: element, shape and colour.
        let looks = picture.svg.split(separator: "\n").filter { $0.contains("class=\"mark") }
            .prefix(20).map { mark in
                let numbers = mark.split(separator: "\"").last { $0.contains(",") } ?? ""
                let corners = numbers.split(separator: " ").compactMap { pair -> [Double]? in
                    let values = pair.split(separator: ",").compactMap { Double($0) }
                    return values.count == 2 ? values : nil
                }
                let shape = corners.map { corner in
                    "\(Int((corner[0] - corners[0][0]).rounded()))"
                }
                return mark.prefix { $0 != "=" } + mark.split(separator: "\"")[1] + "\(shape)"
            }
        #expect(looks.count == 20)
        #expect(Set(looks.map { String($0) }).count == 20)
    }

    @Test func `every axis has a title`() {
        for (name, picture) in Pictures([sweep]).all {
            for panel in picture.panels {
                #expect(!panel.x.title.isEmpty && !panel.y.title.isEmpty, "\(name)")
            }
        }
    }

    @Test func `a frontier drops points that another beats in both recall and rate`() {
        let points = [(x: 0.9, y: 100.0), (0.95, 120), (0.99, 50), (0.97, 40)]
        let kept = Pictures.frontier(points)
        #expect(kept.map(\.x) == [0.95, 0.99])
        #expect(kept.map(\.y) == [120, 50])
    }

    @Test func `a file of filters becomes two panels, and growth needs two sizes`() throws {
        var half = ResultLine(peer: "x", figures: ["recall": 0.97, "qps_one": 1_600])
        half.selectivity = 0.5
        var few = ResultLine(peer: "x", figures: ["recall": 1, "qps_one": 5_000])
        few.selectivity = 0.001
        var built = ResultLine(peer: "x", figures: ["build_s": 4])
        built.data = DataIdentity(name: "d", rows: 10, dimension: 2, queries: 1, digest: "0")
        let pictures = Pictures([ResultFile(name: "f", lines: [half, few, built])]).all
        #expect(pictures.map(\.name) == ["filtered"])
        #expect(pictures.first?.picture.panels.count == 2)
        var larger = built
        larger.data?.rows = 1_000
        let grown = Pictures([ResultFile(name: "f", lines: [built, larger])]).all
        #expect(grown.map(\.name) == ["build"])
    }

    @Test func `under filters each recall target is a series of its own`() throws {
        let lines = [(0.9, 0.5), (0.9, 0.01), (0.99, 0.5), (0.99, 0.01)].map { target, share in
            var line = self.line(target, target, 1_000)
            line.figures["recall"] = target
            line.selectivity = share
            return line
        }
        let picture = try #require(Pictures([ResultFile(name: "f", lines: lines)]).all.first)
        #expect(picture.name == "filtered")
        let series = try #require(picture.picture.panels.last).series
        #expect(series.map { $0.points.map(\.y) } == [[0.9, 0.9], [0.99, 0.99]])
        #expect(series.map { $0.points.map(\.x) } == [[1, 50], [1, 50]])
        #expect(series.allSatisfy { $0.name.contains("recall target") })
    }

    @Test func `a load of one operation is drawn once, in milliseconds`() throws {
        let lines = [100.0, 200].flatMap { rate in
            ["query", "all"].map { operation in
                let figures = ["p50_us": 1_500, "p99_us": rate * 1_000]
                var line = ResultLine(peer: "x", figures: figures)
                (line.operation, line.offeredRate) = (operation, rate)
                return line
            }
        }
        let picture = try #require(Pictures([ResultFile(name: "f", lines: lines)]).all.first)
        #expect(picture.name == "latency-load")
        let panel = try #require(picture.picture.panels.first)
        #expect(panel.series.map(\.name) == ["x query p50", "x query p99"])
        #expect(panel.series.map { $0.points.map(\.y) } == [[1.5, 1.5], [100, 200]])
        #expect(panel.y.title.contains("in ms"))
    }

    @Test func `a single point is no frontier`() {
        let one = Pictures([ResultFile(name: "f", lines: [line(0.9, 1, 4_800), line(1, 1, 600)])])
        #expect(!one.all.contains { $0.name == "recall-qps" })
    }

    @Test func `text is broken between words when it is too long for a line`() {
        let lines = Picture.wrapped("one two three four five", width: 70)
        #expect(lines.count > 1)
        #expect(lines.joined(separator: " ") == "one two three four five")
        #expect(lines.allSatisfy { SVG.width(of: $0, fontSize: 12) <= 70 })
    }
}

/// A check that every tag of a document is closed by its own name.
private enum WellFormed {
    struct Problem: Error { var text: String }

    static func check(_ document: String) throws {
        var open: [Substring] = []
        for part in document.split(separator: "<") {
            guard let end = part.firstIndex(of: ">") else { throw Problem(text: String(part)) }
            let tag = part[..<end]
            let name = tag.prefix { !$0.isWhitespace && $0 != "/" }
            if tag.hasPrefix("/") {
                guard open.popLast() == tag.dropFirst() else { throw Problem(text: String(tag)) }
            } else if !tag.hasSuffix("/") {
                open.append(name)
            }
            guard tag.count(where: { $0 == "\"" }).isMultiple(of: 2) else {
                throw Problem(text: String(tag))
            }
        }
        guard open.isEmpty else { throw Problem(text: "\(open)") }
    }
}
