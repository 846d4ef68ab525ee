package import PostgresPool

/// How a server runs: what its settings say, as values.
package struct ServiceOptions: Sendable {
    /// What a client may take of the server.
    package var limits = HTTPLimits()
    /// Threads for decoding and searching; nil takes as many as there are processors.
    package var searchThreadCount: Int?
    /// Threads for scans and the decoding of writes; nil takes half as many as there are processors.
    package var recordThreadCount: Int?
    /// Requests that may wait for a thread.
    package var queueLength = 1_024
    /// The longest that a request may wait for one.
    package var queueTimeout: Duration = .seconds(2)
    /// The most queries that a thread takes at once.
    package var batchLength = 16
    /// How long a graceful stop may take.
    package var stopTimeout: Duration = .seconds(10)
    /// What is watched of requests.
    package var observation = Observation()
    /// The pool of Postgres; nil when none is configured.
    package var postgres: PoolConfiguration?
    /// The tables of the collections.
    package var tables: [MetadataTable] = []
    /// How rows are read and kept.
    package var metadata = MetadataSource.Options()
    /// The channel that names what to forget.
    package var channel: String?
    /// Where to listen, when it is not where the pool connects to.
    package var listenURL: String?

    /// The defaults.
    package init() {}

    /// Reads the settings.
    ///
    /// - Parameter readFile: Reads the file that a setting names.
    package init(
        _ settings: Settings,
        readFile: (String) throws -> String
    ) throws(ConfigurationError) {
        limits.headerTimeout = settings.duration("limits.header_timeout")
        limits.bodyTimeout = settings.duration("limits.body_timeout")
        limits.drainTimeout = settings.duration("limits.drain_timeout")
        limits.idleTimeout = settings.duration("limits.idle_timeout")
        limits.connectionCount = settings.integer("limits.connections")
        let threads = settings.integer("limits.search_threads")
        searchThreadCount = threads == 0 ? nil : threads
        let recordThreads = settings.integer("limits.record_threads")
        recordThreadCount = recordThreads == 0 ? nil : recordThreads
        queueLength = settings.integer("limits.queue_length")
        queueTimeout = settings.duration("limits.queue_timeout")
        batchLength = settings.integer("limits.batch_length")
        limits.loopBudget = settings.duration("limits.loop_budget")
        stopTimeout = settings.duration("limits.stop_timeout")
        let slow = settings.duration("log.slow_query")
        observation.slowQuery = slow == .zero ? nil : slow
        observation.logsRequests = settings.flag("log.requests")
        metadata.timeout = settings.duration("metadata.timeout")
        metadata.cacheByteCount = settings.bytes("metadata.cache_bytes")
        metadata.lifetime = settings.duration("metadata.ttl")
        metadata.missingLifetime = settings.duration("metadata.negative_ttl")
        tables = try MetadataConfiguration.tables(of: settings.file)
        channel = settings.text("metadata.listen")
        listenURL = settings.text("postgres.listen_url")
        postgres = try Self.pool(settings, readFile)
        if postgres == nil {
            if let table = tables.first, let file = settings.file {
                throw file.error(
                    file.root.nearest("metadata.collections.\(table.collection)"),
                    "needs postgres.url or postgres.url_file"
                )
            }
            if channel != nil {
                throw Settings.error(
                    settings.value("metadata.listen"),
                    "needs postgres.url or postgres.url_file"
                )
            }
        }
    }

    private static func pool(
        _ settings: Settings,
        _ readFile: (String) throws -> String
    ) throws(ConfigurationError) -> PoolConfiguration? {
        var url = settings.text("postgres.url")
        if let path = settings.text("postgres.url_file") {
            guard url == nil else {
                throw Settings.error(
                    settings.value("postgres.url_file"),
                    "and postgres.url are both given; keep one"
                )
            }
            do {
                url = try readFile(path).trimmingSpaces()
            } catch {
                throw Settings.error(
                    settings.value("postgres.url_file"),
                    "names \(path), which cannot be read: \(error)"
                )
            }
        }
        guard let url else { return nil }
        var pool = PoolConfiguration(url: url)
        pool.maximumCount = settings.integer("postgres.max_connections")
        pool.minimumIdleCount = min(
            settings.integer("postgres.min_idle"),
            pool.maximumCount
        )
        pool.maximumWaiterCount = settings.integer("postgres.max_waiters")
        pool.acquireTimeout = settings.duration("postgres.acquire_timeout")
        pool.connectTimeout = settings.duration("postgres.connect_timeout")
        pool.statementTimeout = settings.duration("postgres.statement_timeout")
        pool.lifetime = settings.duration("postgres.lifetime")
        pool.idleTimeout = settings.duration("postgres.idle_timeout")
        pool.leakThreshold = settings.duration("postgres.leak_threshold")
        pool.preparesStatements = settings.flag("postgres.prepared_statements")
        return pool
    }
}

extension String {
    /// Without white space at both ends.
    fileprivate func trimmingSpaces() -> String {
        var text = self[...]
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text.drop { $0.isWhitespace })
    }
}
