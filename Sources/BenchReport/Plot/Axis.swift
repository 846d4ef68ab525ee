import Foundation

/// One axis of a panel: what it shows and where values lie on it.
package struct Axis: Sendable {
    package enum Kind: Sendable {
        case linear
        case logarithmic
        /// Shares up to 1, by the logarithm of what they lack: 0.9 to 0.99 is as long as 0.99 to 0.999.
        case recall
        /// Places 0, 1, 2 … with a name each.
        case categories([String])
    }

    /// What is shown, with its unit.
    package let title: String
    package let kind: Kind
    package let ticks: [(value: Double, label: String)]
    /// The values at both ends.
    package let domain: ClosedRange<Double>

    /// An axis that holds all of `values`.
    ///
    /// - Parameters:
    ///   - title: What is shown, with its unit.
    ///   - kind: How values are laid out; values of 0 or less have no place on a logarithmic axis.
    ///   - values: What must lie on the axis.
    ///   - limit: A value that the axis never passes, such as 1 for a recall.
    package init(title: String, kind: Kind, values: [Double], limit: Double? = nil) {
        self.title = title
        self.kind = kind
        let shown: [Double] =
            if case .logarithmic = kind { values.filter { $0 > 0 } } else { values }
        let range = (shown.min() ?? 1)...(shown.max() ?? 1)
        switch kind {
        case .linear:
            let all = Ticks.linear(range, count: 6).filter { $0 <= limit ?? .infinity }
            ticks = all.map { ($0, Number.short($0)) }
        case .logarithmic:
            ticks = Ticks.logarithmic(range).map { ($0, Number.short($0)) }
        case .recall:
            ticks = Self.recallTicks(range)
        case .categories(let names):
            ticks = names.enumerated().map { (Double($0), $1) }
            domain = -0.3...max(Double(names.count) - 0.7, 0.3)
            return
        }
        if case .recall = kind {
            domain = (ticks.first?.value ?? 0)...(ticks.last?.value ?? 1)
            return
        }
        let first = ticks.first?.value ?? 0
        domain = first...max(ticks.last?.value ?? first, limit ?? first, first + 1e-12)
    }

    /// Where `value` lies: 0 at the axis's start, 1 at its end.
    package func position(_ value: Double) -> Double {
        let (low, high) = (domain.lowerBound, domain.upperBound)
        if case .logarithmic = kind {
            return log(max(value, low) / low) / log(high / low)
        }
        if case .recall = kind {
            func place(_ share: Double) -> Double { -log10(1 - min(share, Self.fullRecall)) }
            return (place(max(value, low)) - place(low)) / (place(high) - place(low))
        }
        return (value - low) / (high - low)
    }

    /// Shares from here to 1 are drawn in one place: a logarithm has none for a lack of nothing.
    private static let fullRecall = 0.9995

    private static func recallTicks(
        _ range: ClosedRange<Double>
    ) -> [(value: Double, label: String)] {
        let values = [0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, fullRecall]
        let first = values.lastIndex { $0 <= range.lowerBound } ?? 0
        let last = values.firstIndex { $0 >= min(range.upperBound, fullRecall) }
        let end = max(last ?? values.count - 1, first + 1)
        return values[min(first, values.count - 2)...min(end, values.count - 1)].map {
            ($0, $0 == fullRecall ? "≥ 0.9995" : Number.short($0))
        }
    }
}
