import Glibc
import VectorStore

/// What an address means.
enum Route: Equatable {
    case live
    case ready
    case metrics
    case about
    case pool
    case forgetMetadata
    case statistics
    case task(String)
    case taskEvents(String)
    case description
    case tokens(TokenAction)
    case collections
    case collection(String)
    case action(Action, collection: String)

    /// What can be done with a collection beside creating, reading and dropping it.
    enum Action: String, CaseIterable {
        case upsert = "records"
        case get = "records/get"
        case delete = "records/delete"
        case scan = "records/scan"
        case count = "records/count"
        case update = "records/update"
        case query
        case queryBatch = "query-batch"
        case rebuildIndex = "rebuild-index"
        case rollBackIndex = "rollback-index"
        case compact
        case flush

        /// Whether it only reads rows, so that a row policy can narrow it.
        var isRead: Bool {
            switch self {
            case .get, .scan, .count, .query, .queryBatch: true
            case .upsert, .delete, .update, .rebuildIndex, .rollBackIndex, .compact, .flush: false
            }
        }
    }

    /// Whether a path belongs to the interface that Supabase's clients speak.
    static func isRest(_ path: String) -> Bool {
        path.hasPrefix("/rest/v1/")
    }

    /// Reads a path; nil when it leads nowhere.
    ///
    /// Names need no percent-encoding, so `%` leads nowhere.
    init?(path: String) {
        guard path.utf8.first == UInt8(ascii: "/"), path.utf8.count <= 1024 else { return nil }
        if let name = Self.queried(path) {
            self = .action(.query, collection: name)
            return
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            .dropFirst().map { String($0) }
        switch parts.first {
        case "livez" where parts.count == 1: self = .live
        case "readyz" where parts.count == 1: self = .ready
        case "metrics" where parts.count == 1: self = .metrics
        case "v1":
            guard let route = Self.versioned(Array(parts.dropFirst())) else { return nil }
            self = route
        default: return nil
        }
    }

    /// The collection of `/v1/collections/{name}/query`, which is asked for more than all else.
    private static func queried(_ path: String) -> String? {
        path.utf8Span.span.withUnsafeBytes { path in
            guard isQuery(path) else { return nil }
            let name = path[queryStart.utf8CodeUnitCount..<path.count - queryEnd.utf8CodeUnitCount]
            return name.allSatisfy(ConfigurationCheck.isNameByte)
                ? String(decoding: name, as: UTF8.self) : nil
        }
    }

    private static let (queryStart, queryEnd): (StaticString, StaticString) = (
        "/v1/collections/", "/query"
    )

    /// Whether a path has the form of `/v1/collections/{name}/query`, whatever the name.
    static func isQuery(_ path: String) -> Bool {
        path.utf8Span.span.withUnsafeBytes { isQuery($0) }
    }

    private static func isQuery(_ path: UnsafeRawBufferPointer) -> Bool {
        let (start, end) = (queryStart, queryEnd)
        let (startCount, endCount) = (start.utf8CodeUnitCount, end.utf8CodeUnitCount)
        guard path.count > startCount + endCount, let base = path.baseAddress else { return false }
        return memcmp(base, start.utf8Start, startCount) == 0
            && memcmp(base + path.count - endCount, end.utf8Start, endCount) == 0
    }

    private static func versioned(_ parts: [String]) -> Route? {
        guard let first = parts.first else { return .about }
        switch (first, parts.count) {
        case ("stats", 1): return .statistics
        case ("openapi.json", 1): return .description
        case ("tokens", 2): return TokenAction(rawValue: parts[1]).map { .tokens($0) }
        case ("pool", 1): return .pool
        case ("metadata", 2) where parts[1] == "invalidate": return .forgetMetadata
        case ("collections", 1): return .collections
        case ("tasks", 2): return isName(parts[1]) ? .task(parts[1]) : nil
        case ("tasks", 3) where parts[2] == "events":
            return isName(parts[1]) ? .taskEvents(parts[1]) : nil
        case ("collections", 2...4):
            guard isName(parts[1]) else { return nil }
            if parts.count == 2 { return .collection(parts[1]) }
            return Action(rawValue: parts.dropFirst(2).joined(separator: "/"))
                .map { .action($0, collection: parts[1]) }
        default: return nil
        }
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(ConfigurationCheck.isNameByte)
    }

    // Made once, not for each request.
    private static let (reading, writing) = (["GET", "HEAD"], ["POST"])
    private static let managing = ["GET", "HEAD", "PUT", "DELETE"]
    private static let watching = ["GET"]

    /// The methods it knows.
    var methods: [String] {
        switch self {
        case .live, .ready, .metrics, .about, .pool, .statistics, .task, .collections,
            .description:
            Self.reading
        case .taskEvents: Self.watching
        case .collection: Self.managing
        case .action, .forgetMetadata, .tokens: Self.writing
        }
    }

    /// What the metrics call it: one of a few, whatever the address holds.
    var name: String {
        switch self {
        case .live: "livez"
        case .ready: "readyz"
        case .metrics: "metrics"
        case .about: "about"
        case .pool: "pool"
        case .forgetMetadata: "metadata/invalidate"
        case .statistics: "stats"
        case .task: "task"
        case .taskEvents: "task/events"
        case .description: "openapi.json"
        case .tokens(let action): "tokens/\(action.rawValue)"
        case .collections: "collections"
        case .collection: "collection"
        case .action(let action, _): action.rawValue
        }
    }

    /// The most bytes of the body of a function call.
    static let functionBodyLimit = 1 << 20

    /// The most bytes of a body.
    var bodyLimit: Int {
        switch self {
        case .action(.upsert, _), .action(.update, _): 32 << 20
        case .action(.queryBatch, _): 8 << 20
        case .tokens: 16 << 10
        default: 1 << 20
        }
    }
}
