import Foundation

/// The terminal that the program writes to.
enum Terminal {
    /// Columns: the terminal's, or `COLUMNS`, or 100.
    static var width: Int {
        var size = winsize()
        if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
            return Int(size.ws_col)
        }
        return ProcessInfo.processInfo.environment["COLUMNS"].flatMap(Int.init) ?? 100
    }

    /// `text` in at most `width` characters, the end replaced by an ellipsis when it is longer.
    static func trimmed(_ text: String, to width: Int) -> String {
        text.count <= width ? text : text.prefix(max(width - 1, 0)) + "…"
    }

    /// `text` in exactly `width` characters.
    static func padded(_ text: String, to width: Int) -> String {
        let short = trimmed(text, to: width)
        return short + String(repeating: " ", count: width - short.count)
    }
}
