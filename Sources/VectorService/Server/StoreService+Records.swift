import VectorStore

extension StoreService {
    /// Does what a route asks of a collection.
    func perform(
        _ action: Route.Action,
        in collection: VectorCollection,
        scope: RowScope,
        _ request: ServiceRequest
    ) async throws -> ServiceAnswer {
        let configuration = collection.configuration
        let body = request.body
        switch action {
        case .upsert:
            let writeID = try IdempotencyKey.read(request.headers)
            let records = try await recordThreads.run {
                request.contentType == "application/octet-stream"
                    ? try RecordDecoding.packed(request, configuration: configuration)
                    : try RecordDecoding.records(
                        body,
                        isLines: try Self.isLines(request.contentType),
                        configuration: configuration
                    )
            }
            return Self.done(try await collection.upsert(records, writeID: writeID))
        case .update:
            let writeID = try IdempotencyKey.read(request.headers)
            let patches = try await recordThreads.run {
                try RecordDecoding.patches(body, configuration: configuration)
            }
            return Self.done(try await collection.update(patches, writeID: writeID))
        case .delete:
            return Self.done(try await delete(collection, request))
        case .get:
            return ServiceAnswer(
                body: try await threads.run { try Self.get(collection, scope, body) }
            )
        case .scan:
            return try await scan(collection, scope, request)
        case .count:
            return ServiceAnswer(
                body: try await recordThreads.run { try Self.count(collection, scope, body) }
            )
        case .query:
            return ServiceAnswer(body: try await query(collection, scope, request))
        case .queryBatch:
            return ServiceAnswer(body: try await queries(collection, scope, request))
        case .rebuildIndex:
            return try rebuildIndex(collection, body)
        case .rollBackIndex:
            try Self.requireEmpty(body)
            let id = try tasks.start(
                kind: "rollback-index",
                collection: configuration.name
            ) { progress in try await collection.rollBackIndex(progress: progress) }
            return Self.accepted(id)
        case .compact:
            try Self.requireEmpty(body)
            let id = try tasks.start(kind: "compact", collection: configuration.name) { progress in
                try await collection.compact(progress: progress)
                return nil
            }
            return Self.accepted(id)
        case .flush:
            try Self.requireEmpty(body)
            try await collection.flush()
            return ServiceAnswer(body: JSONWriter.text { $0.member("status", "flushed") })
        }
    }

    private static func isLines(_ contentType: String?) throws(Problem) -> Bool {
        switch contentType {
        case nil, "application/json": return false
        case "application/x-ndjson", "application/jsonl", "application/x-jsonlines": return true
        default:
            throw Problem(
                status: 415,
                code: "unsupported_media_type",
                detail: "send records as application/json, application/x-ndjson or "
                    + "application/octet-stream"
            )
        }
    }

    private static func requireEmpty(_ body: [UInt8]) throws(Problem) {
        guard !body.isEmpty else { return }
        var fields = try FieldReader(try RecordDecoding.parse(body))
        try fields.finish()
    }

    private static func accepted(_ id: String) -> ServiceAnswer {
        ServiceAnswer(status: 202, body: JSONWriter.text { $0.member("task", id) })
    }

    private func rebuildIndex(
        _ collection: VectorCollection,
        _ body: [UInt8]
    ) throws(Problem) -> ServiceAnswer {
        var options = RebuildOptions()
        if !body.isEmpty {
            var fields = try FieldReader(try RecordDecoding.parse(body))
            options.nlist = try fields.integer("nlist")
            do throws(VectorStoreError) { try options.check() } catch { throw Problem(error) }
            if let seed = try fields.integer("seed") {
                guard let seed = UInt64(exactly: seed) else {
                    throw .invalidRequest("seed must not be negative", field: "seed")
                }
                options.seed = seed
            }
            options.isForced = try fields.flag("force") ?? false
            try fields.finish()
        }
        let name = collection.configuration.name
        let id = try tasks.start(kind: "rebuild-index", collection: name) { [options] progress in
            try await collection.rebuildIndex(options, progress: progress)
        }
        return Self.accepted(id)
    }

    private static func done(_ receipt: WriteReceipt) -> ServiceAnswer {
        var answer = ServiceAnswer(body: AnswerEncoding.write(receipt))
        if receipt.isRepeated { answer.headers = [("idempotency-replayed", "true")] }
        return answer
    }

    private func delete(
        _ collection: VectorCollection,
        _ request: ServiceRequest
    ) async throws -> WriteReceipt {
        let writeID = try IdempotencyKey.read(request.headers)
        var fields = try FieldReader(try RecordDecoding.parse(request.body))
        let idNodes = try fields.array("ids")
        let selection = try Self.selection(&fields, collection.configuration)
        let all = try fields.flag("all") ?? false
        try fields.finish()
        let isSelective = selection.filter != nil || selection.partition != nil
        if let idNodes {
            guard !isSelective, !all else {
                throw Problem.invalidRequest("give ids alone, or a filter and a partition")
            }
            return try await collection.delete(
                ids: RecordDecoding.ids(idNodes, field: "ids"),
                writeID: writeID
            )
        }
        // An empty body must not empty a collection.
        guard isSelective || all else {
            throw Problem.invalidRequest(
                "give ids, a filter or a partition, or {\"all\": true} for every record"
            )
        }
        return try await collection.delete(
            where: selection.filter,
            partition: selection.partition,
            writeID: writeID
        )
    }

    static func selection(
        _ fields: inout FieldReader,
        _ configuration: CollectionConfiguration
    ) throws(Problem) -> (filter: Filter?, partition: String?) {
        let filter = try fields.optional("filter").map { (node) throws(Problem) in
            try FilterDecoding.filter(node)
        }
        var partition = try fields.text("partition")
        if let key = configuration.partitionKey, key != "partition" {
            partition = try fields.text(key) ?? partition
        }
        return (filter, partition)
    }

    /// Narrows a selection to what somebody sees.
    ///
    /// Scanning takes one partition; who sees several names one of them.
    static func visible(
        _ selection: (filter: Filter?, partition: String?),
        _ scope: RowScope
    ) throws(Problem) -> (filter: Filter?, partition: String?) {
        guard scope != .all else { return selection }
        let filter = scope.narrow(selection.filter)
        guard let partitions = scope.narrow(selection.partition.map { [$0] }) else {
            return (filter, selection.partition)
        }
        switch partitions.count {
        case 1: return (filter, partitions[0])
        case 0:
            // The work is done in the asker's own partition, and an empty alternative lets no row
            // pass: nothing about another partition shows.
            return (.or([]), scope.narrow(nil)?.first)
        default:
            throw .invalidRequest(
                "your token sees several partitions; name one of them",
                field: "partition"
            )
        }
    }

    private static func get(
        _ collection: VectorCollection,
        _ scope: RowScope,
        _ body: [UInt8]
    ) throws -> [UInt8] {
        var fields = try FieldReader(try RecordDecoding.parse(body))
        guard let nodes = try fields.array("ids") else {
            throw Problem.invalidRequest("ids is missing", field: "ids")
        }
        let include = try QueryDecoding.include(&fields, default: [.attributes, .payload])
        try fields.finish()
        let ids = try RecordDecoding.ids(nodes, field: "ids")
        // A scope may look at attributes that were not asked for.
        let needed = scope == .all ? include : include.union(.attributes)
        let records = try collection.get(ids, include: needed).map { record in
            record.flatMap { scope.contains($0) ? $0 : nil }
        }
        try AnswerSize.check(records)
        return JSONWriter.text { writer in
            writer.key("records")
            writer.array { writer in
                for record in records {
                    if let record {
                        AnswerEncoding.write(record, include: include, to: &writer)
                    } else {
                        writer.null()
                    }
                }
            }
        }
    }

    private static func count(
        _ collection: VectorCollection,
        _ scope: RowScope,
        _ body: [UInt8]
    ) throws -> [UInt8] {
        var fields = try FieldReader(try RecordDecoding.parse(body.isEmpty ? [0x7B, 0x7D] : body))
        let selection = try selection(&fields, collection.configuration)
        try fields.finish()
        let visible = try visible(selection, scope)
        let count = try collection.count(filter: visible.filter, partition: visible.partition)
        return JSONWriter.text { $0.member("count", count) }
    }
}
