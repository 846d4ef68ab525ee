/// Several sides against the first, figure by figure.
package struct Comparison: Sendable {
    /// One figure of one candidate beside the baseline.
    package struct Row: Sendable {
        package var figure: String
        package var candidate: String
        package var baseline: Sample
        package var value: Sample
        /// The ratio of the medians; nil when the baseline is 0 and the candidate is not.
        package var ratio: Double?
        /// Thresholds that speak of this figure, and whether each holds.
        package var checks: [(threshold: Threshold, holds: Bool)]

        package var fails: Bool { checks.contains { !$0.holds } }
    }

    package struct Options: Sendable {
        package var allowsDifferentData = false
        package var allowsDifferentMachines = false
        package var minimumRuns = 3
        package var thresholds: [Threshold] = []

        package init() {}
    }

    package let sides: [Side]
    package let rows: [Row]
    /// Thresholds that no figure of both sides answers to.
    package let unmatched: [Threshold]
    package let notes: [String]

    package var baseline: Side { sides[0] }
    package var passes: Bool { unmatched.isEmpty && !rows.contains { $0.fails } }

    /// - Throws: When the sides cannot be compared: one side, unlike data or machines, few runs.
    package init(_ sides: [Side], options: Options) throws(ReportError) {
        guard let baseline = sides.first, sides.count > 1 else {
            throw ReportError("a comparison needs two engines or two files")
        }
        self.sides = sides
        var notes: [String] = []
        try Self.checkData(sides, options, &notes)
        try Self.checkMachines(sides, options, &notes)
        var rows: [Row] = []
        for name in baseline.order {
            guard let before = baseline.samples[name] else { continue }
            for side in sides.dropFirst() {
                guard let after = side.samples[name] else { continue }
                rows.append(Self.row(name, before, after, side, options.thresholds))
            }
        }
        guard !rows.isEmpty else {
            throw ReportError("the sides have no figure in common")
        }
        let fewest = rows.map { min($0.baseline.count, $0.value.count) }.min() ?? 0
        guard fewest >= options.minimumRuns else {
            throw ReportError(
                "some figures have \(fewest) run\(fewest == 1 ? "" : "s"), a comparison needs "
                    + "\(options.minimumRuns): append more runs to the files, or give --minimum-runs"
            )
        }
        let only = sides.dropFirst().flatMap { side in
            Self.missing(baseline.order, in: side) + Self.missing(side.order, in: baseline)
        }
        if !only.isEmpty { notes.append("not measured: \(only.joined(separator: "; "))") }
        self.rows = rows
        self.notes = notes
        // A threshold must find its figure at every candidate: nothing passes by being absent.
        unmatched = options.thresholds.filter { threshold in
            sides.dropFirst().contains { side in
                !rows.contains { $0.candidate == side.label && threshold.covers($0.figure) }
            }
        }
    }

    /// The figures that a side has not, those of many points as one.
    private static func missing(_ names: [String], in side: Side) -> [String] {
        var told: [String] = []
        for name in names where side.samples[name] == nil {
            let figure = String(name.prefix { $0 != "{" })
            let isOne = names.count { $0.prefix { $0 != "{" } == figure } == 1
            let text = "\(isOne ? name : figure + " of some points") of \(side.label)"
            if !told.contains(text) { told.append(text) }
        }
        return told
    }

    private static func row(
        _ name: String,
        _ before: Sample,
        _ after: Sample,
        _ side: Side,
        _ thresholds: [Threshold]
    ) -> Row {
        let ratio: Double? =
            before.median == after.median
            ? 1 : before.median == 0 ? nil : after.median / before.median
        let checks = thresholds.filter { $0.covers(name) }.map { threshold in
            let value: Double? =
                switch threshold.statistic {
                case .ratio: ratio
                case .value: after.median
                case .spread: after.spread
                }
            return (threshold, value.map(threshold.holds) ?? false)
        }
        return Row(
            figure: name,
            candidate: side.label,
            baseline: before,
            value: after,
            ratio: ratio,
            checks: checks
        )
    }

    private static func checkData(
        _ sides: [Side],
        _ options: Options,
        _ notes: inout [String]
    ) throws(ReportError) {
        let known = sides.flatMap { $0.lines.map(\.data) }
        let first = known.first ?? nil
        let isSame = first.map { first in
            known.allSatisfy { $0.map { $0.isSame(as: first) } ?? false }
        }
        guard isSame != true else { return }
        let told = Set(known.map { $0?.description ?? "a file that does not say" }).sorted()
        let text = "not surely the same data: \(told.joined(separator: "; "))"
        guard options.allowsDifferentData else {
            throw ReportError(text + " (--allow-different-data compares nevertheless)")
        }
        notes.append(text)
    }

    private static func checkMachines(
        _ sides: [Side],
        _ options: Options,
        _ notes: inout [String]
    ) throws(ReportError) {
        let machines = Set(sides.flatMap { $0.lines.map { $0.hardware ?? "" } })
        guard machines.count != 1 || machines.contains("") else { return }
        let told = machines.sorted().map { $0.isEmpty ? "a file that does not say" : $0 }
        let text = "not surely the same machine: \(told.joined(separator: "; "))"
        guard options.allowsDifferentMachines else {
            throw ReportError(text + " (--allow-different-machines compares nevertheless)")
        }
        notes.append(text)
    }
}
