import Logging
import VectorStore

extension StoreService {
    /// Reads records page by page; large answers go out piece by piece.
    func scan(
        _ collection: VectorCollection,
        _ scope: RowScope,
        _ request: ServiceRequest
    ) async throws -> ServiceAnswer {
        let isCompressed = Gzip.isAccepted(by: request.headers["accept-encoding"])
        let (scan, first) = try await recordThreads.run {
            let scan = try Self.scan(collection, scope, request.body)
            let first = try scan.next()
            guard isCompressed, !scan.isDone else { return (scan, first) }
            return (scan, try scan.compress(first))
        }
        guard !scan.isDone else { return ServiceAnswer(body: first) }
        var answer = ServiceAnswer(body: [])
        answer.headers.append(("Vary", "Accept-Encoding"))
        if isCompressed { answer.headers.append(("Content-Encoding", "gzip")) }
        answer.stream = { write in
            try await write(first)
            let end = ContinuousClock.now + ScanAnswer.longest
            while !scan.isDone {
                let piece: [UInt8]
                do {
                    guard ContinuousClock.now < end else { throw ScanAnswer.TookTooLong() }
                    piece = try await self.recordThreads.runAdmitted { try scan.next() }
                } catch {
                    // Its status is told already: that it breaks off is all that the client learns.
                    self.logger.error(
                        "an answer broke off",
                        metadata: self.logMetadata(request).merging(["error": "\(error)"]) { $1 }
                    )
                    throw error
                }
                if !piece.isEmpty { try await write(piece) }
            }
        }
        return answer
    }

    private static func scan(
        _ collection: VectorCollection,
        _ scope: RowScope,
        _ body: [UInt8]
    ) throws -> ScanAnswer {
        var fields = try FieldReader(try RecordDecoding.parse(body.isEmpty ? [0x7B, 0x7D] : body))
        let selection = try selection(&fields, collection.configuration)
        let limit = try fields.integer("limit") ?? 100
        let cursor = try fields.text("cursor")
        let include = try QueryDecoding.include(&fields, default: [.attributes, .payload])
        try fields.finish()
        let visible = try visible(selection, scope)
        return ScanAnswer(
            try collection.page(
                filter: visible.filter,
                partition: visible.partition,
                limit: limit,
                cursor: cursor,
                include: include
            ),
            include: include
        )
    }
}
