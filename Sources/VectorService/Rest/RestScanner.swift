/// Reads the small grammars of PostgREST's parameters character by character.
///
/// - Source: PostgREST, "Tables and Views"; its parsers for field names, JSON paths and quoting.
struct RestScanner {
    private let scalars: [Unicode.Scalar]
    private(set) var position = 0
    /// What is read, for messages: `filter`, `select parameter`, `order`.
    let part: String
    private let text: String

    /// Starts at the beginning of a text.
    init(_ text: String, part: String) {
        scalars = Array(text.unicodeScalars)
        self.text = text
        self.part = part
    }

    /// Whether all is read.
    var isAtEnd: Bool { position == scalars.count }

    /// The next character.
    var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    /// A refusal that names what was expected here.
    func expected(_ what: String) -> RestError {
        let found = next.map { "unexpected \"\($0)\"" } ?? "unexpected end of input"
        return .unreadable(part, text, "\(found) expecting \(what) (column \(position + 1))")
    }

    /// Whether the text goes on with `word`; it is consumed then.
    mutating func consume(_ word: String) -> Bool {
        guard starts(with: word) else { return false }
        position += word.unicodeScalars.count
        return true
    }

    /// Whether the text goes on with `word`.
    func starts(with word: String) -> Bool {
        let word = Array(word.unicodeScalars)
        return position + word.count <= scalars.count
            && scalars[position..<position + word.count].elementsEqual(word)
    }

    /// Consumes `word` or refuses.
    mutating func require(_ word: String) throws(RestError) {
        guard consume(word) else { throw expected("\"\(word)\"") }
    }

    /// Consumes blanks.
    mutating func skipSpace() {
        while next == " " || next == "\t" { position += 1 }
    }

    /// Consumes characters for as long as they are none of `end`.
    mutating func take(until end: Set<Unicode.Scalar>) -> String {
        var result = String.UnicodeScalarView()
        while let scalar = next, !end.contains(scalar) {
            result.append(scalar)
            position += 1
        }
        return String(result)
    }

    /// Consumes all that is left.
    mutating func rest() -> String {
        take(until: [])
    }

    /// Goes back to a place.
    mutating func goBack(to place: Int) {
        position = place
    }

    /// Reads `"…"` with `\` before a quotation mark or a backslash.
    mutating func quoted() throws(RestError) -> String {
        try require("\"")
        var result = String.UnicodeScalarView()
        while let scalar = next {
            position += 1
            if scalar == "\"" { return String(result) }
            if scalar == "\\" {
                guard let escaped = next else { break }
                position += 1
                result.append(escaped)
            } else {
                result.append(scalar)
            }
        }
        throw expected("\"\\\"\"")
    }

    /// Reads the name of a field: letters, digits, `_`, `$`, inner blanks and single dashes, or any
    /// characters in quotation marks.
    mutating func fieldName() throws(RestError) -> String {
        if next == "\"" { return try quoted() }
        var result = ""
        while let scalar = next {
            let isNamePart =
                scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                || scalar == "_" || scalar == "$" || scalar == " "
            let isDash =
                scalar == "-" && position + 1 < scalars.count && scalars[position + 1] != ">"
            guard isNamePart || isDash else { break }
            result.unicodeScalars.append(scalar)
            position += 1
        }
        while result.last == " " { result.removeLast() }
        while result.first == " " { result.removeFirst() }
        guard !result.isEmpty else { throw expected("field name (* or [a..z0..9_$])") }
        return result
    }

    /// Reads a name with the JSON path behind it, as in `metadata->tags->>0`.
    mutating func field() throws(RestError) -> RestField {
        var field = RestField(name: try fieldName())
        while starts(with: "->") {
            guard !field.isText else { throw expected("the end of the path after ->>") }
            field.isText = starts(with: "->>")
            position += field.isText ? 3 : 2
            let start = position
            let isNegative = consume("-")
            let digits = take(while: { $0.properties.numericType != nil })
            let ends = isAtEnd || [".", ",", ")", ":"].contains(next) || starts(with: "->")
            if let index = Int(digits), ends {
                field.path.append(.index(isNegative ? -index : index))
            } else {
                position = start
                field.path.append(.key(try fieldName()))
            }
        }
        return field
    }

    private mutating func take(while condition: (Unicode.Scalar) -> Bool) -> String {
        var result = String.UnicodeScalarView()
        while let scalar = next, condition(scalar) {
            result.append(scalar)
            position += 1
        }
        return String(result)
    }

    /// Refuses what is left.
    func requireEnd() throws(RestError) {
        guard isAtEnd else { throw expected("end of input") }
    }
}

/// A column, or a place inside its JSON.
struct RestField: Sendable, Equatable {
    /// A step into JSON.
    enum Step: Sendable, Equatable {
        case key(String)
        case index(Int)
    }

    /// The column.
    var name: String
    /// The steps from its value inwards.
    var path: [Step] = []
    /// Whether the last step takes text (`->>`) instead of JSON (`->`).
    var isText = false

    /// The name that a selected field has when it is given no other: its last key.
    var defaultAlias: String {
        for case .key(let key) in path.reversed() { return key }
        return name
    }
}
