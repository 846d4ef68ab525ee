import VectorStore

/// A query as it was asked: with a vector, or with the id of a record whose vector is meant.
struct RequestedQuery {
    /// What is looked for; its vector is empty when `id` is set.
    var query: SearchQuery
    /// The record whose neighbours are looked for; it is no neighbour of itself.
    var id: RecordID?
    /// Whether the answer explains itself.
    var explain: Bool
    /// The writes that must be seen.
    var freshness = Freshness()
    /// Whether matches carry their rows of Postgres; nil when the request does not say.
    var wantsMetadata: Bool?
    /// Whether the query fails when they cannot be read.
    var requiresMetadata = false
}

/// Reads queries.
enum QueryDecoding {
    /// Matches that a query asks for when it does not say.
    static let defaultLimit = 10

    /// Reads the body of a query.
    static func query(
        _ node: JSONNode,
        configuration: CollectionConfiguration,
        path: String = ""
    ) throws(Problem) -> RequestedQuery {
        var fields = try FieldReader(node, path: path)
        let vectorNode = fields.optional("vector")
        let idNode = fields.optional("id")
        guard (vectorNode == nil) != (idNode == nil) else {
            throw .invalidRequest(
                "give either \(fields.name("vector")) or \(fields.name("id"))",
                field: fields.name("vector")
            )
        }
        let vector = try vectorNode.map { (node) throws(Problem) in
            try VectorDecoding.vector(node, field: fields.name("vector"))
        }
        let id = try idNode.map { (node) throws(Problem) in
            try RecordDecoding.id(node, field: fields.name("id"))
        }
        let request = try options(&fields, vector: vector ?? [], id: id, configuration)
        try fields.finish()
        return request
    }

    /// Reads queries whose vectors are the body, one after the other, and whose options are in the
    /// address and the same for all.
    static func packedQueries(
        _ body: [UInt8],
        parameters: [(name: String, value: String)],
        configuration: CollectionConfiguration
    ) throws(Problem) -> [RequestedQuery] {
        let byteCount = configuration.dimension * 4
        guard !body.isEmpty, body.count.isMultiple(of: byteCount) else {
            throw Problem(
                status: 400,
                code: "dimension_mismatch",
                detail: "the body has \(body.count) bytes; it must be whole vectors of "
                    + "\(configuration.dimension) little-endian float32, \(byteCount) bytes each"
            )
        }
        let first = try packedQuery(
            Array(body[..<byteCount]),
            parameters: parameters,
            configuration: configuration
        )
        var queries: [RequestedQuery] = []
        for start in stride(from: 0, to: body.count, by: byteCount) {
            var query = first
            let bytes = Array(body[start..<start + byteCount])
            query.query.vector = VectorDecoding.floats(of: bytes) ?? []
            queries.append(query)
        }
        return queries
    }

    /// Reads a query whose vector is the body and whose options are in the address.
    static func packedQuery(
        _ body: [UInt8],
        parameters: [(name: String, value: String)],
        configuration: CollectionConfiguration
    ) throws(Problem) -> RequestedQuery {
        guard let vector = VectorDecoding.floats(of: body) else {
            throw .invalidRequest("the body must be little-endian float32")
        }
        var members: [JSONMember] = []
        members.reserveCapacity(parameters.count)
        for parameter in parameters {
            guard !members.contains(where: { $0.key == parameter.name }) else {
                throw .invalidRequest("\(parameter.name) is given twice", field: parameter.name)
            }
            members.append(JSONMember(key: parameter.name, node: node(of: parameter)))
        }
        var fields = try FieldReader(JSONNode(.object(members)))
        let request = try options(&fields, vector: vector, id: nil, configuration)
        try fields.finish()
        return request
    }

    /// Numbers, flags and objects read as JSON; partitions and lists are text as they stand.
    private static func node(of parameter: (name: String, value: String)) -> JSONNode {
        switch parameter.name {
        case "partitions", "include":
            let items = parameter.value.split(separator: ",").map { JSONNode(.string(String($0))) }
            return JSONNode(.array(items))
        case "limit", "k", "min_similarity", "recall", "nprobe", "explain", "filter",
            "require_metadata", "min_lsn", "timeout_ms", "time_limit_ms":
            if let number = plainInteger(parameter.value) { return JSONNode(.unsigned(number)) }
            let parsed = try? JSONScanner.parse(Array(parameter.value.utf8))
            return parsed ?? JSONNode(.string(parameter.value))
        default:
            return JSONNode(.string(parameter.value))
        }
    }

    /// The number of a few digits, as JSON writes it; nil for any other text, numbers among them.
    private static func plainInteger(_ text: String) -> UInt64? {
        guard 1...9 ~= text.utf8.count, text.utf8.first != UInt8(ascii: "0") else { return nil }
        var number: UInt64 = 0
        for byte in text.utf8 {
            let digit = byte &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            number = number * 10 + UInt64(digit)
        }
        return number
    }

    private static func options(
        _ fields: inout FieldReader,
        vector: [Float],
        id: RecordID?,
        _ configuration: CollectionConfiguration
    ) throws(Problem) -> RequestedQuery {
        let limit = try fields.integer("limit")
        let k = try fields.integer("k")
        guard limit == nil || k == nil || limit == k else {
            throw .invalidRequest("limit and k differ", field: fields.name("k"))
        }
        var query = SearchQuery(vector: vector, k: limit ?? k ?? defaultLimit)
        query.partitions = try fields.texts("partitions")
        var partition = try fields.text("partition")
        if let key = configuration.partitionKey, key != "partition", !key.isEmpty {
            partition = try fields.text(key) ?? partition
        }
        if let partition {
            guard query.partitions == nil else {
                throw .invalidRequest(
                    "give either partition or partitions",
                    field: fields.name("partitions")
                )
            }
            query.partitions = [partition]
        }
        if let node = fields.optional("filter") {
            query.filter = try FilterDecoding.filter(node, field: fields.name("filter"))
        }
        query.minimumSimilarity = try fields.number("min_similarity").map { Float($0) }
        if let recall = try fields.number("recall") { query.recallTarget = recall }
        query.nprobe = try fields.integer("nprobe")
        let included = try fields.texts("include")
        let wantsMetadata = included.map { $0.contains("metadata") }
        if let included {
            query.include = try include(
                included,
                field: fields.name("include"),
                takesMetadata: true
            )
        }
        let explain = try fields.flag("explain") ?? false
        query.isProfiled = explain
        if let milliseconds = try fields.number("time_limit_ms") {
            guard milliseconds > 0, milliseconds <= 60_000 else {
                throw .invalidRequest(
                    "time_limit_ms is \(milliseconds); it must be above 0 and at most 60000",
                    field: fields.name("time_limit_ms")
                )
            }
            query.timeLimit = .nanoseconds(Int64(milliseconds * 1_000_000))
        }
        let freshness = try Freshness(&fields)
        let requiresMetadata = try fields.flag("require_metadata") ?? false
        guard !requiresMetadata || wantsMetadata != false else {
            throw .invalidRequest(
                "require_metadata asks for what include leaves out; add metadata to include",
                field: fields.name("require_metadata")
            )
        }
        return RequestedQuery(
            query: query,
            id: id,
            explain: explain,
            freshness: freshness,
            wantsMetadata: wantsMetadata,
            requiresMetadata: requiresMetadata
        )
    }

    /// Reads `include`, a list of `attributes`, `payload` and `vector`; the default where it is absent.
    static func include(
        _ fields: inout FieldReader,
        default defaultFields: IncludedFields
    ) throws(Problem) -> IncludedFields {
        guard let names = try fields.texts("include") else { return defaultFields }
        return try include(names, field: fields.name("include"), takesMetadata: false)
    }

    private static func include(
        _ names: [String],
        field: String,
        takesMetadata: Bool
    ) throws(Problem) -> IncludedFields {
        var included: IncludedFields = []
        for name in names {
            switch name {
            case "attributes": included.insert(.attributes)
            case "payload": included.insert(.payload)
            case "vector": included.insert(.vector)
            case "metadata" where takesMetadata: break
            default:
                throw .invalidRequest(
                    "unknown part \"\(name)\"; include takes attributes, payload, vector"
                        + (takesMetadata ? " and metadata" : ""),
                    field: field
                )
            }
        }
        return included
    }
}
