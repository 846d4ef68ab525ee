import Foundation
import Testing

/// The load generator against a real server, over its socket.
@Suite(.serialized) struct `Load on a running server` {
    private let scratch: Scratch
    private var socket: String { scratch.path + "/run/vector.sock" }
    private var lectures: String { Program.root.path + "/fixtures/lectures" }

    init() throws {
        scratch = try Scratch()
    }

    /// A server with the lectures, ready to answer.
    private func serve() throws -> Program {
        let data = scratch.path + "/data"
        try Program.run(
            "vector-server",
            [
                "create", "lectures", "--dimension", "384", "--partition-by", "creator_id",
                "--data", data,
            ],
            in: scratch
        )
        try Program.run(
            "vector-server",
            [
                "import", "lectures", "--jsonl", lectures + "/chunks.jsonl", "--vectors",
                lectures + "/chunks.fbin", "--id-field", "id", "--data", data,
            ],
            in: scratch
        )
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/run",
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        let server = try Program(
            "vector-server",
            ["serve", "--data", data, "--socket", socket],
            in: scratch
        )
        let deadline = Date.now.addingTimeInterval(30)
        while !FileManager.default.fileExists(atPath: socket) {
            guard server.isRunning, Date.now < deadline else {
                throw ProgramError(description: "no server: " + server.standardError)
            }
            usleep(20_000)
        }
        return server
    }

    private func load(_ arguments: [String]) -> [String] {
        ["load", "--socket", socket, "--data", lectures, "--json", scratch.path + "/r.json"]
            + arguments
    }

    private func report() throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: scratch.path + "/r.json"))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    private func errors(_ report: [String: Any]) throws -> [String: Int] {
        let total = try #require(report["total"] as? [String: Any])
        return try #require(total["errors"] as? [String: Int])
    }

    @Test func `users of a healthy server see no error, and thresholds set the exit code`() throws {
        let server = try serve()
        let fast = ["--users", "60", "--ramp", "0.5", "--duration", "3"]
        try Program.run(
            "vector-bench",
            load(fast + ["--threshold", "errors<=0%", "--threshold", "p99<30s"]),
            in: scratch
        )
        let good = try report()
        #expect(try errors(good).isEmpty)
        let connections = try #require(good["connections"] as? [String: Any])
        #expect(connections["most"] as? Int == 60)
        let checks = try #require(good["checks"] as? [String: [String: Int]])
        #expect(checks["result_not_empty"]?["failed"] == 0)
        #expect(try #require(checks["result_not_empty"]?["passed"]) > 60)
        let data = try #require(good["data"] as? [String: Any])
        #expect(data["rows"] as? Int == 1_654 && data["dimension"] as? Int == 384)
        let settings = try #require(good["settings"] as? [String: Any])
        #expect(settings["seed"] as? Int == 1)
        for moment in ["server_before", "server_after"] {
            let state = try #require(good[moment] as? [String: Any])
            #expect(state["stats"] is [String: Any], "\(moment)")
        }
        for text in ["machine", "commit"] {
            #expect((good[text] as? String)?.isEmpty == false, "\(text)")
        }

        // The same run with a bound that nobody meets.
        let strict = try Program.run(
            "vector-bench",
            load(fast + ["--threshold", "p50<1us"]),
            in: scratch,
            expecting: 1
        )
        #expect(strict.contains("NOT MET  p50<1us"))
        server.end(SIGTERM)
    }

    @Test func `a server killed in the middle of a run is reported as errors, not a hang`() throws {
        let server = try serve()
        let start = Date.now
        let client = try Program(
            "vector-bench",
            load(["--users", "40", "--ramp", "0.5", "--duration", "5", "--threshold", "errors<1%"]),
            in: scratch
        )
        usleep(2_500_000)
        #expect(client.isRunning)
        server.end(SIGKILL)
        // The run's 5 s and one timeout of the scenario, 10 s, with room for a busy machine.
        #expect(client.wait(seconds: 40) == 1, "\(client.standardError)")
        #expect(Date.now.timeIntervalSince(start) > 4, "the run went on to its end")
        let found = try errors(report())
        #expect(try #require(found["connect"]) >= 40, "every user tried again: \(found)")
        #expect(try report()["server_after"] is NSNull)
        #expect(client.standardOutput.contains("The server did not answer at the end."))
        let answers = try #require(try report()["answers_per_second"] as? Double)
        #expect(answers > 1, "what was answered before is counted")
    }

    @Test func `a server that is not there is one clear error`() throws {
        let program = try Program("vector-bench", load(["--users", "1"]), in: scratch)
        #expect(program.wait(seconds: 30) == 1)
        #expect(program.standardError.contains("no answer from the server"))
    }
}
