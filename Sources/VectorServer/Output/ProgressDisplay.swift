import Glibc

/// Tells a person how far something is: a bar on a terminal, a line every ten seconds elsewhere.
struct ProgressDisplay {
    private let label: String
    private let start = ContinuousClock.now
    private var lastShown: ContinuousClock.Instant?
    private let isInteractive: Bool
    /// The share that was done before the start, so that the rate counts what is done now.
    private let startFraction: Double

    init(_ label: String, startFraction: Double = 0, isInteractive: Bool = Terminal.isInteractive) {
        self.label = label
        self.startFraction = startFraction
        self.isInteractive = isInteractive
    }

    /// Shows the state when it is time to.
    mutating func update(fraction: Double, detail: String) {
        let now = ContinuousClock.now
        let pause = isInteractive ? Duration.milliseconds(100) : .seconds(10)
        guard now - (lastShown ?? start) >= pause else { return }
        lastShown = now
        let line = Self.line(
            label: label,
            fraction: fraction,
            detail: detail,
            remaining: remaining(fraction, now),
            withBar: isInteractive
        )
        if isInteractive {
            Terminal.write("\r\u{1B}[K" + line, to: STDERR_FILENO)
        } else {
            Terminal.message(line)
        }
    }

    /// Shows the last state.
    mutating func finish(_ text: String) {
        if isInteractive, lastShown != nil { Terminal.write("\r\u{1B}[K", to: STDERR_FILENO) }
        Terminal.message("\(label): \(text)")
    }

    /// Leaves the line that shows the bar, before an error is written.
    func interrupt() {
        if isInteractive, lastShown != nil { Terminal.write("\n", to: STDERR_FILENO) }
    }

    private func remaining(_ fraction: Double, _ now: ContinuousClock.Instant) -> Duration? {
        let done = fraction - startFraction
        guard done > 0.001 else { return nil }
        return (now - start) * ((1 - fraction) / done)
    }

    static func line(
        label: String,
        fraction: Double,
        detail: String,
        remaining: Duration?,
        withBar: Bool
    ) -> String {
        let share = min(1, max(0, fraction))
        var line = label + ": "
        if withBar {
            let filled = Int(share * 30)
            line += "[" + String(repeating: "#", count: filled)
            line += String(repeating: ".", count: 30 - filled) + "] "
        }
        line += "\(Int(share * 100)) %"
        if !detail.isEmpty { line += ", \(detail)" }
        if let remaining {
            let seconds = remaining.components.seconds
            line += ", "
            line += seconds >= 60 ? "\(seconds / 60) min \(seconds % 60) s" : "\(seconds) s"
            line += " left"
        }
        return line
    }
}
