import Logging
import VectorStore

/// What is watched of requests, and how.
package struct Observation: Sendable {
    /// Queries that take longer are logged with what the search did; nil logs none.
    package var slowQuery: Duration?
    /// Whether every request is logged.
    package var logsRequests = false
    /// The id of the store, which goes into the names of partitions in the log.
    package var storeID = ""

    /// Watches nothing.
    package init() {}
}

extension StoreService {
    /// Counts a search, and logs it when it was slow.
    func observe(_ search: SearchedQuery, collection: String, _ request: ServiceRequest) {
        let statistics = search.result.statistics
        metrics.searched(
            collection: collection,
            mode: statistics.mode.rawValue,
            seconds: search.milliseconds / 1_000,
            scanned: statistics.rowsScanned,
            matches: search.result.matches.count
        )
        guard let limit = observation.slowQuery, limit > .zero,
            search.milliseconds > limit / .milliseconds(1)
        else { return }
        metrics.wasSlow()
        let query = search.asked.query
        var metadata: Logger.Metadata = [
            "request_id": "\(request.id)", "collection": "\(collection)",
            "took_ms": .stringConvertible(search.milliseconds),
            "mode": "\(statistics.mode.rawValue)", "k": .stringConvertible(query.k),
            "nlist": .stringConvertible(statistics.nlist),
            "nprobe": .stringConvertible(statistics.nprobe),
            "rows_scanned": .stringConvertible(statistics.rowsScanned),
            "codes_scanned": .stringConvertible(statistics.codesScanned),
            "estimated_recall": .stringConvertible(Double(statistics.estimatedRecall)),
            "filtered": .stringConvertible(query.filter != nil),
            "matches": .stringConvertible(search.result.matches.count),
        ]
        if let partitions = query.partitions {
            metadata["partition_hash"] =
                "\(PartitionHash.text(of: partitions, store: observation.storeID))"
        }
        if let trace = TraceContext(request.headers["traceparent"]) {
            metadata["trace_id"] = "\(trace.traceID)"
        }
        logger.warning("slow query", metadata: metadata)
    }

    /// What the log says of every message about a request.
    func logMetadata(_ request: ServiceRequest) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "request_id": "\(request.id)", "path": "\(request.path)",
        ]
        if let trace = TraceContext(request.headers["traceparent"]) {
            metadata["trace_id"] = "\(trace.traceID)"
        }
        return metadata
    }

    /// The page of `/metrics`.
    func metricsPage() -> ServiceAnswer {
        var page = MetricsPage()
        page.writeBuild(version: Self.version)
        page.write(metrics.current)
        page.write(threads.load, of: "search")
        page.write(recordThreads.load, of: "record")
        if let statistics = try? database.statistics() { page.write(statistics) }
        if let metadata { page.write(metadata.counters, metadata.poolMetrics) }
        page.writeProcess()
        var answer = ServiceAnswer(body: Array(page.page.text.utf8))
        answer.contentType = PrometheusText.contentType
        return answer
    }
}
