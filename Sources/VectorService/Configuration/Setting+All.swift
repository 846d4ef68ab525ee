extension Setting {
    /// Sections of the file whose names are the operator's own; each has a reader of its own.
    package static let openSections: Set<String> = [
        "functions", "metadata.collections", "policies", "tokens", "upstream", "rest",
        "access",
    ]

    private static func text(
        _ key: String,
        _ help: String,
        default text: String = "",
        isSecret: Bool = false
    ) -> Setting {
        Setting(key: key, kind: .text, defaultText: text, help: help, isSecret: isSecret)
    }

    private static func number(
        _ key: String,
        _ range: ClosedRange<Int>,
        _ value: Int,
        _ help: String
    ) -> Setting {
        Setting(key: key, kind: .integer(range), defaultText: String(value), help: help)
    }

    private static func time(
        _ key: String,
        _ range: ClosedRange<Duration>,
        _ value: String,
        _ help: String
    ) -> Setting {
        Setting(key: key, kind: .duration(range), defaultText: value, help: help)
    }

    private static func bytes(
        _ key: String,
        _ range: ClosedRange<Int>,
        _ value: String,
        _ help: String
    ) -> Setting {
        Setting(key: key, kind: .bytes(range), defaultText: value, help: help)
    }

    private static func flag(_ key: String, _ value: Bool, _ help: String) -> Setting {
        Setting(key: key, kind: .flag, defaultText: String(value), help: help)
    }

    /// Every setting, in the order in which they are printed.
    package static let all: [Setting] = [
        text("data", "The store's directory."),
        text("socket", "The unix socket; by default vector.sock in the store's directory."),
        text("listen", "A loopback address to listen on as well, as in 127.0.0.1:8800."),

        number(
            "store.maintenance_threads",
            0...1_024,
            0,
            "Threads of merges and rebuilds; 0 leaves one processor to searches."
        ),
        bytes(
            "store.memory_limit",
            (64 << 20)...(1 << 50),
            "1GiB",
            "What a rebuild or an import may take, without mapped files."
        ),
        bytes(
            "store.scrub_rate",
            0...(1 << 40),
            "20MiB",
            "All files are read once a week, so much a second; 0 for never."
        ),
        number(
            "store.live_recall_interval",
            0...1_000_000_000,
            256,
            "One search in so many is answered again exactly, to measure recall; 0 for none."
        ),

        Setting(
            key: "log.level",
            kind: .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]),
            defaultText: "info",
            help: "Log messages of this level and above."
        ),
        Setting(
            key: "log.format",
            kind: .choice(["text", "json"]),
            defaultText: "text",
            help: "Lines for people, or one JSON object a line."
        ),
        flag("log.requests", false, "Log every request at level info."),
        time(
            "log.slow_query",
            .zero...(.seconds(3_600)),
            "100ms",
            "Log queries that take longer, with what the search did; 0ms logs none."
        ),

        number("limits.connections", 1...1_000_000, 2_048, "Connections open at once."),
        time(
            "limits.header_timeout",
            .milliseconds(100)...(.seconds(600)),
            "10s",
            "A request's headers must arrive within this, counted from their first byte."
        ),
        time(
            "limits.body_timeout",
            .milliseconds(100)...(.seconds(3_600)),
            "20s",
            "A body must arrive within this, and a second more for each MiB that was announced."
        ),
        time(
            "limits.drain_timeout",
            .milliseconds(100)...(.seconds(600)),
            "20s",
            "A connection whose client takes less than 8 KiB of its answer in this time is closed."
        ),
        time(
            "limits.idle_timeout",
            .milliseconds(100)...(.seconds(86_400)),
            "60s",
            "A connection between requests is closed after this."
        ),
        number(
            "limits.search_threads",
            0...1_024,
            0,
            "Threads for decoding and searching; 0 takes as many as there are processors."
        ),
        number(
            "limits.record_threads",
            0...1_024,
            0,
            "Threads for scans, counts and reading writes; 0 takes half as many as there are processors."
        ),
        number("limits.queue_length", 0...1_000_000, 1_024, "Requests that may wait for a thread."),
        time(
            "limits.queue_timeout",
            .milliseconds(1)...(.seconds(600)),
            "2s",
            "A request that waited so long for a thread, or would wait half as long, is refused with 503."
        ),
        number(
            "limits.batch_length",
            1...1_024,
            16,
            "Queries that a thread takes at once of those that wait."
        ),
        time(
            "limits.loop_budget",
            .zero...(.milliseconds(100)),
            "1ms",
            "Queries that are quick are made without a change of thread, for so long in a row; 0ms makes none so."
        ),
        time(
            "limits.stop_timeout",
            .milliseconds(100)...(.seconds(600)),
            "10s",
            "How long a stop may take before the process ends regardless."
        ),

        text(
            "postgres.url",
            "Where Postgres is: postgresql://… as libpq takes it.",
            isSecret: true
        ),
        text("postgres.url_file", "A file that holds the URL, instead of the URL."),
        text(
            "postgres.listen_url",
            "Where to listen when postgres.url leads to a pooler.",
            isSecret: true
        ),
        number("postgres.max_connections", 1...1_000, 8, "Connections open at once."),
        number("postgres.min_idle", 0...1_000, 2, "Connections held ready."),
        number("postgres.max_waiters", 1...100_000, 256, "Callers that may wait at once."),
        time(
            "postgres.acquire_timeout",
            .milliseconds(10)...(.seconds(600)),
            "2s",
            "The longest that a caller waits for a connection."
        ),
        time(
            "postgres.connect_timeout",
            .milliseconds(10)...(.seconds(600)),
            "5s",
            "The longest that a connect may take."
        ),
        time(
            "postgres.statement_timeout",
            .milliseconds(10)...(.seconds(3_600)),
            "30s",
            "A statement that runs longer is cancelled."
        ),
        time(
            "postgres.lifetime",
            .seconds(1)...(.seconds(604_800)),
            "30m",
            "A connection is replaced at about this age, a tenth more or less."
        ),
        time(
            "postgres.idle_timeout",
            .seconds(1)...(.seconds(86_400)),
            "10m",
            "Connections beyond min_idle close after idling this long."
        ),
        time(
            "postgres.leak_threshold",
            .milliseconds(100)...(.seconds(86_400)),
            "1m",
            "A connection held for longer is logged with the place that holds it."
        ),
        flag(
            "postgres.prepared_statements",
            true,
            "Prepare statements once a connection; turned off by itself behind a pooler that "
                + "cannot have them."
        ),

        time(
            "metadata.timeout",
            .milliseconds(10)...(.seconds(60)),
            "2s",
            "After this a query is answered without its metadata."
        ),
        bytes("metadata.cache_bytes", 0...(1 << 40), "64MiB", "Rows kept in memory; 0 keeps none."),
        time(
            "metadata.ttl",
            .zero...(.seconds(604_800)),
            "15m",
            "How long a row is served from memory, a tenth more or less."
        ),
        time(
            "metadata.negative_ttl",
            .zero...(.seconds(604_800)),
            "30s",
            "How long it is remembered that a row is missing."
        ),
        text(
            "metadata.listen",
            "A channel whose notifications are patterns to forget; needs a session, so it takes "
                + "postgres.listen_url when a pooler stands in between."
        ),
    ]

    /// The setting of a name.
    package static func named(_ key: String) -> Setting? {
        all.first { $0.key == key }
    }
}
