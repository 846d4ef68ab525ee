/// A condition on the rows that a function returns, as the parameters of an address state it.
indirect enum RestFilter: Sendable, Equatable {
    /// A comparison of one field.
    case compare(RestField, Comparison)
    case and([RestFilter])
    case or([RestFilter])
    case not(RestFilter)

    /// What a field is compared with.
    enum Comparison: Sendable, Equatable {
        case equal(String)
        case notEqual(String)
        case greater(String)
        case greaterOrEqual(String)
        case less(String)
        case lessOrEqual(String)
        case like(String, ignoresCase: Bool)
        case isIn([String])
        case isNull
        case isUnknown
        case isBool(Bool)
        case contains(String)
    }

    /// The deepest nesting and the most comparisons that are read.
    static let maximumDepth = 32

    /// The fields that are compared.
    var fields: [RestField] {
        switch self {
        case .compare(let field, _): [field]
        case .and(let filters), .or(let filters): filters.flatMap(\.fields)
        case .not(let filter): filter.fields
        }
    }
}

extension RestFilter {
    /// Operators of PostgREST that are not served here.
    private static let unsupported: Set<String> = [
        "match", "imatch", "isdistinct", "fts", "plfts", "phfts", "wfts", "cd", "ov", "sl", "sr",
        "nxr", "nxl", "adj",
    ]

    private static let operators: Set<String> = [
        "eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "in", "is", "cs",
    ]

    /// Whether a value starts with an operator, so that it is a filter and no argument.
    static func isFilter(_ value: String) -> Bool {
        let word = value.prefix { $0 != "." && $0 != "(" }
        guard word.count < value.count else { return false }
        return word == "not" || operators.contains(String(word))
            || unsupported.contains(String(word))
    }

    /// Reads one parameter that is a filter.
    static func parse(name: String, value: String) throws(RestError) -> RestFilter {
        switch name {
        case "and", "or", "not.and", "not.or":
            let text = "\(name)\(value)"
            guard value.hasPrefix("(") else {
                throw .unreadable("logic tree", value, "expecting \"(\" (column 1)")
            }
            var scanner = RestScanner(text, part: "logic tree")
            let filter = try tree(&scanner, depth: 0)
            try scanner.requireEnd()
            return filter
        default: break
        }
        var scanner = RestScanner(name, part: "tree path")
        let field = try scanner.field()
        if scanner.next == "." {
            throw .unsupported("a filter on the embedded resource of \"\(name)\"")
        }
        try scanner.requireEnd()
        var values = RestScanner(value, part: "filter")
        let filter = try operation(&values, on: field, isInTree: false)
        try values.requireEnd()
        return filter
    }

    /// Reads `and(a.eq.1,not.or(b.is.null,c.in.(1,2)))`.
    private static func tree(
        _ scanner: inout RestScanner,
        depth: Int
    ) throws(RestError) -> RestFilter {
        guard depth <= maximumDepth else { throw scanner.expected("less nesting") }
        let start = scanner.position
        let isNegated = scanner.consume("not.")
        for word in ["and", "or"] where scanner.starts(with: "\(word)(") {
            _ = scanner.consume("\(word)(")
            var filters: [RestFilter] = []
            repeat {
                scanner.skipSpace()
                filters.append(try tree(&scanner, depth: depth + 1))
                scanner.skipSpace()
            } while scanner.consume(",")
            try scanner.require(")")
            let filter: RestFilter = word == "and" ? .and(filters) : .or(filters)
            return isNegated ? .not(filter) : filter
        }
        scanner.goBack(to: start)
        let field = try scanner.field()
        try scanner.require(".")
        return try operation(&scanner, on: field, isInTree: true)
    }

    private static func operation(
        _ scanner: inout RestScanner,
        on field: RestField,
        isInTree: Bool
    ) throws(RestError) -> RestFilter {
        let isNegated = scanner.consume("not.")
        let start = scanner.position
        let word = scanner.take(until: [".", "("])
        if unsupported.contains(word) { throw .unsupported("the operator \(word)") }
        guard operators.contains(word) else {
            scanner.goBack(to: start)
            throw scanner.expected("operator (eq, gt, ...)")
        }
        if scanner.next == "(" { throw .unsupported("the modifier of \(word)(…)") }
        try scanner.require(".")
        let comparison: Comparison
        switch word {
        case "in": comparison = .isIn(try list(&scanner))
        case "is": comparison = try truth(&scanner, isInTree: isInTree)
        default:
            let value = isInTree ? try treeValue(&scanner) : scanner.rest()
            comparison =
                switch word {
                case "eq": .equal(value)
                case "neq": .notEqual(value)
                case "gt": .greater(value)
                case "gte": .greaterOrEqual(value)
                case "lt": .less(value)
                case "lte": .lessOrEqual(value)
                case "like": .like(value, ignoresCase: false)
                case "ilike": .like(value, ignoresCase: true)
                default: .contains(value)
                }
        }
        let filter = RestFilter.compare(field, comparison)
        return isNegated ? .not(filter) : filter
    }

    /// Reads `("a,b",c)`.
    private static func list(_ scanner: inout RestScanner) throws(RestError) -> [String] {
        try scanner.require("(")
        if scanner.consume(")") { return [] }
        var values: [String] = []
        repeat {
            let start = scanner.position
            if scanner.next == "\"" {
                let value = try scanner.quoted()
                if scanner.next == "," || scanner.next == ")" {
                    values.append(value)
                    continue
                }
                scanner.goBack(to: start)
            }
            values.append(scanner.take(until: [",", ")"]))
        } while scanner.consume(",")
        try scanner.require(")")
        return values
    }

    private static func truth(
        _ scanner: inout RestScanner,
        isInTree: Bool
    ) throws(RestError) -> Comparison {
        let start = scanner.position
        let word = isInTree ? scanner.take(until: [",", ")"]) : scanner.rest()
        switch word.lowercased() {
        case "null": return .isNull
        case "unknown": return .isUnknown
        case "true": return .isBool(true)
        case "false": return .isBool(false)
        default:
            scanner.goBack(to: start)
            throw scanner.expected("null or trilean value (unknown, true, false)")
        }
    }

    /// Reads a value inside parentheses: quoted, an array in braces, or up to the next comma.
    private static func treeValue(_ scanner: inout RestScanner) throws(RestError) -> String {
        let start = scanner.position
        if scanner.next == "\"" {
            let value = try scanner.quoted()
            if scanner.isAtEnd || scanner.next == "," || scanner.next == ")" { return value }
            scanner.goBack(to: start)
        }
        if scanner.next == "{" {
            let array = scanner.take(until: ["}"])
            if scanner.consume("}") { return array + "}" }
            scanner.goBack(to: start)
        }
        return scanner.take(until: [",", ")"])
    }
}
