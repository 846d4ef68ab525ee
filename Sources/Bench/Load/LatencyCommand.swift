import ArgumentParser
import Evaluation

/// `vector-bench latency`: latencies of queries that arrive at a set rate.
struct LatencyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency",
        abstract: "Send queries to a running server at a set rate and measure latencies.",
        discussion: """
            An open loop: queries start at their times whether or not earlier ones were answered, \
            and a latency counts from the intended start, so that the wait behind a slow answer is \
            not left out. Each query searches one partition where the collection has partitions.

            Example:
              vector-bench latency --socket run/vector.sock --data fixtures/lectures --rate 500 \
            --duration 30 --threshold 'p99<20ms'

            Exit codes: 0 all thresholds met, 1 one not met or the run failed, 2 wrong usage.
            """
    )

    @OptionGroup var options: LoadOptions

    @Option(help: "Queries a second.")
    var rate = 200.0

    @Option(help: "Connections to send them on.")
    var connections = 16

    @Option(help: "Matches to ask for.")
    var limit = 5

    @Option(help: "Seconds without an answer after which a query is an error.")
    var timeout = 10.0

    func validate() throws {
        guard rate > 0, rate <= 1_000_000, (1...60_000).contains(connections),
            (1...1_000).contains(limit), timeout > 0, timeout <= 600
        else {
            throw ValidationError("rate, connections, limit and timeout must be above 0 and sane")
        }
    }

    func run() async throws {
        let scenario = LoadScenario(
            name: "queries",
            timeoutMilliseconds: timeout * 1_000,
            thinkMilliseconds: 0...0,
            operations: [.init(name: "query", kind: .query, weight: 1, amount: limit)]
        )
        let plan = LoadPlan(
            arrivals: .open(rate: rate, spacing: try options.spacing()),
            users: connections,
            rampSeconds: 0,
            seconds: options.duration,
            seed: options.seed
        )
        try await LoadSession(options: options, scenario: scenario, plan: plan).run()
    }
}
