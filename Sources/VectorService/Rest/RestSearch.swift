// The search that a call means.
//
// - The rows of a call are the nearest that pass the function's own conditions, up to its limit. A
//   call that gives the limit gets its filters applied to those rows, as PostgREST applies them to
//   what a function returned; one that does not gets them applied before, and `limit` is the limit.
// - What the engine cannot filter by is checked row by row, and the search is widened until enough
//   rows passed, so that a condition never eats rows.

import VectorStore

/// A search with conditions that the engine knows and others that it does not.
struct RestSearch {
    let function: RestFunction
    let sources: [String: RestFunction.Source]
    var query: SearchQuery
    /// Conditions that are checked row by row.
    var residual: [RestFilter] = []
    /// Columns that must contain JSON, checked row by row.
    var containments: [(field: RestField, part: JSONNode)] = []
    /// The most rows.
    var rowLimit: Int
    /// Whether a call gave the limit itself.
    var isLimitGiven = false
    /// Whether no row can match, whatever the vectors are.
    var isEmpty = false

    /// Reads the arguments of a call.
    init(
        _ function: RestFunction,
        arguments: RestArguments,
        scope: RowScope,
        in configuration: CollectionConfiguration
    ) throws(RestError) {
        self.function = function
        sources = Dictionary(
            uniqueKeysWithValues: function.columns.map {
                ($0.name, function.source(of: $0, in: configuration))
            }
        )
        rowLimit = function.maximumRows
        query = SearchQuery(vector: [], k: 1, recallTarget: function.recallTarget)
        var filters: [Filter] = []
        for argument in function.arguments {
            guard let node = arguments.value(argument) else { continue }
            if node.value == .null {
                // In SQL, nothing equals null; a null limit or a null filter is none.
                if argument.role == .partition { isEmpty = true }
                if case .equals = argument.role { isEmpty = true }
                if case .limit = argument.role { rowLimit = function.maximumRows }
                if argument.role != .vector { continue }
            }
            switch argument.role {
            case .vector:
                query.vector = try RestArguments.vector(node, dimension: configuration.dimension)
            case .partition: query.partitions = [try RestArguments.text(node)]
            case .minimumSimilarity(let isInclusive):
                let number = Float(try RestArguments.number(node))
                query.minimumSimilarity = isInclusive ? number.nextDown : number
            case .limit(let maximum):
                let count = try RestArguments.integer(node)
                guard count >= 0 else {
                    throw RestError(400, "2201W", "LIMIT must not be negative")
                }
                rowLimit = min(count, maximum)
                isLimitGiven = arguments.gives(argument)
            case .contains(let column):
                let part = try RestArguments.json(node)
                if part.members?.isEmpty == true { continue }
                containments.append((RestField(name: column), part))
                if sources[column] == .record,
                    let filter = JSONContainment.weakened(part, in: configuration)
                {
                    filters.append(filter)
                }
            case .equals(let attribute):
                filters.append(
                    .equal(attribute, try Self.value(node, of: attribute, in: configuration))
                )
            }
        }
        let narrowed = scope.narrow(query.partitions)
        if let narrowed, narrowed.isEmpty { isEmpty = true }
        query.partitions = narrowed
        let own: Filter? = filters.isEmpty ? nil : filters.count == 1 ? filters[0] : .and(filters)
        query.filter = scope.narrow(own)
    }

    private static func value(
        _ node: JSONNode,
        of attribute: String,
        in configuration: CollectionConfiguration
    ) throws(RestError) -> AttributeValue {
        switch configuration.attributes.first(where: { $0.name == attribute })?.type {
        case .int64: return .int64(Int64(try RestArguments.integer(node)))
        case .double: return .double(try RestArguments.number(node))
        case .bool:
            if case .bool(let flag) = node.value { return .bool(flag) }
            return .bool(try RestFilter.Comparison.bool(try RestArguments.text(node)))
        default: return .string(try RestArguments.text(node))
        }
    }

    /// Adds a condition that holds before the limit.
    mutating func pushDown(_ filter: RestFilter, in configuration: CollectionConfiguration) {
        residual.append(filter)
        guard let weak = filter.weakened(sources: sources, in: configuration) else { return }
        query.filter = query.filter.map { .and([$0, weak]) } ?? weak
    }

    /// Reads only those parts of the records that `fields` and the conditions look at.
    mutating func include(_ fields: [RestField]) {
        var parts: IncludedFields = []
        let all = fields + residual.flatMap(\.fields) + containments.map(\.field)
        for field in all {
            switch sources[field.name] {
            case .attribute: parts.insert(.attributes)
            case .payload: parts.insert(.payload)
            case .record: parts.formUnion([.attributes, .payload])
            case .vector: parts.insert(.vector)
            default: break
            }
        }
        query.include = parts
    }

    /// Up to `count` rows, the nearest first.
    func rows(_ count: Int, in collection: VectorCollection) throws -> [RestRow] {
        let wanted = min(count, rowLimit)
        guard wanted > 0, !isEmpty else { return [] }
        var query = query
        query.k = wanted
        if residual.isEmpty, containments.isEmpty {
            return try collection.search(query).matches.map(row)
        }
        while true {
            let matches = try collection.search(query).matches
            var rows: [RestRow] = []
            for match in matches where rows.count < wanted {
                var row = row(match)
                if try passes(&row) { rows.append(row) }
            }
            if rows.count == wanted || matches.count < query.k { return rows }
            guard query.k < SearchQuery.maximumK else {
                throw RestError(
                    400,
                    "PGRST127",
                    "Feature not implemented",
                    details: "among the \(query.k) nearest rows, \(rows.count) pass the filter",
                    hint: "Declare what is filtered by as an attribute of the collection "
                        + "\(function.collection)"
                )
            }
            query.k = min(SearchQuery.maximumK, max(64, query.k * 8))
        }
    }

    private func row(_ match: Match) -> RestRow {
        RestRow(match, function: function, sources: sources)
    }

    private func passes(_ row: inout RestRow) throws(RestError) -> Bool {
        for (field, part) in containments {
            guard case .json(let whole) = row.value(field), JSONContainment.contains(whole, part)
            else { return false }
        }
        for filter in residual {
            guard try filter.evaluate(&row) == true else { return false }
        }
        return true
    }
}
