import ArgumentParser
import Evaluation
import Foundation

/// `vector-bench load`: many users with a mix of operations.
struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Put a running server under the load of many users.",
        discussion: """
            Each user has a connection of its own. Without --rate the loop is closed: a user asks, \
            reads the answer, thinks as long as the scenario says, and asks again. With --rate it \
            is open: requests start at that rate on whichever connection is free, and latencies \
            count from the intended start.

            A scenario is a JSON file with name, timeout_ms, think_ms {min, max} and operations: \
            name, weight and kind, which is query (with limit), get (with ids) or upsert (with \
            rows). Upserts write records load-0 to load-999, in the partition load where there \
            are partitions; they are deleted at the end.

            Errors by kind: connect and connect_timeout, closed (the connection broke before the \
            answer), timeout, protocol, http_STATUS, bad_result (an answer without a match, record \
            or count). A request that failed is slower than every answer in the percentiles; an \
            attempt to connect is no request, so bound the errors too.

            Examples:
              vector-bench load --socket run/vector.sock --data fixtures/lectures --users 1000 \
            --ramp 10 --threshold 'p95<3s' --threshold 'errors<1%' --json result.json
              vector-bench load --address 127.0.0.1:8800 --queries q.fbin --rate 800

            Exit codes: 0 all thresholds met, 1 one not met or the run failed, 2 wrong usage.
            """
    )

    @OptionGroup var options: LoadOptions

    @Option(help: "The scenario file.")
    var scenario = "fixtures/scenarios/chat.json"

    @Option(help: "Users, each with its own connection.")
    var users = 1_000

    @Option(help: "Seconds in which the users connect, and in which --rate is reached.")
    var ramp = 10.0

    @Option(help: "Requests a second of an open loop; without it the loop is closed.")
    var rate: Double?

    func validate() throws {
        guard (1...60_000).contains(users), ramp >= 0, ramp < options.duration else {
            throw ValidationError("--users must be 1 to 60000, --ramp shorter than --duration")
        }
        if let rate, !(rate > 0 && rate <= 1_000_000) {
            throw ValidationError("--rate must be above 0 and at most 1000000")
        }
    }

    func run() async throws {
        guard let data = FileManager.default.contents(atPath: scenario) else {
            throw BenchError("\(scenario) cannot be read; name a scenario with --scenario FILE")
        }
        let read: LoadScenario
        do {
            read = try LoadScenario(json: [UInt8](data))
        } catch {
            throw BenchError("\(scenario): \(error)")
        }
        let spacing = try options.spacing()
        let plan = LoadPlan(
            arrivals: rate.map { .open(rate: $0, spacing: spacing) } ?? .closed,
            users: users,
            rampSeconds: ramp,
            seconds: options.duration,
            seed: options.seed
        )
        try await LoadSession(options: options, scenario: read, plan: plan).run()
    }
}
