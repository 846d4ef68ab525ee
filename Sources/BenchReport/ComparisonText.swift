import Foundation

/// A comparison as text: a table for the terminal or for Markdown.
package struct ComparisonText: Sendable {
    private let comparison: Comparison

    package init(_ comparison: Comparison) {
        self.comparison = comparison
    }

    private static let head = [
        "figure", "candidate", "baseline", "its range", "candidate's", "its range", "ratio",
        "verdict",
    ]

    private var cells: [[String]] {
        comparison.rows.map { row in
            [
                row.figure, row.candidate, Number.readable(row.baseline.median),
                Self.range(row.baseline), Number.readable(row.value.median),
                Self.range(row.value), row.ratio.map { String(format: "%.3f", $0) } ?? "–",
                row.checks.isEmpty
                    ? "" : row.checks.map { $0.holds ? "ok" : "FAIL" }.joined(separator: " "),
            ]
        }
    }

    private static func range(_ sample: Sample) -> String {
        "\(Number.readable(sample.minimum))–\(Number.readable(sample.maximum))"
            + " (\(sample.count) run\(sample.count == 1 ? "" : "s"))"
    }

    /// The table in columns.
    package var terminal: String {
        let rows = [Self.head] + cells
        let widths = Self.head.indices.map { column in
            rows.map { $0[column].count }.max() ?? 0
        }
        let table = rows.map { row in
            row.indices.map { column in
                let pad = String(repeating: " ", count: widths[column] - row[column].count)
                return [0, 1, 7].contains(column) ? row[column] + pad : pad + row[column]
            }.joined(separator: "  ").trimmingSuffix()
        }
        return (["baseline: \(comparison.baseline.label)", ""] + table + [""] + endings)
            .joined(separator: "\n")
    }

    /// The table in Markdown.
    package var markdown: String {
        func line(_ cells: [String]) -> String {
            "| "
                + cells.map {
                    $0.replacingOccurrences(of: "|", with: "\\|")
                        .replacingOccurrences(of: "<", with: "&lt;")
                }.joined(separator: " | ") + " |"
        }
        let rule = "|" + String(repeating: "---|", count: 2) + String(repeating: "---:|", count: 5)
        return
            (["Baseline: **\(comparison.baseline.label)**", "", line(Self.head), rule + "---|"]
            + cells.map(line) + [""] + endings.map { "- " + $0 }).joined(separator: "\n")
    }

    /// Notes and the verdict on each threshold.
    private var endings: [String] {
        var texts = comparison.notes.map { "note: " + $0 }
        for threshold in comparison.unmatched {
            texts.append(
                "FAIL: `\(threshold.text)`: a side has no such figure, or not at every point"
            )
        }
        var told: [Threshold] = []
        for row in comparison.rows {
            for check in row.checks where !told.contains(check.threshold) {
                told.append(check.threshold)
                let of = comparison.rows.filter {
                    $0.checks.contains { $0.threshold == check.threshold }
                }
                let failed = of.filter {
                    $0.checks.contains { $0.threshold == check.threshold && !$0.holds }
                }
                texts.append(
                    failed.isEmpty
                        ? "ok: `\(check.threshold.text)` (\(of.count) figures)"
                        : "FAIL: `\(check.threshold.text)`: \(failed.count) of \(of.count) figures"
                )
            }
        }
        return texts
    }
}

extension String {
    fileprivate func trimmingSuffix() -> String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
