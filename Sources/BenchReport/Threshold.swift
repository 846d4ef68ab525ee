import Foundation

/// A condition that a comparison must meet.
///
/// ```
/// threshold := figure statistic relation number ["%"]
/// figure    := a name of the table: qps@recall10>=0.95, p99_us{recall_target=0.95}, build_s;
///              without {…} every point of that name; "*" every figure
/// statistic := "ratio"    median of the candidate / median of the baseline
///            | "value"    median of the candidate
///            | "spread"   (maximum − minimum) / median of the candidate
/// relation  := ">=" | "<=" | ">" | "<" | "within"
/// ```
///
/// `ratio within 15%` holds when neither side is more than 1.15 times the other.
package struct Threshold: Sendable, Equatable {
    package enum Statistic: String, Sendable, CaseIterable {
        case ratio, value, spread
    }

    package enum Relation: String, Sendable, CaseIterable {
        case atLeast = ">="
        case atMost = "<="
        case above = ">"
        case below = "<"
        case within
    }

    package var text: String
    package var figure: String
    package var statistic: Statistic
    package var relation: Relation
    package var bound: Double

    package init(_ text: String) throws(ReportError) {
        self.text = text
        let words = text.split(whereSeparator: \.isWhitespace).map { String($0) }
        guard words.count >= 2 else { throw Self.unreadable(text, "it needs a figure and a bound") }
        figure = words[0]
        var rest = words.dropFirst().joined()
        guard let statistic = Statistic.allCases.first(where: { rest.hasPrefix($0.rawValue) })
        else { throw Self.unreadable(text, "after the figure comes ratio, value or spread") }
        self.statistic = statistic
        rest.removeFirst(statistic.rawValue.count)
        // The longer relations come first: `>=` also begins with `>`.
        guard let relation = Relation.allCases.first(where: { rest.hasPrefix($0.rawValue) })
        else { throw Self.unreadable(text, "after \(statistic) comes >=, <=, >, < or within") }
        self.relation = relation
        rest.removeFirst(relation.rawValue.count)
        let isPercent = rest.hasSuffix("%")
        if isPercent { rest.removeLast() }
        guard let number = Double(rest), number.isFinite, number >= 0 else {
            throw Self.unreadable(text, "`\(rest)` is not a number of 0 or more")
        }
        guard relation != .within || statistic == .ratio else {
            throw Self.unreadable(text, "only a ratio can be within")
        }
        bound = isPercent ? number / 100 : number
    }

    private static func unreadable(_ text: String, _ reason: String) -> ReportError {
        ReportError(
            "threshold `\(text)`: \(reason); an example: "
                + "\"qps@recall10>=0.95 ratio>=0.9\""
        )
    }

    /// Whether the threshold speaks of the figure named `name`.
    package func covers(_ name: String) -> Bool {
        figure == "*" || figure == name || name.hasPrefix(figure + "{")
    }

    /// Whether `value`, the statistic of a figure, meets the bound.
    package func holds(_ value: Double) -> Bool {
        switch relation {
        case .atLeast: value >= bound
        case .atMost: value <= bound
        case .above: value > bound
        case .below: value < bound
        case .within: value > 0 && max(value, 1 / value) <= 1 + bound
        }
    }
}
