import Foundation
import Testing
import VectorStore

@testable import VectorService

/// Somebody with a token tries to read another creator's rows, through everything that reads.
@Suite struct `Row policy fuzzer` {
    static let creators = ["ada", "bob", "cyd"]
    static let rowsPerCreator = 40
    /// 3,000 tries in a test run, 100,000 in a soak.
    static let tryCount =
        ProcessInfo.processInfo.environment["VS_TIER"] == "soak" ? 100_000 : 3_000

    static func surface() throws -> ServiceSurface {
        let settings = try SurfaceSettings(
            try JSONScanner.parse(
                Array(
                    """
                    {"policies": {"byPartition": "creator_id = jwt.app_metadata.creator_id",
                                  "byAttribute": "owner = jwt.app_metadata.creator_id"},
                     "functions": {
                       "match": {"collection": "byPartition", "args": {
                           "query_embedding": {"role": "vector"}, "creator_id": {"role": "partition"},
                           "match_count": {"role": "limit"}, "match_threshold": {"role": "min_similarity"},
                           "owner": {"role": "equals"},
                           "filter": {"role": "jsonb_contains", "column": "metadata"}},
                         "returns": ["id", "owner", "creator_id", "similarity",
                           {"name": "metadata", "type": "jsonb", "from": "record"}]},
                       "match_owned": {"collection": "byAttribute", "args": {
                           "query_embedding": {"role": "vector"}, "match_count": {"role": "limit"}},
                         "returns": ["id", "owner", "similarity"]}}}
                    """.utf8
                ),
                vectorKey: nil
            )
        )
        var surface = ServiceSurface()
        surface.rest = settings.rest
        surface.policies = settings.policies
        return surface
    }

    /// Every id and every text of a row names its creator, so that a leak shows wherever it is.
    static func fill(_ fixture: ServiceFixture) async throws {
        for name in ["byPartition", "byAttribute"] {
            let keyed = name == "byPartition" ? "\"partition_by\":\"creator_id\"," : ""
            let made = await fixture.send(
                "PUT",
                "/v1/collections/\(name)",
                "{\"dimension\":4,\(keyed)\"attributes\":{\"owner\":{\"type\":\"string\"},"
                    + "\"rank\":{\"type\":\"int64\"}}}"
            )
            try #require(made.status == 201, "\(made.text)")
            for creator in creators {
                let records = (0..<rowsPerCreator).map { number in
                    let angle = Double(number) / 40
                    let partition = keyed.isEmpty ? "" : "\"creator_id\":\"\(creator)\","
                    return "{\"id\":\"\(creator)-\(number)\",\(partition)\"owner\":\"\(creator)\","
                        + "\"rank\":\(number),\"vector\":[\(cos(angle)),\(sin(angle)),0.1,0.2],"
                        + "\"text\":\"words of \(creator)\"}"
                }
                let answer = await fixture.send(
                    "POST",
                    "/v1/collections/\(name)/records",
                    "{\"records\":[\(records.joined(separator: ","))]}"
                )
                try #require(answer.status == 200, "\(answer.text)")
            }
            _ = await fixture.send("POST", "/v1/collections/\(name)/flush")
        }
    }

    @Test func `no try shows a row of another creator`() async throws {
        let fixture = try await ServiceFixture(try Self.surface())
        try await Self.fill(fixture)
        let seed = UInt64.random(in: 1...UInt64.max)
        var attacker = Attacker(seed: seed)
        var shown = 0
        var leaks: [String] = []
        var statuses: [Int: Int] = [:]
        for _ in 0..<Self.tryCount {
            let attempt = attacker.next()
            let answer = await fixture.send(
                attempt.method,
                attempt.path,
                attempt.body,
                as: ServiceFixture.user("ada"),
                parameters: attempt.parameters,
                headers: attempt.headers
            )
            statuses[answer.status, default: 0] += 1
            let text = answer.text
            // What was asked may be repeated in a refusal; rows are only in what was granted.
            let isLeak =
                answer.status < 300
                && (text.contains("bob-") || text.contains("cyd-") || text.contains("words of bob")
                    || text.contains("words of cyd"))
            // Another creator's rows must not be counted either.
            let isCounted = (answer.json?["count"]?.integer ?? 0) > Self.rowsPerCreator
            if isLeak || isCounted || answer.status >= 500 {
                leaks.append("\(attempt) -> \(answer.status) \(text.prefix(200))")
            }
            if answer.status < 300, text.contains("ada-") { shown += 1 }
        }
        #expect(leaks.isEmpty, "seed \(seed): \(leaks.prefix(3))")
        // A fuzzer that is only ever refused proves nothing.
        #expect(shown > Self.tryCount / 10, "seed \(seed): \(statuses)")
        let count = await fixture.send("POST", "/v1/collections/byPartition/records/count", "{}")
        #expect(count.json?["count"]?.integer == Self.creators.count * Self.rowsPerCreator)
        try await fixture.close()
    }
}

/// Makes requests that would show other creators' rows if anything were forgotten.
struct Attacker {
    struct Attempt: CustomStringConvertible {
        var method = "POST"
        var path: String
        var body: String
        var parameters: [(name: String, value: String)] = []
        var headers: [(name: String, value: String)] = []

        var description: String { "\(method) \(path) \(parameters) \(headers) \(body)" }
    }

    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// - Source: Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014.
    private mutating func random(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return Int((value ^ value >> 31) % UInt64(bound))
    }

    private mutating func pick<T>(_ choices: [T]) -> T { choices[random(choices.count)] }

    private mutating func creator() -> String { pick(["ada", "bob", "cyd", "", "*", "ada,bob"]) }

    private mutating func id() -> String { "\"\(pick(["ada", "bob", "cyd"]))-\(random(45))\"" }

    private mutating func vector() -> String {
        "[\(random(100)),\(random(100)),\(random(10)),\(1 + random(9))]"
    }

    private mutating func filter(_ depth: Int = 0) -> String {
        switch random(depth > 3 ? 4 : 8) {
        case 0: "{\"owner\":\"\(creator())\"}"
        case 1: "{\"owner\":{\"ne\":\"ada\"}}"
        case 2: "{\"rank\":{\"gte\":\(random(40))}}"
        case 3: "{\"owner\":{\"in\":[\"bob\",\"cyd\",\"\(creator())\"]}}"
        case 4: "{\"not\":\(filter(depth + 1))}"
        case 5: "{\"or\":[\(filter(depth + 1)),\(filter(depth + 1))]}"
        case 6: "{\"and\":[\(filter(depth + 1)),\(filter(depth + 1))]}"
        default: "{\"or\":[\(filter(depth + 1)),{\"owner\":\"bob\"}]}"
        }
    }

    private mutating func partition() -> String {
        switch random(6) {
        case 0: ",\"partition\":\"\(creator())\""
        case 1: ",\"creator_id\":\"\(creator())\""
        case 2: ",\"partitions\":[\"ada\",\"bob\",\"cyd\"]"
        case 3: ",\"partitions\":[]"
        case 4: ",\"partition\":null"
        default: ""
        }
    }

    private mutating func query() -> String {
        let what = random(4) == 0 ? "\"id\":\(id())" : "\"vector\":\(vector())"
        let filtered = random(2) == 0 ? ",\"filter\":\(filter())" : ""
        let parts = pick([
            "", ",\"explain\":true", ",\"include\":[\"payload\",\"vector\"]", ",\"include\":[]",
            ",\"recall\":1.0", ",\"nprobe\":4", ",\"min_lsn\":1", ",\"min_similarity\":-1",
        ])
        return "{\(what),\"limit\":\(1 + random(200))\(partition())\(filtered)\(parts)}"
    }

    mutating func next() -> Attempt {
        let collection = pick(["byPartition", "byPartition", "byAttribute"])
        let base = "/v1/collections/\(collection)/"
        switch random(12) {
        case 0, 1, 2: return Attempt(path: base + "query", body: query())
        case 3:
            let queries = (0..<(1 + random(4))).map { _ in query() }
            return Attempt(
                path: base + "query-batch",
                body: "{\"queries\":[\(queries.joined(separator: ","))]}"
            )
        case 4:
            let ids = (0..<(1 + random(6))).map { _ in id() }
            let include = pick(["", ",\"include\":[]", ",\"include\":[\"vector\"]"])
            return Attempt(
                path: base + "records/get",
                body: "{\"ids\":[\(ids.joined(separator: ","))]\(include)}"
            )
        case 5:
            let cursor = random(3) == 0 ? ",\"cursor\":\"\(pick(["bob-1", "AAAA", "1", ""]))\"" : ""
            return Attempt(
                path: base + "records/scan",
                body: "{\"limit\":\(1 + random(200)),\"filter\":\(filter())\(partition())\(cursor)}"
            )
        case 6:
            return Attempt(path: base + "records/count", body: "{\"filter\":\(filter())}")
        case 7: return refusable(base)
        default: return call()
        }
    }

    /// Things that only the service may do.
    private mutating func refusable(_ base: String) -> Attempt {
        switch random(6) {
        case 0: Attempt(method: "GET", path: String(base.dropLast()), body: "")
        case 1: Attempt(method: "GET", path: "/v1/stats", body: "")
        case 2:
            Attempt(
                path: base + "records/update",
                body: "{\"updates\":[{\"id\":\(id()),\"partition\":\"ada\"}]}"
            )
        case 3: Attempt(path: base + "records/delete", body: "{\"ids\":[\(id())]}")
        case 4:
            Attempt(
                path: base + "records",
                body:
                    "{\"records\":[{\"id\":\(id()),\"vector\":\(vector()),\"creator_id\":\"ada\"}]}"
            )
        default: Attempt(method: "DELETE", path: String(base.dropLast()), body: "")
        }
    }

    /// A call of a function.
    private mutating func call() -> Attempt {
        let name = pick(["match", "match", "match_owned"])
        var arguments = "\"query_embedding\":\(vector())"
        if random(2) == 0 { arguments += ",\"match_count\":\(random(250))" }
        if name == "match" {
            if random(3) == 0 { arguments += ",\"creator_id\":\"\(creator())\"" }
            if random(4) == 0 { arguments += ",\"owner\":\"\(creator())\"" }
            if random(3) == 0 { arguments += ",\"filter\":{\"owner\":\"\(creator())\"}" }
            if random(4) == 0 { arguments += ",\"filter2\":{}" }
        }
        var parameters: [(name: String, value: String)] = []
        let options: [(String, String)] = [
            ("owner", "eq.\(creator())"), ("owner", "not.eq.ada"), ("owner", "in.(bob,cyd)"),
            ("or", "(owner.eq.bob,id.eq.bob-1)"), ("id", "like.bob*"), ("id", "gt.b"),
            ("select", "id,owner"), ("select", "*"), ("order", "owner.desc"), ("order", "id"),
            ("limit", "\(random(300))"), ("offset", "\(random(50))"), ("similarity", "gt.-1"),
            ("not.and", "(owner.eq.ada,id.like.ada*)"), ("metadata->>owner", "eq.bob"),
            ("metadata", "cs.{\"owner\":\"bob\"}"), ("creator_id", "neq.ada"),
        ]
        for _ in 0..<random(4) {
            let (name, value) = pick(options)
            parameters.append((name, value))
        }
        let headers: [(name: String, value: String)] =
            random(4) == 0
            ? [("prefer", "count=exact")]
            : random(8) == 0 ? [("accept", "text/csv")] : []
        return Attempt(
            path: "/rest/v1/rpc/\(name)",
            body: "{\(arguments)}",
            parameters: parameters,
            headers: headers
        )
    }
}
