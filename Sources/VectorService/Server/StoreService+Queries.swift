import VectorStore

/// A search that was made, before its answer is written.
struct SearchedQuery: Sendable {
    /// The answer's matches and what was done for them.
    var result: SearchResult
    /// What was asked.
    var asked: RequestedQuery
    /// How long decoding and searching took.
    var milliseconds: Double
    /// How long the search alone took.
    var searchMilliseconds: Double

    /// The ids whose rows are wanted; nil when none are.
    func metadataIDs(_ table: MetadataTable?) throws(Problem) -> [String]? {
        guard table != nil else {
            guard asked.wantsMetadata != true, !asked.requiresMetadata else {
                throw .invalidRequest(
                    "no metadata table is configured for this collection; see "
                        + "metadata.collections in the configuration",
                    field: "include"
                )
            }
            return nil
        }
        return asked.wantsMetadata == false ? nil : result.matches.map(\.id.metadataKey)
    }
}

extension StoreService {
    /// The most queries of one batch.
    static let maximumBatchCount = 1_000

    /// Answers one query: searched and, when memory has its rows, written on a worker thread in one
    /// go; otherwise it waits for Postgres in between, and no thread waits with it.
    func query(
        _ collection: VectorCollection,
        _ scope: RowScope,
        _ request: ServiceRequest
    ) async throws -> [UInt8] {
        let outcome = try await threads.runFresh {
            let decoded = try Self.decode(request, collection.configuration, scope)
            return try self.make(decoded, collection, scope, request)
        }
        switch outcome {
        case .answer(let answer): return answer.body
        case .later(let work): return try await work().body
        }
    }

    /// Decodes a query and finds out whether it may be made.
    func prepareQuery(_ request: ServiceRequest, of name: String) throws -> PreparedSearch {
        let collection = try visibleCollection(name, to: request.principal)
        let configuration = collection.configuration
        let scope = try scope(of: request.principal, in: configuration)
        let decoded = try Self.decode(request, configuration, scope)
        return PreparedSearch(kind: decoded.kind) { request in
            do {
                return try self.make(decoded, collection, scope, request)
            } catch is Freshness.Behind {
                // It waits for a write, which no thread does.
                return .later {
                    ServiceAnswer(body: try await self.query(collection, scope, request))
                }
            }
        }
    }

    /// Searches, and answers unless Postgres has to be asked; blocks.
    private func make(
        _ decoded: DecodedQuery,
        _ collection: VectorCollection,
        _ scope: RowScope,
        _ request: ServiceRequest
    ) throws -> PreparedSearch.Outcome {
        let name = collection.name
        let search = try Self.search(decoded, collection, scope)
        let ids = try search.metadataIDs(metadata?.table(of: name))
        observe(search, collection: name, request)
        guard let ids else { return .answer(ServiceAnswer(body: Self.answer(search, nil))) }
        if let rows = metadata?.remembered(ids, of: name) {
            return .answer(ServiceAnswer(body: Self.answer(search, rows)))
        }
        return .later {
            let rows = try await self.rows(for: [search], of: name)
            return ServiceAnswer(body: Self.answer(search, rows))
        }
    }

    /// Answers many queries from one snapshot, their rows by one statement.
    func queries(
        _ collection: VectorCollection,
        _ scope: RowScope,
        _ request: ServiceRequest
    ) async throws -> [UInt8] {
        let start = ContinuousClock.now
        let name = collection.name
        let table = metadata?.table(of: name)
        let searches = try await threads.runFresh {
            let searches = try Self.searches(collection, scope, request)
            for search in searches { _ = try search.metadataIDs(table) }
            return searches
        }
        for search in searches { observe(search, collection: name, request) }
        let rows = try await rows(for: searches, of: name)
        return try await threads.run {
            JSONWriter.text { writer in
                writer.key("results")
                writer.array { writer in
                    for search in searches {
                        writer.object { Self.write(search, rows, to: &$0) }
                    }
                }
                writer.member("took_ms", thousandths: Self.milliseconds(since: start))
            }
        }
    }

    /// The rows that searches want; nil when none does.
    private func rows(
        for searches: [SearchedQuery],
        of collection: String
    ) async throws -> MetadataAnswer? {
        guard let metadata, let table = metadata.table(of: collection) else { return nil }
        var ids: [String] = []
        var isWanted = false
        for search in searches {
            guard let wanted = try search.metadataIDs(table) else { continue }
            isWanted = true
            ids += wanted
        }
        guard isWanted else { return nil }
        let answer = await metadata.rows(of: ids, in: collection)
        let isRequired = table.isRequired || searches.contains { $0.asked.requiresMetadata }
        if isRequired, let failure = answer.failure { throw Problem.metadataUnavailable(failure) }
        return answer
    }

    // MARK: Searching

    /// A query, decoded.
    private struct DecodedQuery: Sendable {
        var asked: RequestedQuery
        /// What is asked for, the vector left out.
        var kind: Int
        var milliseconds: Double
    }

    private static func decode(
        _ request: ServiceRequest,
        _ configuration: CollectionConfiguration,
        _ scope: RowScope
    ) throws -> DecodedQuery {
        let start = ContinuousClock.now
        let asked: RequestedQuery
        var node: JSONNode?
        if request.contentType == "application/octet-stream" {
            asked = try QueryDecoding.packedQuery(
                request.body,
                parameters: request.parameters,
                configuration: configuration
            )
        } else {
            let parsed = try RecordDecoding.parse(request.body)
            asked = try QueryDecoding.query(parsed, configuration: configuration)
            node = parsed
        }
        return DecodedQuery(
            asked: asked,
            kind: QueryDecoding.kind(of: request, node, scope),
            milliseconds: milliseconds(since: start)
        )
    }

    /// Searches; blocks.
    private static func search(
        _ decoded: DecodedQuery,
        _ collection: VectorCollection,
        _ scope: RowScope
    ) throws -> SearchedQuery {
        var asked = decoded.asked
        let start = ContinuousClock.now
        let limit = asked.query.k
        try resolve(&asked, scope, in: collection)
        let result = try collection.search(asked.query)
        let searchMilliseconds = milliseconds(since: start)
        try asked.freshness.check(result.statistics.lsn)
        return SearchedQuery(
            result: trim(result, of: asked, limit: limit),
            asked: asked,
            milliseconds: decoded.milliseconds + searchMilliseconds,
            searchMilliseconds: searchMilliseconds
        )
    }

    private static func searches(
        _ collection: VectorCollection,
        _ scope: RowScope,
        _ request: ServiceRequest
    ) throws -> [SearchedQuery] {
        let start = ContinuousClock.now
        var asked = try requestedQueries(request, configuration: collection.configuration)
        guard asked.count <= maximumBatchCount else {
            throw Problem(
                status: 413,
                code: "batch_too_large",
                detail: "a batch has at most \(maximumBatchCount) queries",
                field: "queries"
            )
        }
        let limits = asked.map(\.query.k)
        for index in asked.indices {
            do {
                try resolve(&asked[index], scope, in: collection)
            } catch {
                var problem = Problem(error)
                problem.row = index
                throw problem
            }
        }
        let searchStart = ContinuousClock.now
        let results = try collection.search(asked.map(\.query))
        let searchEach = milliseconds(since: searchStart) / Double(max(1, results.count))
        for (query, result) in zip(asked, results) {
            try query.freshness.check(result.statistics.lsn)
        }
        let each = milliseconds(since: start) / Double(max(1, results.count))
        return results.enumerated().map { index, result in
            SearchedQuery(
                result: trim(result, of: asked[index], limit: limits[index]),
                asked: asked[index],
                milliseconds: each,
                searchMilliseconds: searchEach
            )
        }
    }

    /// Reads the queries of a batch, JSON or packed.
    private static func requestedQueries(
        _ request: ServiceRequest,
        configuration: CollectionConfiguration
    ) throws(Problem) -> [RequestedQuery] {
        if request.contentType == "application/octet-stream" {
            return try QueryDecoding.packedQueries(
                request.body,
                parameters: request.parameters,
                configuration: configuration
            )
        }
        var fields = try FieldReader(try RecordDecoding.parse(request.body))
        guard let nodes = try fields.array("queries") else {
            throw Problem.invalidRequest("queries is missing", field: "queries")
        }
        let freshness = try Freshness(&fields)
        try fields.finish()
        var asked: [RequestedQuery] = []
        for (index, node) in nodes.prefix(maximumBatchCount + 1).enumerated() {
            do {
                var query = try QueryDecoding.query(
                    node,
                    configuration: configuration,
                    path: "queries[\(index)]"
                )
                if freshness.lsn > query.freshness.lsn { query.freshness = freshness }
                asked.append(query)
            } catch {
                var problem = error
                problem.row = index
                throw problem
            }
        }
        return asked
    }

    /// Leaves a query only the rows that somebody sees.
    private static func narrow(_ query: inout SearchQuery, to scope: RowScope) {
        query.filter = scope.narrow(query.filter)
        guard let partitions = scope.narrow(query.partitions) else { return }
        query.partitions = partitions
        guard partitions.isEmpty else { return }
        // None of the partitions that were asked for is visible. The query is still checked like
        // any other and looks at the asker's own partitions, so that neither its outcome nor its
        // statistics say anything about the others; an empty alternative lets no row pass.
        query.partitions = scope.narrow(nil)
        query.filter = .or([])
    }

    /// Narrows a query to a scope; puts the vector of the record that is asked about into it, and
    /// asks for one match more, since the record itself will be among them.
    private static func resolve(
        _ asked: inout RequestedQuery,
        _ scope: RowScope,
        in collection: VectorCollection
    ) throws {
        narrow(&asked.query, to: scope)
        guard let id = asked.id else { return }
        let found = try collection.get([id], include: [.vector, .attributes]).first ?? nil
        guard let record = found, scope.contains(record) else {
            throw Problem(
                status: 404,
                code: "record_not_found",
                detail: "no record has the id \(id)",
                field: "id"
            )
        }
        asked.query.vector = record.vector
        guard asked.query.k < SearchQuery.maximumK else {
            throw Problem.invalidRequest(
                "limit is \(asked.query.k); it must be at most \(SearchQuery.maximumK - 1) in a "
                    + "query by id, which leaves that record out",
                field: "limit"
            )
        }
        if asked.query.k >= 1 { asked.query.k += 1 }
    }

    private static func trim(
        _ result: SearchResult,
        of asked: RequestedQuery,
        limit: Int
    ) -> SearchResult {
        guard let id = asked.id else { return result }
        var result = result
        result.matches.removeAll { $0.id == id }
        if result.matches.count > limit { result.matches.removeLast(result.matches.count - limit) }
        return result
    }

    // MARK: Writing

    private static func answer(_ search: SearchedQuery, _ rows: MetadataAnswer?) -> [UInt8] {
        JSONWriter.text { write(search, rows, to: &$0) }
    }

    private static func write(
        _ search: SearchedQuery,
        _ rows: MetadataAnswer?,
        to writer: inout JSONWriter
    ) {
        AnswerEncoding.write(
            search.result,
            for: search.asked,
            metadata: search.asked.wantsMetadata == false ? nil : rows,
            milliseconds: search.milliseconds,
            searchMilliseconds: search.searchMilliseconds,
            to: &writer
        )
    }

    static func milliseconds(since start: ContinuousClock.Instant) -> Double {
        (ContinuousClock.now - start) / .milliseconds(1)
    }
}
