import VectorStore

extension StoreService {
    /// The most queries of one batch.
    static let maximumBatchCount = 1_000

    static func query(
        _ collection: VectorCollection,
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
        try resolve(&asked, in: collection)
        let result = try collection.search(asked.query)
        return JSONWriter.text { writer in
            AnswerEncoding.write(
                trim(result, of: asked, limit: limit),
                for: asked,
                milliseconds: milliseconds(since: start),
                to: &writer
            )
        }
    }

    static func queries(_ collection: VectorCollection, _ body: [UInt8]) throws -> [UInt8] {
        let start = ContinuousClock.now
        var fields = try FieldReader(try RecordDecoding.parse(body))
        guard let nodes = try fields.array("queries") else {
            throw Problem.invalidRequest("queries is missing", field: "queries")
        }
        try fields.finish()
        guard nodes.count <= maximumBatchCount else {
            throw Problem(
                status: 413,
                code: "batch_too_large",
                detail: "a batch has at most \(maximumBatchCount) queries",
                field: "queries"
            )
        }
        var asked: [RequestedQuery] = []
        var limits: [Int] = []
        for (index, node) in nodes.enumerated() {
            do {
                var query = try QueryDecoding.query(
                    node,
                    configuration: collection.configuration,
                    path: "queries[\(index)]"
                )
                limits.append(query.query.k)
                try resolve(&query, in: collection)
                asked.append(query)
            } catch {
                var problem = Problem(error)
                problem.row = index
                throw problem
            }
        }
        let results = try collection.search(asked.map(\.query))
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

    /// Puts the vector of the record that is asked about into its query, and asks for one match
    /// more, since the record itself will be among them.
    private static func resolve(
        _ asked: inout RequestedQuery,
        in collection: VectorCollection
    ) throws {
        guard let id = asked.id else { return }
        guard let record = try collection.get([id], include: [.vector]).first ?? nil else {
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

    private static func milliseconds(since start: ContinuousClock.Instant) -> Double {
        (ContinuousClock.now - start) / .milliseconds(1)
    }
}
