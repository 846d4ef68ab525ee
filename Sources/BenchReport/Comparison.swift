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
    /// Thresholds that a side has no figure for, or not at every point where the other has one.
    package let unmatched: [Threshold]
    /// Figures that one of baseline and candidate has and the other has not, and the side without.
    package let missing: [(figure: String, side: String)]
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
        let missing = sides.dropFirst().flatMap { side in
            Self.missing(beside: baseline, in: side) + Self.missing(beside: side, in: baseline)
        }
        if !missing.isEmpty { notes.append("not measured: " + Self.text(missing, of: sides)) }
        self.missing = missing
        self.rows = rows
        self.notes = notes
        // A threshold must find its figures at every candidate: nothing passes by being absent.
        unmatched = options.thresholds.filter { threshold in
            sides.dropFirst().contains { side in
                let isWithout = missing.contains {
                    ($0.side == side.label || $0.side == baseline.label)
                        && threshold.covers($0.figure)
                }
                return isWithout
                    || !rows.contains {
                        $0.candidate == side.label && threshold.covers($0.figure)
                    }
            }
        }
    }

    /// What `side` has not, or not in every run, of its own figures and the other's.
    private static func missing(
        beside other: Side,
        in side: Side
    ) -> [(figure: String, side: String)] {
        let others = other.order.filter { side.samples[$0] == nil }
        return (others + side.partial.filter { !others.contains($0) }).map { ($0, side.label) }
    }

    /// The missing figures, those of many points as one.
    private static func text(
        _ missing: [(figure: String, side: String)],
        of sides: [Side]
    ) -> String {
        let all = Set(sides.flatMap { $0.order + $0.partial })
        var told: [String] = []
        for (name, side) in missing {
            let figure = String(name.prefix { $0 != "{" })
            let isOne = all.count { $0.prefix { $0 != "{" } == figure } == 1
            let text = "\(isOne ? name : figure + " of some points") of \(side)"
            if !told.contains(text) { told.append(text) }
        }
        return told.joined(separator: "; ")
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
