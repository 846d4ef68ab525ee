import VectorStore

extension StoreService {
    /// The most queries of one batch.
    static let maximumBatchCount = 1_000

    static func query(
        _ collection: VectorCollection,
        _ scope: RowScope,
        _ request: ServiceRequest
    ) throws -> [UInt8] {
        let start = ContinuousClock.now
        let configuration = collection.configuration
        var asked: RequestedQuery
        if request.contentType == "application/octet-stream" {
            asked = try QueryDecoding.packedQuery(
                request.body,
                parameters: request.parameters,
                configuration: configuration
            )
        } else {
            asked = try QueryDecoding.query(
                try RecordDecoding.parse(request.body),
                configuration: configuration
            )
        }
        let limit = asked.query.k
        try resolve(&asked, scope, in: collection)
        let result = try collection.search(asked.query)
        try asked.freshness.check(result.statistics.lsn)
        return JSONWriter.text { writer in
            AnswerEncoding.write(
                trim(result, of: asked, limit: limit),
                for: asked,
                milliseconds: milliseconds(since: start),
                to: &writer
            )
        }
    }

    static func queries(
        _ collection: VectorCollection,
        _ scope: RowScope,
        _ request: ServiceRequest
    ) throws -> [UInt8] {
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
        let results = try collection.search(asked.map(\.query))
        for (query, result) in zip(asked, results) {
            try query.freshness.check(result.statistics.lsn)
        }
        let total = milliseconds(since: start)
        return JSONWriter.text { writer in
            writer.key("results")
            writer.array { writer in
                for (index, result) in results.enumerated() {
                    writer.object { writer in
                        AnswerEncoding.write(
                            trim(result, of: asked[index], limit: limits[index]),
                            for: asked[index],
                            milliseconds: total / Double(results.count),
                            to: &writer
                        )
                    }
                }
            }
            writer.member("took_ms", (total * 1000).rounded() / 1000)
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

    /// Narrows a query to a scope, puts the vector of a record that is asked about into it, and asks for one match
    /// more, since the record itself will be among them.
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

    private static func milliseconds(since start: ContinuousClock.Instant) -> Double {
        (ContinuousClock.now - start) / .milliseconds(1)
    }
}
