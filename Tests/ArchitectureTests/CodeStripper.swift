/// Replaces comments and string literals by spaces and keeps every line break.
///
/// Code inside an interpolation is kept: `"\(unlink(path))"` is a call like any other.
struct CodeStripper {
    private let text: [Character]
    private var position = 0
    private var output: [Character] = []

    /// The code of `text`.
    static func strip(_ text: String) -> String {
        var stripper = CodeStripper(text: Array(text))
        stripper.copyCode(untilParenthesis: false)
        return String(stripper.output)
    }

    private init(text: [Character]) {
        self.text = text
        output.reserveCapacity(text.count)
    }

    private func sees(_ word: String) -> Bool {
        text[position...].starts(with: word)
    }

    private mutating func copy() {
        output.append(text[position])
        position += 1
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where position < text.count {
            output.append(text[position].isNewline ? "\n" : " ")
            position += 1
        }
    }

    private mutating func copyCode(untilParenthesis: Bool) {
        var depth = 0
        while position < text.count {
            if sees("//") {
                while position < text.count, !text[position].isNewline { blank() }
            } else if sees("/*") {
                blankComment()
            } else if let hashes = stringStart() {
                blankString(hashes: hashes)
            } else {
                if text[position] == "(" { depth += 1 }
                if text[position] == ")" {
                    depth -= 1
                    if untilParenthesis, depth < 0 { return }
                }
                copy()
            }
        }
    }

    private mutating func blankComment() {
        var depth = 0
        repeat {
            if sees("/*") {
                depth += 1
                blank(2)
            } else if sees("*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && position < text.count
    }

    /// The number of `#` before the quote when a string literal begins here.
    private func stringStart() -> Int? {
        let hashes = text[position...].prefix { $0 == "#" }.count
        let quote = position + hashes
        return quote < text.count && text[quote] == "\"" ? hashes : nil
    }

    private mutating func blankString(hashes: Int) {
        blank(hashes)
        let quote = sees("\"\"\"") ? "\"\"\"" : "\""
        let end = quote + String(repeating: "#", count: hashes)
        let escape = "\\" + String(repeating: "#", count: hashes)
        blank(quote.count)
        while position < text.count, !sees(end) {
            if sees(escape + "(") {
                blank(escape.count + 1)
                copyCode(untilParenthesis: true)
                blank()
            } else if sees(escape) {
                blank(escape.count + 1)
            } else {
                blank()
            }
        }
        blank(end.count)
    }
}
