extension RestFilter {
    /// Whether a row passes, with SQL's three values: nil is unknown, which does not pass.
    func evaluate(_ row: inout RestRow) throws(RestError) -> Bool? {
        switch self {
        case .compare(let field, let comparison):
            return try comparison.evaluate(row.value(field))
        case .and(let filters):
            var result: Bool? = true
            for filter in filters {
                switch try filter.evaluate(&row) {
                case false?: return false
                case nil: result = nil
                case true?: break
                }
            }
            return result
        case .or(let filters):
            var result: Bool? = false
            for filter in filters {
                switch try filter.evaluate(&row) {
                case true?: return true
                case nil: result = nil
                case false?: break
                }
            }
            return result
        case .not(let filter):
            return try filter.evaluate(&row).map { !$0 }
        }
    }
}

extension RestFilter.Comparison {
    /// Compares a value; nil is unknown.
    func evaluate(_ value: ColumnValue?) throws(RestError) -> Bool? {
        switch self {
        case .isNull, .isUnknown: return value == nil
        case .isBool(let flag):
            guard let value else { return false }
            guard case .bool(let found) = value else {
                throw RestError(
                    400,
                    "42804",
                    "argument of IS \(flag ? "TRUE" : "FALSE") must be type boolean"
                )
            }
            return found == flag
        default: break
        }
        guard let value else { return nil }
        switch self {
        case .equal(let text): return try order(value, text) == 0
        case .notEqual(let text): return try order(value, text) != 0
        case .greater(let text): return try order(value, text) > 0
        case .greaterOrEqual(let text): return try order(value, text) >= 0
        case .less(let text): return try order(value, text) < 0
        case .lessOrEqual(let text): return try order(value, text) <= 0
        case .isIn(let texts):
            for text in texts where try order(value, text) == 0 { return true }
            return false
        case .like(let pattern, let ignoresCase):
            return LikePattern(pattern, ignoresCase: ignoresCase).matches(value.text)
        case .contains(let text):
            guard case .json(let node) = value else {
                throw .unsupported("the operator cs on a column that is no JSON")
            }
            return JSONContainment.contains(node, try JSONContainment.parse(text))
        case .isNull, .isUnknown, .isBool: return nil
        }
    }

    /// Negative, zero or positive, as the value is before, equal to or after what the text means.
    private func order(_ value: ColumnValue, _ text: String) throws(RestError) -> Int {
        switch value {
        case .text(let own): return Self.order(own, text)
        case .integer(let own):
            if let other = Int64(text) { return own < other ? -1 : own == other ? 0 : 1 }
            return Self.order(Double(own), try Self.number(text, "bigint"))
        case .unsigned(let own): return Self.order(Double(own), try Self.number(text, "numeric"))
        case .double(let own):
            return Self.order(own, try Self.number(text, "double precision"))
        case .bool(let own):
            let other = try Self.bool(text)
            return own == other ? 0 : own ? 1 : -1
        case .json(let own):
            return JSONContainment.order(own, try JSONContainment.parse(text))
        case .vector: throw .unsupported("comparing a vector")
        }
    }

    private static func order(_ left: Double, _ right: Double) -> Int {
        left < right ? -1 : left == right ? 0 : 1
    }

    /// By code points, PostgreSQL's collation C.
    static func order(_ left: String, _ right: String) -> Int {
        if left.utf8.elementsEqual(right.utf8) { return 0 }
        return left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1
    }

    private static func number(_ text: String, _ type: String) throws(RestError) -> Double {
        let trimmed = text.filter { $0 != " " }
        guard let number = Double(trimmed), !trimmed.isEmpty else {
            throw .invalidText(text, type: type)
        }
        return number
    }

    static func bool(_ text: String) throws(RestError) -> Bool {
        switch text.lowercased() {
        case "t", "true", "y", "yes", "on", "1": return true
        case "f", "false", "n", "no", "off", "0": return false
        default: throw .invalidText(text, type: "boolean")
        }
    }

    /// Refuses a text that cannot be of a column's type, before any row is looked at.
    func check(type: ColumnType?) throws(RestError) {
        let texts: [String]
        switch self {
        case .equal(let text), .notEqual(let text), .greater(let text),
            .greaterOrEqual(let text), .less(let text), .lessOrEqual(let text):
            texts = [text]
        case .isIn(let list): texts = list
        case .contains(let text):
            _ = try JSONContainment.parse(text)
            return
        case .like:
            if type == .vector { throw .unsupported("comparing a vector") }
            return
        case .isNull, .isUnknown, .isBool: return
        }
        for text in texts {
            switch type {
            case .int8: _ = try Self.number(text, "bigint")
            case .float8: _ = try Self.number(text, "double precision")
            case .bool: _ = try Self.bool(text)
            case .jsonb: _ = try JSONContainment.parse(text)
            case .vector: throw .unsupported("comparing a vector")
            case .text, .uuid, nil: break
            }
        }
    }
}

/// A pattern of `like`: `%` and PostgREST's `*` stand for any text, `_` for one character.
struct LikePattern {
    private let pattern: [Character]
    private let ignoresCase: Bool

    /// Reads a pattern.
    init(_ pattern: String, ignoresCase: Bool) {
        self.pattern = Array(ignoresCase ? pattern.lowercased() : pattern)
        self.ignoresCase = ignoresCase
    }

    /// Whether a text matches.
    ///
    /// - Complexity: O(*pattern* × *text*), by going back to the last `%` only.
    func matches(_ text: String) -> Bool {
        let text = Array(ignoresCase ? text.lowercased() : text)
        var position = 0
        var index = 0
        var star: Int?
        var mark = 0
        while position < text.count {
            if index < pattern.count, pattern[index] == "%" || pattern[index] == "*" {
                star = index
                mark = position
                index += 1
            } else if index + 1 < pattern.count, pattern[index] == "\\",
                pattern[index + 1] == text[position]
            {
                index += 2
                position += 1
            } else if index < pattern.count, pattern[index] != "\\",
                pattern[index] == "_" || pattern[index] == text[position]
            {
                index += 1
                position += 1
            } else if let star {
                index = star + 1
                mark += 1
                position = mark
            } else {
                return false
            }
        }
        while index < pattern.count, pattern[index] == "%" || pattern[index] == "*" { index += 1 }
        return index == pattern.count
    }
}
