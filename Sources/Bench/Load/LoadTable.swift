import Evaluation
import Foundation

/// Prints a load report for people.
enum LoadTable {
    static func print(_ report: LoadReport) {
        Swift.print("# \(report.machine)")
        Swift.print(
            "# \(report.settings.collection), \(report.rows) rows; scenario "
                + "\(report.settings.scenario), \(report.settings.loop) loop, "
                + "\(report.settings.users) connections, seed \(report.settings.seed)"
        )
        let columns = ["operation", "requests", "errors"]
        let percentiles = ["p50 ms", "p90 ms", "p95 ms", "p99 ms", "p99.9 ms", "max ms"]
        row(columns + percentiles)
        for (name, operation) in report.operations.sorted(by: { $0.key < $1.key }) {
            line(name, operation)
        }
        line("all", report.total)
        Swift.print(
            String(
                format: "%.1f s, %.1f answers/s, at most %d connections, own lateness p99 ",
                report.seconds,
                report.answersPerSecond,
                report.connections.most
            ) + text(report.clientLatenessMs.p99) + " ms"
        )
        for (kind, count) in report.total.errors.sorted(by: { $0.key < $1.key }) {
            Swift.print("error \(kind): \(count)")
        }
        if report.serverAfter == .null { Swift.print("The server did not answer at the end.") }
        for verdict in report.thresholds {
            let value = verdict.value.map { String(format: "%.4g", $0) } ?? "no such answer"
            Swift.print("\(verdict.met ? "met" : "NOT MET")  \(verdict.threshold)  (\(value))")
        }
    }

    private static func line(_ name: String, _ operation: LoadReport.Operation) {
        let latency = operation.latencyMs
        let errors = operation.errors.values.reduce(0, +)
        let values = [
            latency.p50, latency.p90, latency.p95, latency.p99, latency.p999, latency.max,
        ]
        row(
            [name, "\(operation.requests)", "\(errors)"] + values.map(text)
        )
    }

    /// Milliseconds; a dash for what is no number.
    private static func text(_ milliseconds: Double?) -> String {
        milliseconds.map { String(format: "%.3f", $0) } ?? "–"
    }

    private static func row(_ cells: [String]) {
        Swift.print(cells.map { Terminal.padded($0, to: 11) }.joined(separator: " "))
    }
}
