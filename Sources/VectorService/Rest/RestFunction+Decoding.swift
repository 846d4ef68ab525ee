import VectorStore

/// A part of the configuration that means nothing.
package struct ConfigurationProblem: Error, Equatable, CustomStringConvertible {
    /// The place, as in `functions.match_chunks.args.filter`.
    package var place: String
    /// What is wrong and what to do.
    package var reason: String

    /// Place and reason.
    package var description: String { "\(place): \(reason)" }

    /// Names a place and what is wrong there.
    package init(_ place: String, _ reason: String) {
        self.place = place
        self.reason = reason
    }

    /// Runs `body` and gives what it refuses a place.
    static func reading<Value>(
        _ place: String,
        _ body: () throws(Problem) -> Value
    ) throws(ConfigurationProblem) -> Value {
        do {
            return try body()
        } catch {
            throw ConfigurationProblem(error.field ?? place, error.detail)
        }
    }
}

extension FunctionRegistry {
    /// Reads the object `functions` of the configuration.
    package init(_ node: JSONNode) throws(ConfigurationProblem) {
        guard let members = node.members else {
            throw ConfigurationProblem("functions", "must be an object of functions by name")
        }
        for member in members {
            let place = "functions.\(member.key)"
            guard member.key.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]{0,62}/) != nil else {
                throw ConfigurationProblem(place, "is not a function's name")
            }
            var overloads: [RestFunction] = []
            for node in member.node.elements ?? [member.node] {
                overloads.append(
                    try ConfigurationProblem.reading(place) { () throws(Problem) in
                        try RestFunction(member.key, node, place: place)
                    }
                )
            }
            functions[member.key] = overloads
        }
    }
}

extension RestFunction {
    fileprivate init(_ name: String, _ node: JSONNode, place: String) throws(Problem) {
        var fields = try FieldReader(node, path: place)
        guard let collection = try fields.text("collection") else {
            throw .invalidRequest("collection is missing", field: place)
        }
        self.init(name: name, collection: collection)
        for member in try fields.required("args").members ?? [] {
            arguments.append(try Self.argument(member, place: "\(place).args.\(member.key)"))
        }
        guard arguments.count(where: { $0.role == .vector }) == 1 else {
            throw .invalidRequest("args needs exactly one with the role vector", field: place)
        }
        for node in try fields.array("returns") ?? [] {
            columns.append(try Self.column(node, place: "\(place).returns"))
        }
        guard !columns.isEmpty, Set(columns.map(\.name)).count == columns.count else {
            throw .invalidRequest("returns must list columns, none twice", field: place)
        }
        if let text = try fields.text("requires") {
            guard let value = Access(rawValue: text) else {
                throw .invalidRequest(
                    "requires takes anon, authenticated or service_role",
                    field: "\(place).requires"
                )
            }
            access = value
        }
        if let text = try fields.text("row_policy") {
            grant = try PolicySet.grant(text, place: "\(place).row_policy")
        }
        maximumRows = try Self.count(&fields, "max_rows", default: 200)
        if let recall = try fields.number("recall") { recallTarget = recall }
        pushesFiltersDown = try fields.flag("pushdown") ?? false
        try fields.finish()
        for argument in arguments {
            if case .contains(let column) = argument.role, self.column(column) == nil {
                throw .invalidRequest("no column \(column) in returns", field: place)
            }
            if case .limit(let maximum) = argument.role { maximumRows = maximum }
        }
    }

    private static func count(
        _ fields: inout FieldReader,
        _ key: String,
        default value: Int
    ) throws(Problem) -> Int {
        let count = try fields.integer(key) ?? value
        guard (1...SearchQuery.maximumK).contains(count) else {
            throw .invalidRequest(
                "\(key) must be 1 to \(SearchQuery.maximumK)",
                field: fields.name(key)
            )
        }
        return count
    }

    private static func argument(_ member: JSONMember, place: String) throws(Problem) -> Argument {
        var fields = try FieldReader(member.node, path: place)
        let role = try fields.text("role")
        let column = try fields.text("column")
        let meaning: ArgumentRole
        switch role {
        case "vector": meaning = .vector
        case "partition": meaning = .partition
        case "min_similarity":
            let compare = try fields.text("compare") ?? "gt"
            guard compare == "gt" || compare == "gte" else {
                throw .invalidRequest("compare takes gt or gte", field: place)
            }
            meaning = .minimumSimilarity(isInclusive: compare == "gte")
        case "limit": meaning = .limit(maximum: try count(&fields, "max", default: 200))
        case "jsonb_contains": meaning = .contains(column: column ?? "metadata")
        case "equals": meaning = .equals(attribute: column ?? member.key)
        default:
            throw .invalidRequest(
                "role takes vector, partition, min_similarity, limit, jsonb_contains or equals",
                field: place
            )
        }
        let defaultValue = fields.raw("default")
        let required = try fields.flag("required") ?? (meaning == .vector)
        guard !required || defaultValue == nil else {
            throw .invalidRequest("an argument with a default is not required", field: place)
        }
        try fields.finish()
        return Argument(
            name: member.key,
            role: meaning,
            isRequired: required,
            defaultValue: defaultValue
        )
    }

    /// Reads `"content"`, `{"similarity": "float8"}` or `{"name": …, "type": …, "from": …}`.
    private static func column(_ node: JSONNode, place: String) throws(Problem) -> Column {
        if let name = node.text { return Column(name: name, source: source(name), type: nil) }
        var fields = try FieldReader(node, path: place)
        let given = try fields.text("name")
        let members = given == nil ? fields.rest() : []
        let name = given ?? (members.count == 1 ? members[0].key : "")
        let type = given == nil ? members.first?.node.text : try fields.text("type")
        let from = given == nil ? nil : try fields.text("from")
        try fields.finish()
        guard !name.isEmpty else {
            throw .invalidRequest(
                "a column is a name, {\"name\": \"type\"} or {\"name\": …, \"type\": …, \"from\": …}",
                field: place
            )
        }
        var column = Column(name: name, source: source(from ?? name), type: nil)
        if let type {
            guard let known = ColumnType(name: type) else {
                let names = ColumnType.allCases.map(\.rawValue).joined(separator: ", ")
                throw .invalidRequest("unknown type \(type); use \(names)", field: place)
            }
            column.type = known
            if known == .vector, from == nil { column.source = .vector }
        }
        return column
    }

    private static func source(_ name: String) -> Source {
        let path = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        return switch path[0] {
        case "id" where path.count == 1: .id
        case "similarity" where path.count == 1: .similarity
        case "distance" where path.count == 1: .distance
        case "partition" where path.count == 1: .partition
        case "vector" where path.count == 1, "embedding" where path.count == 1: .vector
        case "record" where path.count == 1: .record
        case "payload": .payload(Array(path.dropFirst()))
        case "postgres" where path.count == 2: .metadata(path[1])
        default: .attribute(name)
        }
    }

    /// The source of a column in a collection: a name that is no attribute there is the partition
    /// key or a member of the payload.
    func source(of column: Column, in configuration: CollectionConfiguration) -> Source {
        guard case .attribute(let name) = column.source else { return column.source }
        if configuration.attributes.contains(where: { $0.name == name }) { return column.source }
        if name == configuration.partitionKey { return .partition }
        return .payload(name.split(separator: ".").map(String.init))
    }
}

extension PolicySet {
    /// Reads `creator_id = jwt.app_metadata.creator_id`, `authenticated` or `everybody`.
    static func grant(_ text: String, place: String) throws(Problem) -> Grant {
        switch text {
        case "authenticated": return .everyUser
        case "everybody": return .everybody
        default: break
        }
        guard let policy = RowPolicy(text) else {
            throw .invalidRequest(
                "a row policy is \"COLUMN = jwt.CLAIM\", \"authenticated\" or \"everybody\"",
                field: place
            )
        }
        guard policy.claim.first != "user_metadata" else {
            throw .invalidRequest(
                "users can write user_metadata themselves; bind the policy to app_metadata",
                field: place
            )
        }
        return .rows(policy)
    }

    /// Reads the object `policies` of the configuration: a row policy for each collection.
    package init(_ node: JSONNode) throws(ConfigurationProblem) {
        guard let members = node.members else {
            throw ConfigurationProblem("policies", "must be an object of policies by collection")
        }
        for member in members {
            let place = "policies.\(member.key)"
            guard let text = member.node.text else {
                throw ConfigurationProblem(place, "must be a string")
            }
            grants[member.key] = try ConfigurationProblem.reading(place) { () throws(Problem) in
                try Self.grant(text, place: place)
            }
        }
    }
}
