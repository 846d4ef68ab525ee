import Foundation

/// Whether two measurements of the same thing give the same figures.
///
/// Judged are the figures that do not depend on the speed of the machine at the moment: recall, work
/// done, bytes, and rates and times in units of a piece of work in the same seconds. Rates and times
/// alone are left out, because two hours of a shared machine differ more than two programs. Figures of
/// time are counted apart from those that hardly vary, so that the many do not hide the few.
package struct Agreement: Sendable, Equatable {
    /// What two figures may differ by.
    package enum Kind: CaseIterable, Sendable {
        /// Rates and times beside a fixed piece of work.
        case time
        /// Shares of the true neighbours, of which 15 % would be the difference of two programs.
        case recall
        /// Work done, bytes and counts.
        case work

        /// Nil for a figure that is not judged.
        init?(_ field: String) {
            guard ResultLine.repeatableNames.contains(field) else { return nil }
            self =
                field.hasSuffix("_rel") ? .time : field.hasPrefix("recall") ? .recall : .work
        }
    }

    /// One figure that was compared.
    private struct Judged: Sendable {
        var figure: String
        /// A share of the smaller value; of recall the plain difference.
        ///
        /// Nil when one side has no such figure, infinite beside a 0.
        var difference: Double?
    }

    /// How far apart two recalls may be.
    package static let recallTolerance = 0.005

    /// How much larger than the smaller one the larger may be, as a share.
    package let tolerance: Double
    private var judged: [Kind: [Judged]] = [:]

    /// - Parameter tolerance: As in 0.15 for 15 %.
    package init(_ comparison: Comparison, tolerance: Double) {
        self.tolerance = tolerance
        let hasMany = comparison.sides.count > 2
        for row in comparison.rows {
            guard let kind = Kind(Self.name(of: row.figure)) else { continue }
            let difference =
                kind == .recall
                ? abs(row.value.median - row.baseline.median) : Self.difference(row.ratio)
            let figure = hasMany ? "\(row.figure) of \(row.candidate)" : row.figure
            judged[kind, default: []].append(Judged(figure: figure, difference: difference))
        }
        for (figure, label) in comparison.missing {
            guard let kind = Kind(Self.name(of: figure)) else { continue }
            judged[kind, default: []].append(Judged(figure: "\(figure) of \(label)"))
        }
    }

    private func limit(_ kind: Kind) -> Double {
        kind == .recall ? Self.recallTolerance : tolerance
    }

    private func agrees(_ item: Judged, _ kind: Kind) -> Bool {
        // The small number is for recalls whose difference is not exact in binary.
        item.difference.map { $0 <= limit(kind) + 1e-12 } ?? false
    }

    /// Figures that were compared.
    package var count: Int { judged.values.reduce(0) { $0 + $1.count } }

    /// Those that differ by more, or that one side has not.
    package var disagreeing: [String] {
        Kind.allCases.flatMap { kind in
            (judged[kind] ?? []).filter { !agrees($0, kind) }.map { item in
                guard let difference = item.difference else { return "\(item.figure) is missing" }
                return "\(item.figure) by \(Self.text(difference, kind))"
            }
        }
    }

    /// The largest difference among the figures of time, as a share.
    package var largest: (figure: String, difference: Double)? {
        (judged[.time] ?? []).compactMap { item in item.difference.map { (item.figure, $0) } }
            .max { $0.1 < $1.1 }
    }

    /// Whether there was something to compare, and all of it agrees.
    package var holds: Bool { count > 0 && disagreeing.isEmpty }

    /// As in `30 of 30 ratios of time agree within 15 %, the largest difference is 6.3 %, of p99_rel; 8
    /// of 8 recalls within 0.005; 40 of 40 figures of work and size within 15 %`.
    package var text: String {
        guard count > 0 else { return "nothing to compare: no figure that repeats" }
        let percent = "\(Number.plain((tolerance * 1_000).rounded() / 10)) %"
        var parts: [String] = []
        if let share = share(.time) {
            var part = "\(share) ratios of time agree within \(percent)"
            if let largest {
                part += ", the largest difference is \(Self.text(largest.difference, .time)), of "
                part += largest.figure
            }
            parts.append(part)
        }
        if let share = share(.recall) {
            parts.append("\(share) recalls within \(Number.plain(Self.recallTolerance))")
        }
        if let share = share(.work) {
            parts.append("\(share) figures of work and size within \(percent)")
        }
        let text = parts.joined(separator: "; ")
        let disagreeing = disagreeing
        return disagreeing.isEmpty
            ? text : text + "; these do not agree: " + disagreeing.joined(separator: ", ")
    }

    /// As in `8 of 9`; nil without any.
    private func share(_ kind: Kind) -> String? {
        judged[kind].map { all in "\(all.count { agrees($0, kind) }) of \(all.count)" }
    }

    package static func == (left: Self, right: Self) -> Bool { left.text == right.text }

    private static func difference(_ ratio: Double?) -> Double {
        guard let ratio, ratio > 0 else { return .infinity }
        return max(ratio, 1 / ratio) - 1
    }

    private static func text(_ difference: Double, _ kind: Kind) -> String {
        if kind == .recall { return String(format: "%.4f", difference) }
        return difference.isFinite
            ? String(format: "%.1f %%", difference * 100) : "all of it (one of them is 0)"
    }

    /// The field of a figure's name: `p99_rel` of `p99_rel{recall_target=0.9}`.
    private static func name(of figure: String) -> String {
        String(figure.prefix { $0 != "{" })
    }
}
