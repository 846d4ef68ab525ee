import Foundation

/// One axis of a panel: what it shows and where values lie on it.
package struct Axis: Sendable {
    package enum Kind: Sendable {
        case linear
        case logarithmic
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
        case .categories(let names):
            ticks = names.enumerated().map { (Double($0), $1) }
            domain = -0.3...max(Double(names.count) - 0.7, 0.3)
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
        return (value - low) / (high - low)
    }
}
