import VectorStore

/// A call of a function: what its address, headers and body ask for.
struct RestCall: Sendable {
    let function: RestFunction
    let arguments: RestArguments
    let selection: RestSelection
    let order: RestOrder
    let filters: [RestFilter]
    let offset: Int
    let limit: Int?
    let preferences: RestPreferences
    let mediaType: RestMediaType

    /// Parameters that are neither filters nor arguments.
    private static let reserved: Set<String> = [
        "select", "order", "limit", "offset", "and", "or", "not.and", "not.or", "columns",
        "on_conflict",
    ]

    /// Reads a request.
    ///
    /// - Parameters:
    ///   - name: The function's name, as the path has it.
    ///   - schema: The schema that the client chose.
    init(
        _ name: String,
        _ request: ServiceRequest,
        registry: FunctionRegistry,
        schema: String
    ) throws(RestError) {
        mediaType = try RestMediaType(accept: request.headers["accept"])
        preferences = try RestPreferences(request.headers.values("prefer"))
        let isRead = request.method != "POST"
        let plain = request.parameters.filter { parameter in
            !Self.reserved.contains(parameter.name) && !RestFilter.isFilter(parameter.value)
                && !parameter.name.contains(".")
        }
        if isRead {
            arguments = try RestArguments(parameters: plain)
        } else {
            arguments = try RestArguments(
                body: request.body,
                contentType: request.contentType,
                vectorArgument: registry.functions[name]?.first?.vectorArgument ?? ""
            )
        }
        let function = try registry.function(name, arguments: arguments.names, schema: schema)
        self.function = function
        var selection = RestSelection(all: function)
        var order = RestOrder()
        var filters: [RestFilter] = []
        var offset = 0
        var limit: Int?
        for (name, value) in request.parameters {
            switch name {
            case "select": selection = try RestSelection(value, of: function)
            case "order": if !value.isEmpty { try order.append(value, of: function) }
            case "limit": limit = try Self.count(value, "limit")
            case "offset": offset = try Self.count(value, "offset")
            case "columns", "on_conflict": break
            default:
                let isFilter =
                    Self.reserved.contains(name) || RestFilter.isFilter(value) || name.contains(".")
                if !isFilter, isRead { break }
                filters.append(try Self.filter(name: name, value: value, of: function))
            }
        }
        if isRead, let range = Self.range(request.headers["range"]) {
            offset = max(offset, range.lowerBound)
            limit = min(limit ?? .max, range.count)
        }
        self.selection = selection
        self.order = order
        self.filters = filters
        self.offset = offset
        self.limit = limit
    }

    private static func count(_ text: String, _ part: String) throws(RestError) -> Int {
        guard let count = Int(text) else {
            throw .unreadable(part, text, "expecting an integer")
        }
        guard count >= 0 else {
            throw RestError(
                416,
                "PGRST103",
                "Requested range not satisfiable",
                details: "\(part.prefix(1).uppercased())\(part.dropFirst()) should be greater than "
                    + "or equal to zero."
            )
        }
        return count
    }

    /// Reads `0-4` or `items=0-4`.
    private static func range(_ header: String?) -> Range<Int>? {
        guard let header else { return nil }
        let text = header.split(separator: "=").last ?? ""
        let bounds = text.split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count == 2, let first = Int(bounds[0]) else { return nil }
        guard !bounds[1].isEmpty else { return first..<Int.max }
        guard let last = Int(bounds[1]), first <= last, last < Int.max else { return nil }
        return first..<last + 1
    }

    private static func filter(
        name: String,
        value: String,
        of function: RestFunction
    ) throws(RestError) -> RestFilter {
        let filter = try RestFilter.parse(name: name, value: value)
        for field in filter.fields where function.column(field.name) == nil {
            throw .unknownColumn(field.name, of: function.name)
        }
        return filter
    }

    /// What a search found, before it is filtered, ordered and cut.
    struct Found: Sendable {
        var rows: [RestRow]
        /// Conditions that are yet to be checked.
        var filters: [RestFilter]
        /// The columns that are read from Postgres.
        var metadataColumns: Set<String>
    }

    /// Searches.
    ///
    /// - Note: It blocks; to be called on a thread that may.
    func search(in collection: VectorCollection, scope: RowScope) throws -> Found {
        let configuration = collection.configuration
        var search = try RestSearch(
            function,
            arguments: arguments,
            scope: scope,
            in: configuration
        )
        for filter in filters { try check(filter, search: search, in: configuration) }
        let pushesDown = !search.isLimitGiven || function.pushesFiltersDown
        if pushesDown {
            for filter in filters {
                for case .metadata? in filter.fields.map({ search.sources[$0.name] }) {
                    throw RestError.unsupported(
                        "filtering by a column of Postgres before the limit; give the limit as an "
                            + "argument"
                    )
                }
                search.pushDown(filter, in: configuration)
            }
        }
        let fields =
            selection.items.map(\.field) + order.terms.map(\.field)
            + (pushesDown ? [] : filters.flatMap(\.fields))
        search.include(fields)
        let end = limit.map { offset.addingReportingOverflow($0) }
            .map { $0.overflow ? Int.max : $0.partialValue }
        // Only what is shown is looked for, unless more decides what is shown.
        let needsAll =
            preferences.wantsCount || !order.isNatural || !(pushesDown || filters.isEmpty)
        var columns = Set<String>()
        for field in fields {
            if case .metadata(let name)? = search.sources[field.name] { columns.insert(name) }
        }
        return Found(
            rows: try search.rows(needsAll ? .max : end ?? .max, in: collection),
            filters: pushesDown ? [] : filters,
            metadataColumns: columns
        )
    }

    /// Makes the answer of what was found.
    func answer(_ found: Found, isHead: Bool) throws(RestError) -> ServiceAnswer {
        var rows: [RestRow] = []
        for row in found.rows {
            var row = row
            var passes = true
            for filter in found.filters where passes {
                passes = try filter.evaluate(&row) == true
            }
            if passes { rows.append(row) }
        }
        if !order.isNatural { rows = order.sorted(rows) }
        let total = preferences.wantsCount ? rows.count : nil
        let shown = rows.dropFirst(offset).prefix(limit ?? .max)
        return try RestAnswer(call: self, rows: Array(shown), total: total).encoded(isHead: isHead)
    }

    /// Refuses a comparison that is wrong for the type of its column, also when no row is compared.
    private func check(
        _ filter: RestFilter,
        search: RestSearch,
        in configuration: CollectionConfiguration
    ) throws(RestError) {
        switch filter {
        case .and(let filters), .or(let filters):
            for filter in filters { try check(filter, search: search, in: configuration) }
        case .not(let filter): try check(filter, search: search, in: configuration)
        case .compare(let field, let comparison):
            var type = function.column(field.name)?.type
            switch search.sources[field.name] {
            case .similarity, .distance: type = .float8
            case .vector: type = .vector
            case .record: type = .jsonb
            case .attribute(let name):
                switch configuration.attributes.first(where: { $0.name == name })?.type {
                case .int64: type = .int8
                case .double: type = .float8
                case .bool: type = .bool
                default: break
                }
            default: break
            }
            if !field.path.isEmpty { type = field.isText ? .text : .jsonb }
            try comparison.check(type: type)
        }
    }
}

extension RestOrder {
    /// Sorts rows; those that are equal keep their order.
    func sorted(_ rows: [RestRow]) -> [RestRow] {
        let keyed = rows.enumerated().map { index, row in
            var row = row
            return (keys: terms.map { row.value($0.field) }, index: index)
        }
        let order = keyed.sorted { left, right in
            for (term, (one, other)) in zip(terms, zip(left.keys, right.keys)) {
                let comparison: Int
                switch (one, other) {
                case (nil, nil): comparison = 0
                case (nil, _): comparison = term.putsNullsFirst ? -1 : 1
                case (_, nil): comparison = term.putsNullsFirst ? 1 : -1
                case (let one?, let other?):
                    let ascending = Self.compare(one, other)
                    comparison = term.isDescending ? -ascending : ascending
                }
                if comparison != 0 { return comparison < 0 }
            }
            return left.index < right.index
        }
        return order.map { rows[$0.index] }
    }

    private static func compare(_ left: ColumnValue, _ right: ColumnValue) -> Int {
        if let left = left.number, let right = right.number {
            return left < right ? -1 : left == right ? 0 : 1
        }
        switch (left, right) {
        case (.bool(let left), .bool(let right)): return left == right ? 0 : left ? 1 : -1
        case (.json(let left), .json(let right)): return JSONContainment.order(left, right)
        default: return RestFilter.Comparison.order(left.text, right.text)
        }
    }
}
