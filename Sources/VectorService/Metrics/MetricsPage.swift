import PostgresPool
import VectorStore

/// Everything that `/metrics` tells.
struct MetricsPage {
    private(set) var page = PrometheusText()

    mutating func writeBuild(version: String) {
        page.metric("vs_build_info", "gauge", "The version that runs.")
        page.sample(
            "vs_build_info",
            [("version", version), ("kernels", "\(VectorDatabase.kernelTier)")],
            1
        )
    }

    mutating func write(_ state: ServiceMetrics.State) {
        page.metric("vs_http_requests_total", "counter", "Requests answered.")
        for (series, count) in state.requests.entries.sorted(by: { Self.order($0.key, $1.key) }) {
            page.sample(
                "vs_http_requests_total",
                [
                    ("route", series.first), ("method", series.second),
                    ("code", String(series.status)),
                ],
                Double(count)
            )
        }
        page.metric(
            "vs_http_request_duration_seconds",
            "histogram",
            "Time from a request that has arrived to its answer."
        )
        for (route, counts) in state.requestSeconds.entries.sorted(by: { $0.key < $1.key }) {
            page.histogram("vs_http_request_duration_seconds", [("route", route)], counts)
        }
        page.metric("vs_http_in_flight_requests", "gauge", "Requests being answered.")
        for (route, count) in state.inFlight.entries.sorted(by: { $0.key < $1.key }) {
            page.sample("vs_http_in_flight_requests", [("route", route)], Double(count))
        }
        page.single(
            "vs_http_connections",
            "gauge",
            "Connections open.",
            Double(state.openConnections)
        )
        page.single(
            "vs_http_connections_total",
            "counter",
            "Connections accepted.",
            Double(state.acceptedConnections)
        )
        page.metric(
            "vs_http_connections_cut_total",
            "counter",
            "Connections closed because there were too many or their client was too slow."
        )
        for (reason, count) in state.closedConnections.sorted(by: { $0.key < $1.key }) {
            page.sample("vs_http_connections_cut_total", [("reason", reason)], Double(count))
        }
        page.metric("vs_search_duration_seconds", "histogram", "Time to decode and search.")
        for (series, counts) in state.searchSeconds.entries.sorted(by: {
            Self.order($0.key, $1.key)
        }) {
            page.histogram(
                "vs_search_duration_seconds",
                [("collection", series.first), ("mode", series.second)],
                counts
            )
        }
        page.metric("vs_search_scanned_vectors", "histogram", "Rows compared by a search.")
        page.histogram("vs_search_scanned_vectors", [], state.scannedRows)
        page.metric("vs_search_results", "histogram", "Matches of a search.")
        page.histogram("vs_search_results", [], state.matches)
        page.single(
            "vs_slow_queries_total",
            "counter",
            "Queries that took longer than log.slow_query.",
            Double(state.slowQueries)
        )
    }

    /// - Parameter kind: What the threads are for: `search` or `record`.
    mutating func write(_ load: WorkerThreads.Load, of kind: String) {
        page.single(
            "vs_\(kind)_threads_busy",
            "gauge",
            "Threads at work.",
            Double(load.running)
        )
        page.single("vs_\(kind)_queue_depth", "gauge", "Requests that wait.", Double(load.queued))
        if kind == "search" {
            page.single(
                "vs_search_batches_total",
                "counter",
                "Times that a thread took queries that waited.",
                Double(load.batches)
            )
            page.single(
                "vs_search_batched_total",
                "counter",
                "Queries that were taken so.",
                Double(load.batched)
            )
        }
        let refused = "vs_\(kind)_refused_total"
        page.metric(refused, "counter", "Requests refused for lack of threads.")
        for (reason, count) in [
            ("queue_full", load.refusedFull), ("too_slow", load.refusedSlow),
            ("expired", load.expired),
        ] {
            page.sample(refused, [("reason", reason)], Double(count))
        }
    }

    mutating func write(_ statistics: StoreStatistics) {
        let collections = statistics.collections
        page.metric("vs_collection_vectors", "gauge", "Records.")
        for one in collections {
            page.sample(
                "vs_collection_vectors",
                Self.label(one),
                Double(one.rowCount)
            )
        }
        page.metric("vs_collection_deleted_vectors", "gauge", "Deleted rows not yet dropped.")
        for one in collections {
            page.sample(
                "vs_collection_deleted_vectors",
                Self.label(one),
                Double(one.deletedRowCount)
            )
        }
        page.metric("vs_collection_bytes", "gauge", "Bytes on disk.")
        for one in collections {
            page.sample(
                "vs_collection_bytes",
                Self.label(one) + [("kind", "segments")],
                Double(one.segmentByteCount)
            )
        }
        page.metric("vs_live_recall", "gauge", "Recall of the latest searches that were measured.")
        for one in collections {
            for report in one.liveRecall {
                page.sample(
                    "vs_live_recall",
                    Self.label(one) + [("band", report.band.rawValue)],
                    report.recall
                )
            }
        }
        page.metric(
            "vs_rebuild_savings",
            "gauge",
            "The share by which a rebuild would shorten the average search."
        )
        for one in collections {
            if let savings = one.rebuildSavings {
                page.sample("vs_rebuild_savings", Self.label(one), savings)
            }
        }
        page.single("vs_log_bytes", "gauge", "Bytes of the log.", Double(statistics.logByteCount))
        page.single("vs_lsn", "counter", "Batches committed.", Double(statistics.lsn))
        page.single(
            "vs_maintenance_failed",
            "gauge",
            "Whether the last maintenance failed.",
            statistics.maintenanceFailure == nil ? 0 : 1
        )
    }

    mutating func write(_ metadata: MetadataCounters, _ pool: PoolMetrics) {
        page.metric("vs_pg_pool_connections", "gauge", "Connections by what they do.")
        for (state, count) in [
            ("idle", pool.idle), ("busy", pool.leased + pool.validating),
            ("opening", pool.connecting), ("closing", pool.closing),
        ] {
            page.sample("vs_pg_pool_connections", [("state", state)], Double(count))
        }
        page.single("vs_pg_pool_waiting", "gauge", "Callers that wait.", Double(pool.waiting))
        page.metric("vs_pg_pool_wait_seconds", "histogram", "Time that callers waited.")
        page.histogram("vs_pg_pool_wait_seconds", [], BucketCounts(pool.waits))
        page.metric("vs_pg_query_duration_seconds", "histogram", "Time that statements took.")
        page.histogram("vs_pg_query_duration_seconds", [], BucketCounts(pool.durations))
        let counters: [(String, String, UInt64)] = [
            (
                "vs_pg_pool_timeouts_total", "Callers refused at their deadline.",
                pool.refusedDeadline
            ),
            (
                "vs_pg_pool_refused_full_total", "Callers refused because too many waited.",
                pool.refusedFull
            ),
            (
                "vs_pg_pool_refused_circuit_total", "Callers refused because Postgres was away.",
                pool.refusedCircuit
            ),
            ("vs_pg_pool_connects_total", "Connections made.", pool.connects),
            ("vs_pg_pool_connect_failures_total", "Connects that failed.", pool.connectFailures),
            ("vs_pg_pool_destroyed_total", "Connections closed in doubt.", pool.destroyed),
            ("vs_pg_pool_retired_total", "Connections closed by age.", pool.retired),
            ("vs_pg_pool_leaks_total", "Connections held too long.", pool.leaks),
            ("vs_pg_queries_total", "Statements run.", pool.statements),
            (
                "vs_pg_query_timeouts_total", "Statements that ran out of time.",
                pool.statementTimeouts
            ),
            (
                "vs_pg_query_cancelled_total", "Statements whose caller went away.",
                pool.cancellations
            ),
            ("vs_metadata_statements_total", "Statements for metadata.", metadata.statements),
            (
                "vs_metadata_failures_total", "Statements for metadata that failed.",
                metadata.failures
            ),
            (
                "vs_metadata_refused_total", "Queries answered without asking Postgres again.",
                metadata.refused
            ),
            ("vs_metadata_retries_total", "Statements sent again.", metadata.retries),
        ]
        for (name, help, count) in counters { page.single(name, "counter", help, Double(count)) }
        page.single(
            "vs_pg_pool_circuit_open",
            "gauge",
            "Whether the last connect failed.",
            pool.isCircuitOpen ? 1 : 0
        )
        page.single(
            "vs_metadata_available",
            "gauge",
            "Whether the last statement was answered.",
            metadata.isAvailable ? 1 : 0
        )
        writeCache(metadata)
    }

    private mutating func writeCache(_ metadata: MetadataCounters) {
        page.metric("vs_cache_requests_total", "counter", "Rows looked for in memory.")
        for (result, count) in [
            ("hit", metadata.hits), ("miss", metadata.misses), ("shared", metadata.joined),
        ] {
            page.sample(
                "vs_cache_requests_total",
                [("cache", "metadata"), ("result", result)],
                Double(count)
            )
        }
        page.metric("vs_cache_evictions_total", "counter", "Rows that left memory.")
        for (reason, count) in [
            ("size", metadata.evicted), ("expired", metadata.expired),
            ("invalidated", metadata.forgotten),
        ] {
            page.sample(
                "vs_cache_evictions_total",
                [("cache", "metadata"), ("reason", reason)],
                Double(count)
            )
        }
        page.metric("vs_cache_entries", "gauge", "Rows in memory.")
        page.sample("vs_cache_entries", [("cache", "metadata")], Double(metadata.cachedRows))
        page.metric("vs_cache_bytes", "gauge", "Bytes in memory.")
        page.sample("vs_cache_bytes", [("cache", "metadata")], Double(metadata.cachedBytes))
    }

    mutating func writeProcess() {
        let process = ProcessStatistics()
        page.single(
            "process_cpu_seconds_total",
            "counter",
            "Processor time.",
            process.processorSeconds
        )
        page.single(
            "process_resident_memory_bytes",
            "gauge",
            "Memory.",
            process.residentByteCount
        )
        page.single("process_open_fds", "gauge", "Descriptors open.", process.descriptorCount)
        page.single("process_max_fds", "gauge", "Descriptors allowed.", process.descriptorLimit)
        page.single(
            "process_start_time_seconds",
            "gauge",
            "Start, since 1970.",
            process.startSeconds
        )
    }

    private static func label(_ statistics: CollectionStatistics) -> PrometheusText.Labels {
        [("collection", statistics.configuration.name)]
    }

    private static func order(_ left: ServiceMetrics.Series, _ right: ServiceMetrics.Series) -> Bool
    {
        (left.first, left.second, left.status) < (right.first, right.second, right.status)
    }
}

extension BucketCounts {
    init(_ counts: DurationCounts) {
        self.init(bounds: DurationCounts.bounds, counts: counts.counts, sum: counts.sum)
    }
}
