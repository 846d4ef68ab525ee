/// The columns that an answer has, from the parameter `select`.
struct RestSelection: Sendable, Equatable {
    /// One column of the answer.
    struct Item: Sendable, Equatable {
        /// What is read.
        var field: RestField
        /// What it is called.
        var name: String
        /// The type it is cast to.
        var cast: ColumnType?
    }

    /// The columns in order.
    var items: [Item]

    /// Every column of a function.
    init(all function: RestFunction) {
        items = function.columns.map { Item(field: RestField(name: $0.name), name: $0.name) }
    }

    /// Reads `id,text:content,metadata->>source,similarity::text,*`.
    init(_ text: String, of function: RestFunction) throws(RestError) {
        items = []
        var scanner = RestScanner(text, part: "select parameter")
        repeat {
            scanner.skipSpace()
            if scanner.consume("*") {
                items += RestSelection(all: function).items
            } else {
                items.append(try Self.item(&scanner))
            }
            scanner.skipSpace()
        } while scanner.consume(",")
        try scanner.requireEnd()
        for item in items where function.column(item.field.name) == nil {
            throw .unknownColumn(item.field.name, of: function.name)
        }
    }

    private static func item(_ scanner: inout RestScanner) throws(RestError) -> Item {
        if scanner.starts(with: "..") { throw .unsupported("spreading an embedded resource") }
        var field = try scanner.field()
        var alias: String?
        if scanner.next == ":", !scanner.starts(with: "::") {
            _ = scanner.consume(":")
            if scanner.starts(with: "..") { throw .unsupported("spreading an embedded resource") }
            alias = field.name
            field = try scanner.field()
        }
        switch scanner.next {
        case "(", "!": throw .unsupported("embedding the resource \(field.name)")
        case ".": throw .unsupported("aggregate functions")
        default: break
        }
        var item = Item(field: field, name: alias ?? field.defaultAlias, cast: nil)
        if scanner.consume("::") {
            let type = try scanner.fieldName()
            guard type == "text" else { throw .unsupported("the cast to \(type)") }
            item.cast = .text
        }
        return item
    }
}

/// The order of an answer, from the parameter `order`.
struct RestOrder: Sendable, Equatable {
    /// One thing to order by.
    struct Term: Sendable, Equatable {
        var field: RestField
        var isDescending = false
        var putsNullsFirst = false
    }

    /// The things to order by, the most important first.
    var terms: [Term] = []

    /// The order in which a search returns its rows.
    var isNatural: Bool {
        guard let first = terms.first else { return true }
        return terms.count == 1 && first.field == RestField(name: "similarity")
            && first.isDescending
    }

    /// Reads `similarity.desc.nullslast,id`.
    mutating func append(_ text: String, of function: RestFunction) throws(RestError) {
        var scanner = RestScanner(text, part: "order")
        repeat {
            scanner.skipSpace()
            let field = try scanner.field()
            if scanner.next == "(" { throw .unsupported("ordering by an embedded resource") }
            var term = Term(field: field)
            if scanner.consume(".desc") {
                term.isDescending = true
            } else {
                _ = scanner.consume(".asc")
            }
            // PostgreSQL has nulls last when ascending and first when descending.
            term.putsNullsFirst = term.isDescending
            if scanner.consume(".nullsfirst") {
                term.putsNullsFirst = true
            } else if scanner.consume(".nullslast") {
                term.putsNullsFirst = false
            }
            scanner.skipSpace()
            guard scanner.isAtEnd || scanner.next == "," else {
                throw scanner.expected("\"asc\", \"desc\", \"nullsfirst\" or \"nullslast\"")
            }
            guard function.column(field.name) != nil else {
                throw .unknownColumn(field.name, of: function.name)
            }
            terms.append(term)
        } while scanner.consume(",")
        try scanner.requireEnd()
    }
}
