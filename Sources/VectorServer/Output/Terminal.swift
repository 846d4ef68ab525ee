import Glibc

/// Where results and messages go, and what they may look like there.
enum Terminal {
    /// Whether a person reads the messages.
    static let isInteractive: Bool = isatty(STDERR_FILENO) == 1 && environment("TERM") != "dumb"

    /// Whether results may be set in bold.
    static let usesStyle: Bool =
        isatty(STDOUT_FILENO) == 1 && (environment("NO_COLOR") ?? "").isEmpty
        && environment("TERM") != "dumb"

    static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// Writes a line for people.
    static func message(_ text: String) {
        write(text + "\n", to: STDERR_FILENO)
    }

    /// Writes a line of the result.
    static func result(_ text: String) {
        write(text + "\n", to: STDOUT_FILENO)
    }

    /// Writes JSON as a line of the result.
    static func result(json: [UInt8]) {
        result(String(decoding: json, as: UTF8.self))
    }

    static func bold(_ text: String) -> String {
        usesStyle ? "\u{1B}[1m\(text)\u{1B}[0m" : text
    }

    static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                return
            }
            bytes = bytes.dropFirst(count)
        }
    }

    /// Text without what a terminal would obey: stored text is not ours.
    static func sanitized(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    scalar.properties.generalCategory == .control ? " " : scalar
                }
            )
        )
    }

    /// Lines up rows under a heading.
    static func table(_ heading: [String], _ rows: [[String]]) {
        let rows = rows.map { $0.map(sanitized) }
        var widths = heading.map(\.count)
        for row in rows {
            for (column, cell) in row.enumerated() {
                widths[column] = max(widths[column], cell.count)
            }
        }
        func line(_ cells: [String]) -> String {
            var text = ""
            for (column, cell) in cells.enumerated() {
                text += cell
                guard column < cells.count - 1 else { break }
                text += String(repeating: " ", count: widths[column] - cell.count + 2)
            }
            return text
        }
        result(bold(line(heading)))
        for row in rows { result(line(row)) }
    }

    /// A number with two decimals and a binary unit.
    static func bytes(_ count: Double) -> String {
        var value = count
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if value < 1024 { return "\(decimals(value, unit == "B" ? 0 : 1)) \(unit)" }
            value /= 1024
        }
        return "\(decimals(value, 1)) TiB"
    }

    static func decimals(_ value: Double, _ count: Int) -> String {
        guard value.isFinite, value.magnitude < 1e15 else { return "\(value)" }
        var scale = 1.0
        for _ in 0..<count { scale *= 10 }
        let scaled = Int64((value * scale).rounded())
        guard count > 0 else { return String(scaled) }
        let magnitude = String(scaled.magnitude)
        let digits = String(repeating: "0", count: max(0, count + 1 - magnitude.count)) + magnitude
        return (scaled < 0 ? "-" : "") + digits.dropLast(count) + "." + digits.suffix(count)
    }
}
