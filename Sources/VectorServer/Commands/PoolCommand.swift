import ArgumentParser
import VectorService

/// Shows the pool of Postgres.
struct PoolCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pool",
        abstract: "Show the connections to Postgres.",
        subcommands: [StatusCommand.self]
    )

    /// Shows what the running server's pool does.
    struct StatusCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status",
            abstract: "Show what the running server's pool holds and has done.",
            discussion: "Exit code 3 when no server runs or it has no Postgres."
        )

        @OptionGroup var location: StoreLocation
        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard try location.hasServer() else {
                throw CommandFailure.notReady(
                    "no server answers on \(try location.socketPath().path)"
                )
            }
            try await location.withClient { client in
                let text = try await client.send("GET", "/v1/pool")
                if output.json { return Terminal.result(json: text) }
                let answer = try JSONScanner.parse(text, vectorKey: nil)
                func number(_ key: String) -> Int { answer[key]?.integer ?? 0 }
                func flag(_ key: String, of node: JSONNode? = nil) -> Bool {
                    (node ?? answer)[key]?.value == .bool(true)
                }
                Terminal.result(
                    "connections  \(number("idle")) idle, \(number("busy")) busy, "
                        + "\(number("opening")) opening, \(number("closing")) closing, at most "
                        + "\(number("max_connections"))"
                )
                Terminal.result("waiting      \(number("waiting"))")
                Terminal.result(
                    "circuit      "
                        + (flag("circuit_open")
                            ? "open: \(answer["last_failure"]?.text ?? "")" : "closed")
                )
                Terminal.result(
                    "since start  \(number("connects")) connects, "
                        + "\(number("connect_failures")) failed; \(number("statements")) "
                        + "statements, \(number("statement_timeouts")) out of time, "
                        + "\(number("cancelled")) cancelled; \(number("leaks")) leaks"
                )
                let metadata = answer["metadata"]
                Terminal.result(
                    "metadata     "
                        + (flag("available", of: metadata) ? "available" : "unavailable") + ", "
                        + "\(metadata?["rows"]?.integer ?? 0) rows in "
                        + Terminal.bytes(metadata?["bytes"]?.number ?? 0) + " of memory, "
                        + "\(metadata?["hits"]?.integer ?? 0) hits, "
                        + "\(metadata?["misses"]?.integer ?? 0) misses"
                )
            }
        }
    }
}
