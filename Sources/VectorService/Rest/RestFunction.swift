// The functions that clients may call: what stands in for PostgREST's schema cache.
//
// - A function is a search of one collection: its arguments have roles, its columns have sources.
// - A function without a policy, in its own words or its collection's, serves the service role alone.

import VectorStore

/// A function of `/rest/v1/rpc`.
package struct RestFunction: Sendable, Equatable {
    /// What an argument means for the search.
    package enum ArgumentRole: Sendable, Equatable {
        /// The query vector.
        case vector
        /// The partition that is searched.
        case partition
        /// The least similarity; matches must be above it, or reach it when `isInclusive`.
        case minimumSimilarity(isInclusive: Bool)
        /// How many rows the function returns at most.
        case limit(maximum: Int)
        /// JSON that a column must contain (`metadata @> filter`).
        case contains(column: String)
        /// A value that an attribute must have.
        case equals(attribute: String)
    }

    /// An argument.
    package struct Argument: Sendable, Equatable {
        /// Its name.
        package var name: String
        /// What it means.
        package var role: ArgumentRole
        /// Whether a call must give it.
        package var isRequired: Bool
        /// What it is when a call leaves it out.
        package var defaultValue: JSONNode?
    }

    /// Where a column's value is found.
    package enum Source: Sendable, Equatable {
        case id
        case partition
        case similarity
        case distance
        case vector
        case attribute(String)
        /// The payload, or what is at a path of keys in it.
        case payload([String])
        /// An object of the attributes and the members of the payload.
        case record
        /// A column of the row that the collection's table in Postgres has for the record.
        case metadata(String)
    }

    /// A column of the rows it returns.
    package struct Column: Sendable, Equatable {
        /// Its name.
        package var name: String
        /// Where its value is found.
        package var source: Source
        /// Its type, when it is declared or known.
        var type: ColumnType?
    }

    /// Who may call it.
    package enum Access: String, Sendable, Equatable {
        /// Anybody, also without a token.
        case anonymous = "anon"
        /// Users with a token.
        case authenticated
        /// The service role alone.
        case service = "service_role"
    }

    /// Its name.
    package var name: String
    /// The collection it searches.
    package var collection: String
    /// Its arguments, in the order they were declared.
    package var arguments: [Argument] = []
    /// Its columns, in the order they are returned.
    package var columns: [Column] = []
    /// Who may call it.
    package var access = Access.authenticated
    /// Which rows it shows; nil leaves that to the policy of the collection.
    package var grant: PolicySet.Grant?
    /// Rows that it returns at most when no argument says so.
    package var maximumRows = 200
    /// The share of the true neighbours that is to be found.
    package var recallTarget = 0.95
    /// Whether filters of the address apply before the limit even when the call gives one.
    package var pushesFiltersDown = false

    /// Makes a function without arguments and columns.
    package init(name: String, collection: String) {
        self.name = name
        self.collection = collection
    }

    /// The argument of a name.
    func argument(_ name: String) -> Argument? {
        arguments.first { $0.name == name }
    }

    /// The column of a name.
    func column(_ name: String) -> Column? {
        columns.first { $0.name == name }
    }

    /// The name of the argument that carries the vector.
    var vectorArgument: String {
        arguments.first { $0.role == .vector }?.name ?? "query_embedding"
    }

    /// `public.name(a, b)`, as messages have it.
    func signature(schema: String) -> String {
        "\(schema).\(name)(\(arguments.map(\.name).joined(separator: ", ")))"
    }
}

/// The functions of a server.
package struct FunctionRegistry: Sendable, Equatable {
    /// Functions by name; several of one name differ in their arguments.
    package var functions: [String: [RestFunction]] = [:]

    /// No function.
    package init() {}

    /// Whether any function has a name.
    package func contains(_ name: String) -> Bool {
        functions[name] != nil
    }

    /// The function of a name that takes exactly these arguments.
    func function(
        _ name: String,
        arguments: [String],
        schema: String
    ) throws(RestError) -> RestFunction {
        let given = Set(arguments)
        let candidates = functions[name] ?? []
        for candidate in candidates {
            let known = Set(candidate.arguments.map(\.name))
            let required = candidate.arguments.filter(\.isRequired).map(\.name)
            if given.isSubset(of: known), given.isSuperset(of: required) { return candidate }
        }
        throw unknown(name, arguments: given.sorted(), schema: schema)
    }

    private func unknown(_ name: String, arguments: [String], schema: String) -> RestError {
        let list = arguments.joined(separator: ", ")
        let call = "\(schema).\(name)" + (arguments.isEmpty ? "" : "(\(list))")
        let parameters =
            switch arguments.count {
            case 0: "without parameters"
            case 1: "with parameter \(list)"
            default: "with parameters \(list)"
            }
        let nearest =
            functions[name]?.first
            ?? functions.keys.map { (EditDistance.between($0, name), $0) }.min { $0 < $1 }
            .flatMap { $0.0 <= max(3, name.count / 2) ? functions[$0.1]?.first : nil }
        return RestError(
            404,
            "PGRST202",
            "Could not find the function \(call)\(arguments.isEmpty ? " without parameters" : "") "
                + "in the schema cache",
            details: "Searched for the function \(schema).\(name) \(parameters), but no matches "
                + "were found in the schema cache.",
            hint: nearest.map {
                "Perhaps you meant to call the function \($0.signature(schema: schema))"
            }
        )
    }
}

/// How far two words are apart.
enum EditDistance {
    /// The least number of characters to insert, delete or replace.
    ///
    /// - Complexity: O(*n* × *m*); words are cut at 64 characters.
    static func between(_ first: String, _ second: String) -> Int {
        let left = Array(first.utf8.prefix(64))
        let right = Array(second.utf8.prefix(64))
        var row = Array(0...right.count)
        for (i, character) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(
                    diagonal + (character == other ? 0 : 1),
                    above + 1,
                    row[j] + 1
                )
                diagonal = above
            }
        }
        return row[right.count]
    }
}
