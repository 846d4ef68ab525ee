/// The result of a load, as one object with all of its operations.
///
/// It becomes one line an operation, so that tables and pictures treat it like a sweep.
struct LoadResult: Decodable {
    private var peer: String?
    private var machine: String?
    private var data: DataIdentity?
    private var settings: Settings?
    private var operations: [String: Operation]
    private var total: Operation?
    private var answersPerSecond: Double?

    private struct Settings: Decodable {
        /// Operations a second that arrive whether or not answers do; absent in a closed loop.
        var rate: Double?
        var users: Int?
    }

    private struct Operation: Decodable {
        var requests: Int
        /// Failures by kind.
        var errors: [String: Int]?
        var latency: [String: Double]

        enum CodingKeys: String, CodingKey {
            case requests
            case errors
            case latency = "latency_ms"
        }
    }

    enum CodingKeys: String, CodingKey {
        case peer
        case machine
        case data
        case settings
        case operations
        case total
        case answersPerSecond = "answers_per_second"
    }

    /// Percentiles in the result and in a line.
    private static let fields = [
        ("p50", "p50_us"), ("p75", "p75_us"), ("p90", "p90_us"), ("p95", "p95_us"),
        ("p99", "p99_us"), ("p999", "p999_us"), ("max", "max_us"),
    ]

    /// One line an operation, by name, and one for all of them together.
    var lines: [ResultLine] {
        var lines = operations.sorted { $0.key < $1.key }.map { line($0.key, $0.value) }
        if let total {
            var all = line("all", total)
            all.figures["rate"] = answersPerSecond
            lines.append(all)
        }
        return lines
    }

    private func line(_ name: String, _ operation: Operation) -> ResultLine {
        var line = ResultLine(peer: peer ?? "vectorstore")
        line.operation = name
        line.machine = machine
        line.data = data
        line.offeredRate = settings?.rate
        // A closed loop is driven by its users, an open one by its rate.
        if settings?.rate == nil { line.params["users"] = settings?.users.map { Double($0) } }
        // Files of old have zeros where nothing was answered.
        for (percentile, field) in Self.fields where operation.latency["count"] != 0 {
            line.figures[field] = operation.latency[percentile].map { $0 * 1_000 }
        }
        line.figures["errors"] = Double((operation.errors ?? [:]).values.reduce(0, +))
        return line
    }
}

/// What an object of a result file holds.
enum ResultObject: Decodable {
    case line(ResultLine)
    case load(LoadResult)

    private enum Marker: String, CodingKey {
        case operations
    }

    init(from decoder: any Decoder) throws {
        let isLoad = try decoder.container(keyedBy: Marker.self).contains(.operations)
        self =
            isLoad
            ? .load(try LoadResult(from: decoder)) : .line(try ResultLine(from: decoder))
    }

    var lines: [ResultLine] {
        switch self {
        case .line(let line): [line]
        case .load(let load): load.lines
        }
    }
}
