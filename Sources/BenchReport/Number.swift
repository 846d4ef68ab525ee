import Foundation

/// Numbers as people read them.
package enum Number {
    /// The shortest text of `value` without a needless fraction.
    package static func plain(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }

    /// Three to four significant digits, thousands separated.
    package static func readable(_ value: Double) -> String {
        switch abs(value) {
        case 0: "0"
        case 100...: grouped(value.rounded())
        case 10...: String(format: "%.1f", value)
        case 1...: String(format: "%.2f", value)
        case 0.1...: String(format: "%.4f", value)
        default: String(format: "%.3g", value)
        }
    }

    /// A label of an axis: `250`, `10k`, `1.5M`, `0.95`.
    package static func short(_ value: Double) -> String {
        switch abs(value) {
        case 1e9...: trimmed(value / 1e9) + "G"
        case 1e6...: trimmed(value / 1e6) + "M"
        case 1e4...: trimmed(value / 1e3) + "k"
        default: trimmed(value)
        }
    }

    private static func trimmed(_ value: Double) -> String {
        String(format: "%.6g", value)
    }

    private static func grouped(_ value: Double) -> String {
        guard abs(value) < 1e15 else { return String(format: "%.3g", value) }
        var digits = String(Int(abs(value)))
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        groups.insert(digits, at: 0)
        return (value < 0 ? "-" : "") + groups.joined(separator: ",")
    }
}
