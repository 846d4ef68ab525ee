import PostgresPool
import VectorStore

extension StoreService {
    /// The state of the pool and of the rows in memory.
    func poolStatus() throws(Problem) -> ServiceAnswer {
        guard let metadata else {
            throw Problem(
                status: 404,
                code: "no_postgres",
                detail: "no Postgres is configured; set postgres.url"
            )
        }
        let (pool, counters) = (metadata.poolMetrics, metadata.counters)
        let body = JSONWriter.text { writer in
            writer.member("max_connections", metadata.maximumConnectionCount)
            writer.member("idle", pool.idle)
            writer.member("busy", pool.leased)
            writer.member("validating", pool.validating)
            writer.member("opening", pool.connecting)
            writer.member("closing", pool.closing)
            writer.member("waiting", pool.waiting)
            writer.member("circuit_open", pool.isCircuitOpen)
            if pool.isCircuitOpen { writer.member("last_failure", metadata.lastFailure) }
            writer.member("prepared_statements", pool.isPreparing)
            writer.member("connects", pool.connects)
            writer.member("connect_failures", pool.connectFailures)
            writer.member("destroyed", pool.destroyed)
            writer.member("retired", pool.retired)
            writer.member("leaks", pool.leaks)
            writer.member("refused_full", pool.refusedFull)
            writer.member("refused_deadline", pool.refusedDeadline)
            writer.member("refused_circuit", pool.refusedCircuit)
            writer.member("statements", pool.statements)
            writer.member("statement_timeouts", pool.statementTimeouts)
            writer.member("cancelled", pool.cancellations)
            writer.key("metadata")
            writer.object { writer in
                writer.member("available", counters.isAvailable)
                writer.member("statements", counters.statements)
                writer.member("failures", counters.failures)
                writer.member("hits", counters.hits)
                writer.member("misses", counters.misses)
                writer.member("rows", counters.cachedRows)
                writer.member("bytes", counters.cachedBytes)
                writer.key("collections")
                writer.array { writer in
                    for table in metadata.tables { writer.value(table.collection) }
                }
            }
        }
        return ServiceAnswer(body: body)
    }

    /// Forgets rows by a pattern.
    func forgetMetadata(_ body: [UInt8]) throws -> ServiceAnswer {
        var fields = try FieldReader(try RecordDecoding.parse(body))
        guard let pattern = try fields.text("pattern"), !pattern.isEmpty else {
            throw Problem.invalidRequest(
                "pattern is missing; give one as in videos:7:*, or * for all",
                field: "pattern"
            )
        }
        try fields.finish()
        guard let metadata else {
            throw Problem(
                status: 404,
                code: "no_postgres",
                detail: "no Postgres is configured; set postgres.url"
            )
        }
        guard !pattern.dropLast().contains("*") else {
            throw Problem.invalidRequest(
                "pattern may have * at its end only, as in videos:7:*",
                field: "pattern"
            )
        }
        let count = metadata.forget(pattern)
        return ServiceAnswer(body: JSONWriter.text { $0.member("invalidated", count) })
    }
}
