import Foundation
import PostgresSupport
import Testing

/// Clients ask all the time while Postgres is stopped, killed, frozen and started again.
@Suite(.serialized, .enabled(if: PrivatePostgres.binaries != nil, "no Postgres found"))
struct `Postgres in trouble` {
    private static let isSoak = ProcessInfo.processInfo.environment["VS_TIER"] == "soak"

    private struct Tally {
        var complete = 0
        var unavailable = 0
        var failures: [String] = []
        var mixedUp = 0
        var slowest = Duration.zero
        /// When each client had its rows last.
        var lastComplete: [ContinuousClock.Instant?]
    }

    @Test func `searches never fail, rows come back soon, and no connection is lost or mixed up`()
        throws
    {
        let clientCount = Self.isSoak ? 200 : 24
        let postgres = try PrivatePostgres()
        try postgres.execute(
            """
            create table chunks as select 'c' || i as id, 'Title ' || i as title
                from generate_series(0, 499) i;
            alter table chunks add primary key (id);
            """
        )
        let server = try ServerProcess(
            in: try ServerProcess.makeDirectory(),
            settings: """
                log: {format: json}
                limits: {queue_length: 1000}
                postgres: {url: "\(postgres.url)&application_name=chaos", max_connections: 6}
                metadata:
                  ttl: 0ms
                  negative_ttl: 0ms
                  timeout: 1500ms
                  collections:
                    lectures: {table: chunks, columns: [id, title]}
                """
        )
        try server.fill(count: 500)
        let tally = Locked(Tally(lastComplete: Array(repeating: nil, count: clientCount)))
        let isOver = Locked(false)
        let highest = Locked(0)
        let group = DispatchGroup()
        for client in 0..<clientCount {
            Thread.detached(in: group) {
                Self.ask(server.socket, client, tally, isOver)
            }
        }
        Thread.detached(in: group) {
            while !isOver.withLock({ $0 }) {
                let text = try? postgres.execute(
                    """
                    select count(*) from pg_stat_activity
                    where application_name = 'chaos' and backend_type = 'client backend'
                    """
                )
                let count = Int(text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "") ?? 0
                highest.withLock { $0 = max($0, count) }
                Thread.sleep(forTimeInterval: 0.02)
            }
        }
        defer { isOver.withLock { $0 = true } }
        Thread.sleep(forTimeInterval: 1)
        let end = ContinuousClock.now + .seconds(Self.isSoak ? 600 : 0)
        var recoveries: [(kind: String, took: Duration)] = []
        repeat {
            for kind in ["stop", "kill", "freeze", "terminate"] {
                let begin = ContinuousClock.now
                switch kind {
                case "stop":
                    try postgres.stop()
                    Thread.sleep(forTimeInterval: Self.isSoak ? 4 : 1)
                    try postgres.start()
                case "kill":
                    try postgres.kill()
                    Thread.sleep(forTimeInterval: Self.isSoak ? 4 : 1)
                    try postgres.start()
                case "freeze":
                    try postgres.freeze()
                    Thread.sleep(forTimeInterval: Self.isSoak ? 12 : 4)
                    try postgres.thaw()
                default:
                    try postgres.execute(
                        """
                        select pg_terminate_backend(pid) from pg_stat_activity
                        where application_name = 'chaos'
                        """
                    )
                }
                // From here Postgres accepts connections.
                let back = ContinuousClock.now
                while true {
                    let isFull = tally.withLock { tally in
                        tally.lastComplete.allSatisfy { ($0 ?? begin) > back }
                    }
                    if isFull { break }
                    try #require(
                        ContinuousClock.now - back < .seconds(20),
                        "no full service after \(kind)"
                    )
                    Thread.sleep(forTimeInterval: 0.005)
                }
                recoveries.append((kind, ContinuousClock.now - back))
                Thread.sleep(forTimeInterval: Self.isSoak ? 5 : 0.5)
            }
        } while ContinuousClock.now < end
        isOver.withLock { $0 = true }
        group.wait()
        let result = tally.withLock { $0 }
        print(
            "chaos: \(clientCount) clients, \(result.complete) complete, \(result.unavailable) "
                + "unavailable, slowest \(result.slowest), at most \(highest.withLock { $0 }) "
                + "connections, recoveries "
                + recoveries.map { "\($0.kind) \($0.took)" }.joined(separator: ", ")
        )
        #expect(result.failures == [])
        #expect(result.complete > 500 && result.unavailable > 0)
        #expect(result.mixedUp == 0, "rows of other records were answered")
        #expect(result.slowest < .seconds(3), "an answer without metadata took \(result.slowest)")
        #expect(recoveries.allSatisfy { $0.took <= .seconds(3) }, "\(recoveries)")
        #expect(highest.withLock { $0 } <= 6)
        // Nothing is lent out any more, no transaction is open, and the pool's books agree.
        let status = try HTTPConnection(server.socket).get("/v1/pool").json()
        #expect(status["busy"] as? Int == 0 && status["waiting"] as? Int == 0, "\(status)")
        #expect(status["leaks"] as? Int == 0 && status["closing"] as? Int == 0, "\(status)")
        let open = try postgres.execute(
            "select count(*) from pg_stat_activity where state like 'idle in transaction%'"
        )
        #expect(open == "0\n")
        #expect(server.stop().code == 0)
    }

    private static func ask(
        _ socket: String,
        _ client: Int,
        _ tally: Locked<Tally>,
        _ isOver: Locked<Bool>
    ) {
        var random = Numbers(UInt64(client))
        var connection: HTTPConnection?
        while !isOver.withLock({ $0 }) {
            let angle = Double(random.below(500)) / 500
            let body =
                #"{"vector":[\#(cos(angle)),\#(sin(angle)),0.1],"partition":"ada","limit":5,"#
                + #""include":["metadata"]}"#
            let start = ContinuousClock.now
            do {
                if connection == nil { connection = try HTTPConnection(socket) }
                let answer = try connection?.send("POST", "/v1/collections/lectures/query", body)
                let took = ContinuousClock.now - start
                guard let answer, answer.status == 200 else {
                    let text = "\(answer?.status ?? 0) \(answer?.text ?? "")"
                    tally.withLock { $0.failures.append(text) }
                    continue
                }
                note(try answer.json(), took, client, tally)
            } catch {
                tally.withLock { $0.failures.append("\(error)") }
                connection = nil
            }
        }
    }

    private static func note(
        _ answer: [String: Any],
        _ took: Duration,
        _ client: Int,
        _ tally: Locked<Tally>
    ) {
        let matches = answer["matches"] as? [[String: Any]] ?? []
        let isComplete = answer["metadata"] as? String == "complete"
        // Each row carries its own id: one of another request would give itself away.
        let isMixedUp = matches.contains { match in
            guard let row = match["metadata"] as? [String: Any] else { return isComplete }
            return row["id"] as? String != match["id"] as? String
        }
        tally.withLock { tally in
            if matches.count != 5 { tally.failures.append("\(matches.count) matches") }
            if isMixedUp { tally.mixedUp += 1 }
            tally.slowest = max(tally.slowest, took)
            if isComplete {
                tally.complete += 1
                tally.lastComplete[client] = .now
            } else {
                tally.unavailable += 1
            }
        }
    }
}

extension Thread {
    /// Starts a thread of its own: hundreds that block would starve the shared ones.
    static func detached(in group: DispatchGroup, _ body: @escaping @Sendable () -> Void) {
        group.enter()
        let thread = Thread {
            body()
            group.leave()
        }
        thread.start()
    }
}
