/// One side of a comparison: everything one engine did in one file.
package struct Side: Sendable {
    package var label: String
    /// The samples of each figure, by name.
    package private(set) var samples: [String: Sample] = [:]
    /// The names of the figures in the order of the table.
    package private(set) var order: [String] = []
    /// Figures that only some of the runs have, which are not told: the median of the good ones would
    /// flatter.
    package private(set) var partial: [String] = []
    package let lines: [ResultLine]

    /// The levels of recall at which rates are told.
    package static let recallLevels = [0.90, 0.95, 0.99]

    /// The sides of `files`: one for each engine of each file, in order.
    package static func sides(of files: [ResultFile]) -> [Self] {
        var groups: [(file: String, peer: String, lines: [ResultLine])] = []
        for file in files {
            var peers: [String] = []
            for line in file.lines where !peers.contains(line.peer) { peers.append(line.peer) }
            for peer in peers {
                groups.append((file.name, peer, file.lines.filter { $0.peer == peer }))
            }
        }
        return groups.map { group in
            let isUnique = groups.filter { $0.peer == group.peer }.count == 1
            let isAlone = groups.filter { $0.file == group.file }.count == 1
            let label =
                isUnique ? group.peer : isAlone ? group.file : "\(group.peer) (\(group.file))"
            return Self(label: label, lines: group.lines)
        }
    }

    package init(label: String, lines: [ResultLine]) {
        self.label = label
        self.lines = lines
        addRatesAtRecall()
        addPoints()
        addBuild()
    }

    /// The lines of each run: the i-th occurrence of a point belongs to run i.
    private var runs: [[ResultLine]] {
        var seen: [String: Int] = [:]
        var runs: [[ResultLine]] = []
        for line in lines {
            let point = line.point + "|" + (line.build ?? "")
            let run = seen[point, default: 0]
            seen[point] = run + 1
            if run == runs.count { runs.append([]) }
            runs[run].append(line)
        }
        return runs
    }

    private mutating func add(_ name: String, _ values: [Double], of count: Int? = nil) {
        guard !values.isEmpty else { return }
        guard values.count == count ?? values.count else {
            partial.append(name)
            return
        }
        samples[name] = Sample(values)
        order.append(name)
    }

    /// The best rate of each run among the points that reach a level of recall.
    private mutating func addRatesAtRecall() {
        let runs = runs
        for (name, field) in [
            ("qps", "qps_one"), ("qps_rel", "qps_one_rel"), ("qps_batch", "qps_batch"),
        ] {
            for level in Self.recallLevels {
                let best = runs.compactMap { run in
                    run.filter { ($0.figures["recall10"] ?? 0) >= level }
                        .compactMap { $0.figures[field] }.max()
                }
                // A level that only some runs reach has no rate: the others would go unseen.
                guard best.count == runs.count else { continue }
                add("\(name)@recall10>=\(level.formatted(2))", best)
            }
        }
        addTailsAtRecall()
    }

    /// The p99 of the point of each run that has the best rate at a level of recall.
    private mutating func addTailsAtRecall() {
        let runs = runs
        for level in Self.recallLevels {
            let tails = runs.compactMap { run in
                run.filter { ($0.figures["recall10"] ?? 0) >= level }
                    .max { ($0.figures["qps_one"] ?? 0) < ($1.figures["qps_one"] ?? 0) }?
                    .figures["p99_us"]
            }
            guard tails.count == runs.count else { continue }
            add("p99_us@recall10>=\(level.formatted(2))", tails)
        }
    }

    /// What is told once for each point.
    private mutating func addPoints() {
        var points: [String] = []
        for line in lines where !points.contains(line.point) { points.append(line.point) }
        let perBuild = Set(ResultLine.namesOfBuild)
        for point in points {
            let those = lines.filter { $0.point == point }
            for name in ResultLine.figureNames where !perBuild.contains(name) {
                add(
                    point.isEmpty ? name : "\(name){\(point)}",
                    those.compactMap { $0.figures[name] },
                    of: those.count
                )
            }
        }
    }

    /// What is told once for each build, and repeated in every line of it.
    private mutating func addBuild() {
        for name in ResultLine.namesOfBuild {
            add(
                name,
                runs.compactMap { $0.compactMap { $0.figures[name] }.first },
                of: runs.count
            )
        }
    }
}

extension Double {
    /// The number with `digits` behind the point.
    fileprivate func formatted(_ digits: Int) -> String {
        var text = String((self * 100).rounded() / 100)
        while text.split(separator: ".").last.map(\.count) ?? digits < digits { text += "0" }
        return text
    }
}
