/// The pictures that result files give: each when its figures are there.
package struct Pictures: Sendable {
    private let sides: [Side]
    /// The data set and the machine, for the subtitle.
    private let origin: String

    package init(_ files: [ResultFile]) {
        sides = Side.sides(of: files)
        let lines = files.flatMap(\.lines)
        var rows: [String: Set<Int>] = [:]
        for data in lines.compactMap(\.data) {
            rows["\(data.name), dimension \(data.dimension)", default: []].insert(data.rows)
        }
        let data = rows.map { name, counts in
            let counts = counts.sorted().map { Number.readable(Double($0)) }
            let shown = counts.count > 2 ? [counts[0], "…", counts[counts.count - 1]] : counts
            return "\(name), rows \(shown.joined(separator: " "))"
        }
        let machines = Set(lines.compactMap(\.hardware))
        origin = (data.sorted() + machines.sorted()).map { $0 + "." }.joined(separator: " ")
    }

    /// The pictures by file name, without those that have nothing to show.
    package var all: [(name: String, picture: Picture)] {
        [
            ("recall-qps", frontier), ("latency-percentiles", percentiles),
            ("latency-load", load), ("filtered", filtered), ("build", build),
        ].compactMap { name, picture in picture.map { (name, $0) } }
    }

    /// The median of `figure` for each group of equal `key`, by rising key.
    private static func medians(
        _ lines: [ResultLine],
        key: (ResultLine) -> Double?,
        figure: (ResultLine) -> Double?
    ) -> [(x: Double, y: Double)] {
        var groups: [Double: [Double]] = [:]
        for line in lines {
            if let key = key(line), let value = figure(line) {
                groups[key, default: []].append(value)
            }
        }
        return groups.sorted { $0.key < $1.key }.map { ($0.key, Sample($0.value).median) }
    }

    private static func panel(
        _ series: [Picture.Series],
        x: (title: String, kind: Axis.Kind),
        y: (title: String, kind: Axis.Kind),
        xLimit: Double? = nil,
        yLimit: Double? = nil
    ) -> Picture.Panel? {
        let shown = series.filter { !$0.points.isEmpty }
        guard !shown.isEmpty else { return nil }
        let points = shown.flatMap(\.points)
        return Picture.Panel(
            x: Axis(title: x.title, kind: x.kind, values: points.map(\.x), limit: xLimit),
            y: Axis(title: y.title, kind: y.kind, values: points.map(\.y), limit: yLimit),
            series: shown
        )
    }

    /// The points that no other beats in both recall and rate, by rising recall.
    package static func frontier(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
        var best: [(x: Double, y: Double)] = []
        for point in points.sorted(by: { ($0.x, $0.y) > ($1.x, $1.y) })
        where point.y > best.last?.y ?? 0 {
            best.append(point)
        }
        return best.reversed()
    }

    private var frontier: Picture? {
        let series = sides.map { side in
            let sweep = side.lines.filter { $0.selectivity == nil && $0.operation == nil }
            let points = Set(sweep.map(\.point)).compactMap { point -> (x: Double, y: Double)? in
                let those = sweep.filter { $0.point == point }
                let recalls = those.compactMap { $0.figures["recall10"] }
                let rates = those.compactMap { $0.figures["qps_one"] }
                guard !recalls.isEmpty, !rates.isEmpty else { return nil }
                return (Sample(recalls).median, Sample(rates).median)
            }
            return Picture.Series(name: side.label, points: Self.frontier(points))
        }
        // One point is no trade of recall against rate.
        guard series.contains(where: { $0.points.count > 1 }) else { return nil }
        return Self.panel(
            series,
            x: ("recall@10, share of the true neighbours (log scale of what is missed)", .recall),
            y: ("queries a second (log scale)", .logarithmic)
        ).map {
            Picture(
                title: "Recall against queries a second",
                subtitle: "One query a call; up and to the right is better. " + origin,
                panels: [$0]
            )
        }
    }

    private static let percentileFields = [
        ("p50", "p50_us"), ("p75", "p75_us"), ("p90", "p90_us"), ("p95", "p95_us"),
        ("p99", "p99_us"), ("p99.9", "p999_us"), ("max", "max_us"),
    ]

    /// What was asked of the search, without the filter: `recall_target=0.95`.
    private static func setting(_ line: ResultLine) -> String {
        line.params.map { "\($0.key)=\(Number.plain($0.value))" }.sorted().joined(separator: ",")
    }

    /// The settings of `lines`, each once, in order.
    private static func settings(_ lines: [ResultLine]) -> [String] {
        var settings: [String] = []
        for line in lines where !settings.contains(setting(line)) { settings.append(setting(line)) }
        return settings
    }

    /// The name of a point in a legend: `vectorstore, recall target 0.9`.
    private static func label(_ side: String, _ point: String) -> String {
        let words = point.replacing("_", with: " ").replacing("=", with: " ")
        return ([side] + words.split(separator: ",").map { String($0) }).joined(separator: ", ")
    }

    private var percentiles: Picture? {
        // Rates of a load have a picture of their own, which shows them all at once.
        func isShown(_ line: ResultLine) -> Bool {
            line.selectivity == nil && line.offeredRate == nil
        }
        let lines = sides.flatMap(\.lines).filter(isShown)
        let fields = Self.percentileFields.filter { field in
            lines.contains { $0.figures[field.1] != nil }
        }
        let series = sides.flatMap { side in
            var points: [String] = []
            for line in side.lines where isShown(line) && !points.contains(line.point) {
                points.append(line.point)
            }
            return points.map { point in
                let those = side.lines.filter { $0.point == point && isShown($0) }
                let values = fields.enumerated().compactMap { place, field in
                    let values = those.compactMap { $0.figures[field.1] }
                    return values.isEmpty ? nil : (x: Double(place), y: Sample(values).median)
                }
                return Picture.Series(
                    name: Self.label(side.label, point),
                    points: values
                )
            }
        }
        return Self.panel(
            series,
            x: ("percentile of the queries", .categories(fields.map(\.0))),
            y: ("latency in µs (log scale)", .logarithmic)
        ).map {
            Picture(
                title: "Latency of one query",
                subtitle: "Lower is better. " + origin,
                panels: [$0]
            )
        }
    }

    private var load: Picture? {
        let series = sides.flatMap { side in
            var operations: [String] = []
            for line in side.lines where line.offeredRate != nil {
                let operation = line.operation ?? "all"
                if !operations.contains(operation) { operations.append(operation) }
            }
            // All of one operation is that operation.
            if operations.count == 2 { operations.removeAll { $0 == "all" } }
            return operations.flatMap { operation in
                [("p50", "p50_us"), ("p99", "p99_us"), ("p99.9", "p999_us")].map { name, field in
                    Picture.Series(
                        name: "\(side.label) \(operation) \(name)",
                        points: Self.medians(
                            side.lines.filter { ($0.operation ?? "all") == operation },
                            key: \.offeredRate,
                            figure: { $0.figures[field].map { $0 / 1_000 } }
                        )
                    )
                }
            }
        }
        return Self.panel(
            series,
            x: ("operations offered a second", .linear),
            y: ("latency in ms, from the intended start (log scale)", .logarithmic)
        ).map {
            Picture(
                title: "Latency against offered load",
                subtitle: "Arrivals at random times, whether or not earlier answers are there. "
                    + "Lower is better. " + origin,
                panels: [$0]
            )
        }
    }

    private var filtered: Picture? {
        func panel(
            _ title: String,
            _ kind: Axis.Kind,
            _ field: String,
            _ limit: Double?
        )
            -> Picture.Panel?
        {
            Self.panel(
                sides.flatMap { side in
                    Self.settings(side.lines.filter { $0.selectivity != nil }).map { setting in
                        Picture.Series(
                            name: Self.label(side.label, setting),
                            points: Self.medians(
                                side.lines.filter { Self.setting($0) == setting },
                                key: { $0.selectivity.map { $0 * 100 } },
                                figure: { $0.figures[field] }
                            )
                        )
                    }
                },
                x: ("rows that pass the filter, in % (log scale)", .logarithmic),
                y: (title, kind),
                yLimit: limit
            )
        }
        let depths = Set(
            sides.flatMap(\.lines).filter { $0.selectivity != nil }.compactMap(\.k)
        )
        let depth = depths.count == 1 ? depths.first.map { "\($0)" } ?? "k" : "k"
        let panels = [
            panel("queries a second (log scale)", .logarithmic, "qps_one", nil),
            panel("recall@\(depth)", .linear, "recall", 1),
        ].compactMap(\.self)
        guard !panels.isEmpty else { return nil }
        return Picture(
            title: "Searches under a filter",
            subtitle: "Up is better in both. " + origin,
            panels: panels
        )
    }

    private var build: Picture? {
        func panel(_ title: String, _ field: String, _ unit: Double) -> Picture.Panel? {
            let series = sides.map { side in
                Picture.Series(
                    name: side.label,
                    points: Self.medians(
                        side.lines,
                        key: { $0.data.map { Double($0.rows) } },
                        figure: { $0.figures[field].map { $0 / unit } }
                    )
                )
            }
            // One size tells nothing about growth.
            guard series.contains(where: { $0.points.count > 1 }) else { return nil }
            return Self.panel(
                series,
                x: ("rows (log scale)", .logarithmic),
                y: (title, .logarithmic)
            )
        }
        let panels = [
            panel("build in s (log scale)", "build_s", 1),
            panel("processor time of it in s (log scale)", "build_cpu_s", 1),
            panel("on disk in MB (log scale)", "bytes", 1e6),
            panel("peak memory in MB (log scale)", "peak_bytes", 1e6),
            panel("without mapped files in MB (log scale)", "anonymous_bytes", 1e6),
        ].compactMap(\.self)
        guard !panels.isEmpty else { return nil }
        return Picture(
            title: "Building an index",
            subtitle: "Lower is better. " + origin,
            panels: panels
        )
    }
}
