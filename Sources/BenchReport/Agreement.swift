import Foundation

/// Whether two measurements of the same thing give the same figures.
///
/// Judged are the figures that do not depend on the speed of the machine at the moment: recall, work
/// done, bytes, and rates and times in units of a piece of work in the same seconds. Rates and times
/// alone are left out, because two hours of a shared machine differ more than two programs.
package struct Agreement: Sendable, Equatable {
    /// How much larger than the smaller one the larger may be, as a share.
    package let tolerance: Double
    /// Figures that were compared.
    package private(set) var count = 0
    /// Those that differ by more, with the difference as a share; infinite beside a 0.
    package private(set) var disagreeing: [(figure: String, difference: Double)] = []
    /// The largest difference and its figure.
    package private(set) var largest: (figure: String, difference: Double)?

    /// - Parameter tolerance: As in 0.15 for 15 %.
    package init(_ comparison: Comparison, tolerance: Double) {
        self.tolerance = tolerance
        for row in comparison.rows
        where ResultLine.repeatableNames.contains(Self.name(of: row.figure)) {
            let difference = Self.difference(row.ratio)
            let figure =
                comparison.sides.count > 2 ? "\(row.figure) of \(row.candidate)" : row.figure
            count += 1
            if difference > tolerance { disagreeing.append((figure, difference)) }
            if difference > largest?.difference ?? -1 { largest = (figure, difference) }
        }
    }

    /// Whether there was something to compare, and all of it agrees.
    package var holds: Bool { count > 0 && disagreeing.isEmpty }

    /// As in `84 of 84 ratios agree within 15 %; the largest difference is 6.3 %, of p99_rel`.
    package var text: String {
        guard let largest else { return "nothing to compare: no figure that repeats" }
        var text = "\(count - disagreeing.count) of \(count) ratios agree within "
        text += "\(Number.plain((tolerance * 1_000).rounded() / 10)) %; the largest difference is "
        text += "\(Self.percent(largest.difference)), of \(largest.figure)"
        guard !disagreeing.isEmpty else { return text }
        let all = disagreeing.map { "\($0.figure) by \(Self.percent($0.difference))" }
        return text + "; these differ by more: " + all.joined(separator: ", ")
    }

    package static func == (left: Self, right: Self) -> Bool { left.text == right.text }

    private static func difference(_ ratio: Double?) -> Double {
        guard let ratio, ratio > 0 else { return .infinity }
        return max(ratio, 1 / ratio) - 1
    }

    private static func percent(_ share: Double) -> String {
        share.isFinite ? String(format: "%.1f %%", share * 100) : "all of it (one of them is 0)"
    }

    /// The field of a figure's name: `p99_rel` of `p99_rel{recall_target=0.9}`.
    private static func name(of figure: String) -> String {
        String(figure.prefix { $0 != "{" })
    }
}
