import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import VectorService

/// A connection that tells what it is answered.
private final class Asker: DirectAsker {
    let address: String? = nil
    private let answered: @Sendable (String) -> Void

    init(_ answered: @escaping @Sendable (String) -> Void) { self.answered = answered }

    func finish(_ answer: DirectAnswer) {
        answered(String(String(buffer: answer.bytes).prefix(12).suffix(3)))
    }
}

/// One lane on a loop of its own, asked one query after the other like a connection that pipelines.
private struct LaneFixture: Sendable {
    static let path = "/v1/collections/lectures/query"

    let fixture: ServiceFixture
    let front: HTTPFront
    let loop: any EventLoop
    let lane: DirectLane
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    init(_ surface: ServiceSurface = ServiceSurface(), budget: Duration) async throws {
        fixture = try await ServiceFixture(surface)
        var limits = HTTPLimits()
        limits.loopBudget = budget
        front = HTTPFront(service: fixture.service, limits: limits, entrance: .socket)
        loop = group.next()
        lane = DirectLanes(LiveFront(front)).lane(of: loop)
        let made = await fixture.send("PUT", "/v1/collections/lectures", #"{"dimension":3}"#)
        try #require(made.status == 201, "\(made.text)")
        let records = (0..<100).map { #"{"id":"\#($0)","vector":[1,\#(Double($0) / 100),0]}"# }
        let added = await fixture.send(
            "POST",
            "/v1/collections/lectures/records",
            #"{"records":[\#(records.joined(separator: ","))]}"#
        )
        try #require(added.status == 200, "\(added.text)")
    }

    /// How many queries went to the threads.
    var handedOver: UInt64 { fixture.service.threads.load.batched }

    /// Asks so many times, the next one in the moment in which one is answered; the statuses.
    func ask(_ count: Int, headers: [(name: String, value: String)] = []) async -> [String] {
        let answers = Mutex<[String]>([])
        await withCheckedContinuation { continuation in
            loop.execute {
                next(count, headers) { bytes in
                    answers.withLock { $0.append(bytes) }
                } done: {
                    continuation.resume()
                }
            }
        }
        return answers.withLock { $0 }
    }

    private func next(
        _ count: Int,
        _ headers: [(name: String, value: String)],
        each: @escaping @Sendable (String) -> Void,
        done: @escaping @Sendable () -> Void
    ) {
        guard count > 0 else { return done() }
        lane.add(
            question(headers) { status in
                each(status)
                next(count - 1, headers, each: each, done: done)
            }
        )
    }

    /// A query; its status is told.
    func question(
        _ headers: [(name: String, value: String)] = [],
        answered: @escaping @Sendable (String) -> Void
    ) -> DirectQuestion {
        let body = Array(#"{"vector":[1,0,0],"limit":3}"#.utf8)
        let head = RequestHead(
            method: "POST",
            path: Self.path,
            headers: RequestHeaders(
                [("content-type", "application/json")] + headers.map { ($0.name, $0.value) }
            )
        )
        return DirectQuestion(
            head: head,
            body: body,
            id: "test",
            front: front,
            start: .now,
            asker: Asker(answered)
        )
    }

    /// Does something in one turn of the loop.
    func turn<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async throws -> Value {
        try await loop.submit(body).get()
    }

    func close() async throws {
        try await fixture.close()
        try await group.shutdownGracefully()
    }
}

@Suite(.serialized) struct `Queries of one event loop` {
    @Test func `queries that come one after the other share the time of one turn`() async throws {
        let lane = try await LaneFixture(budget: .milliseconds(1))
        let statuses = await lane.ask(3_000)
        #expect(statuses.count == 3_000 && Set(statuses) == ["200"])
        // A millisecond is enough for some dozens of them, then the threads have a turn.
        #expect(lane.handedOver >= 100, "\(lane.handedOver)")
        #expect(lane.handedOver < 3_000)
        try await lane.close()
    }

    @Test func `within the time of a turn only the first query of a kind changes threads`()
        async throws
    {
        let lane = try await LaneFixture(budget: .seconds(600))
        _ = await lane.ask(200)
        #expect(lane.handedOver == 1)
        try await lane.close()
    }

    @Test func `without a budget all go to the threads`() async throws {
        let lane = try await LaneFixture(budget: .zero)
        #expect(Set(await lane.ask(50)) == ["200"])
        #expect(lane.handedOver == 50)
        try await lane.close()
    }

    @Test func `what comes in one read is looked at when the read is over`() async throws {
        let fixture = try await LaneFixture(budget: .seconds(600))
        _ = await fixture.ask(2)
        let lane = fixture.lane
        let answers = Mutex<[String]>([])
        let (before, after) = try await fixture.turn {
            lane.readBegan()
            for _ in 0..<3 {
                lane.add(fixture.question { status in answers.withLock { $0.append(status) } })
            }
            let before = answers.withLock { $0.count }
            lane.readEnded()
            return (before, answers.withLock { $0.count })
        }
        #expect(before == 0 && after == 3)
        try await fixture.close()
    }

    @Test func `the reads of one turn share its time, and the next turn has its own`()
        async throws
    {
        let fixture = try await LaneFixture(budget: .milliseconds(20))
        _ = await fixture.ask(20)
        let lane = fixture.lane
        /// Whether a query is answered at once when a connection is read.
        @Sendable func isAnsweredAtOnce() -> Bool {
            // By the threads it is in a later turn.
            let answered = Mutex(false)
            lane.readBegan()
            lane.add(fixture.question { _ in answered.withLock { $0 = true } })
            lane.readEnded()
            return answered.withLock { $0 }
        }
        // A thread that is kept from running makes the kind look slow for a while: then once more.
        var isMet = false
        for _ in 0..<20 where !isMet {
            let count = try await fixture.turn {
                (0..<1_000_000).first { _ in !isAnsweredAtOnce() }
            }
            // The time of the turn is over, with it everything is handed over.
            let isNextAnswered = try await fixture.turn { isAnsweredAtOnce() }
            isMet = try #require(count) > 0 && isNextAnswered
        }
        #expect(isMet)
        try await fixture.close()
    }

    @Test func `a signature is looked at on a thread, and only once`() async throws {
        var surface = ServiceSurface()
        surface.authenticator = Authenticator(
            verifier: TokenVerifier(rules: TokenRules(), keys: try await TestKeys.all())
        )
        let lane = try await LaneFixture(surface, budget: .seconds(600))
        _ = await lane.ask(2)
        let before = lane.handedOver
        let times = "\"exp\":\(Int(WallClock.seconds) + 600)"
        let signer = try await TestKeys.signer("ec")
        func bearer(_ subject: String) throws -> [(name: String, value: String)] {
            let claims = "{\"sub\":\"\(subject)\",\"role\":\"service_role\",\(times)}"
            let header = #"{"alg":"ES256","typ":"JWT","kid":"ec"}"#
            return [("authorization", "Bearer " + (try TestKeys.token(header, claims, by: signer)))]
        }
        #expect(Set(await lane.ask(20, headers: try bearer("a"))) == ["200"])
        #expect(lane.handedOver == before + 1)
        // One that is wrong is looked at each time, never on the loop.
        var wrong = try bearer("b")
        wrong[0].value = String(wrong[0].value.dropLast(6)) + "AAAAAA"
        #expect(await lane.ask(3, headers: wrong) == ["401", "401", "401"])
        #expect(lane.handedOver == before + 4)
        try await lane.close()
    }
}

@Suite struct `Kinds of queries` {
    private static func surface() throws -> ServiceSurface {
        let settings = try SurfaceSettings(
            try JSONScanner.parse(
                Array(
                    """
                    {"policies": {"lectures": "creator_id = jwt.app_metadata.creator_id"},
                     "functions": {"match": {"collection": "lectures", "args": {
                         "query_embedding": {"role": "vector"}, "match_count": {"role": "limit"}},
                       "returns": ["id", "similarity"]}}}
                    """.utf8
                ),
                vectorKey: nil
            )
        )
        return try ServiceSurface(sections: settings)
    }

    private struct Question {
        var path = "/v1/collections/lectures/query"
        var body = #"{"vector":[1,0,0],"limit":3}"#
        var type = "application/json"
        var headers: [(name: String, value: String)] = []
        var principal = Principal.service
        var parameters: [(name: String, value: String)] = []

        func kind(_ service: StoreService) throws -> Int {
            var request = ServiceRequest(
                method: "POST",
                path: path,
                parameters: parameters,
                contentType: type,
                body: Array(body.utf8)
            )
            request.headers = RequestHeaders(headers)
            request.principal = principal
            return try service.prepare(request).kind
        }
    }

    @Test func `a kind is everything but the vector, with who asks and the form of the answer`()
        async throws
    {
        let fixture = try await ServiceFixture(try Self.surface())
        let made = await fixture.send(
            "PUT",
            "/v1/collections/lectures",
            #"{"dimension":3,"partition_by":"creator_id"}"#
        )
        try #require(made.status == 201, "\(made.text)")
        let plain = Question()
        let call = Question(
            path: "/rest/v1/rpc/match",
            body: #"{"query_embedding":[1,0,0],"match_count":3}"#
        )
        let form = Question(
            path: "/rest/v1/rpc/match",
            body: "query_embedding=[1,0,0]&match_count=3",
            type: "application/x-www-form-urlencoded"
        )
        func changed(_ question: Question, _ change: (inout Question) -> Void) throws -> Int {
            var question = question
            change(&question)
            return try question.kind(fixture.service)
        }
        let same = try [
            changed(plain) { $0.body = #"{"vector":[0,1,0],"limit":3}"# },
            changed(plain) { _ in },
        ]
        #expect(Set(same).count == 1)
        let sameCalls = try [
            changed(call) { $0.body = #"{"query_embedding":[0,1,0],"match_count":3}"# },
            changed(call) { _ in },
        ]
        #expect(Set(sameCalls).count == 1)
        let sameForms = try [
            changed(form) { $0.body = "query_embedding=[0,1,0]&match_count=3" },
            changed(form) { _ in },
        ]
        #expect(Set(sameForms).count == 1)
        var kinds = [same[0], sameCalls[0], sameForms[0]]
        kinds.append(try changed(plain) { $0.body = #"{"vector":[1,0,0],"limit":4}"# })
        // A parameter, which such a query does not look at, is no member of the same name.
        kinds.append(
            try changed(plain) {
                $0.body = #"{"vector":[1,0,0]}"#
                $0.parameters = [("limit", "1000")]
            }
        )
        kinds.append(try changed(plain) { $0.body = #"{"vector":[1,0,0],"limit":1000}"# })
        for question in [plain, call, form] {
            kinds.append(try changed(question) { $0.principal = ServiceFixture.user("ada") })
            kinds.append(try changed(question) { $0.principal = ServiceFixture.user("bob") })
            kinds.append(try changed(question) { $0.headers = [("accept-encoding", "gzip")] })
        }
        for question in [call, form] {
            kinds.append(try changed(question) { $0.headers = [("prefer", "count=exact")] })
            kinds.append(try changed(question) { $0.headers = [("accept", "text/csv")] })
            kinds.append(try changed(question) { $0.parameters = [("order", "id")] })
        }
        kinds.append(try changed(call) { $0.body = #"{"query_embedding":[1,0,0]}"# })
        kinds.append(try changed(form) { $0.body = "query_embedding=[1,0,0]&match_count=4" })
        #expect(Set(kinds).count == kinds.count)
        try await fixture.close()
    }
}
