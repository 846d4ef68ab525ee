import ArgumentParser
import BenchReport
import Evaluation
import Foundation
import NIOCore
import NIOPosix

/// The options that `latency` and `load` share.
struct LoadOptions: ParsableArguments {
    @OptionGroup var server: ServerOptions

    @Option(help: "A directory with query.* or queries.*, such as fixtures/lectures.")
    var data: String?

    @Option(help: "The query vectors (fbin, f16bin, fvecs, npy) in place of --data.")
    var queries: String?

    @Option(help: "Seconds of the run, the ramp among them.")
    var duration = 60.0

    @Option(help: "How an open loop spreads its arrivals: poisson or constant.")
    var arrivals = "poisson"

    @Option(help: "The seed of arrivals, pauses and choices.")
    var seed: UInt64 = 1

    @Option(
        help: "A bound, as in 'p95<3s', 'chat.p99<=250ms', 'errors<1%', 'rate>900'; repeatable."
    )
    var threshold: [String] = []

    @Option(help: "Write the results to this file as JSON.")
    var json: String?

    func validate() throws {
        guard duration > 0, duration <= 86_400 else {
            throw ValidationError("--duration must be above 0 and at most 86400 seconds")
        }
        _ = try spacing()
        _ = try thresholds()
        guard (data == nil) != (queries == nil) else {
            throw ValidationError("give either --data or --queries")
        }
    }

    func spacing() throws -> ArrivalClock.Spacing {
        guard let spacing = ArrivalClock.Spacing(rawValue: arrivals) else {
            throw ValidationError("--arrivals: `\(arrivals)` is neither poisson nor constant")
        }
        return spacing
    }

    func thresholds() throws -> [LoadThreshold] {
        try threshold.map { text in
            guard let threshold = LoadThreshold(text) else {
                throw ValidationError(
                    "--threshold: `\(text)` has not the form 'p95<3s', 'errors<1%' or 'rate>900'"
                )
            }
            return threshold
        }
    }

    /// The file with the query vectors.
    func queryFile() throws -> String {
        if let queries { return queries }
        let directory = data ?? "."
        let names = ["query.fbin", "queries.fbin", "query.f16bin", "queries.f16bin"]
        let paths = names.map { directory + "/" + $0 }
        guard let found = paths.first(where: FileManager.default.fileExists) else {
            throw BenchError("\(directory) holds none of \(names.joined(separator: ", "))")
        }
        return found
    }
}

/// One run against a server: prepares it, drives it, reports it.
struct LoadSession {
    let options: LoadOptions
    let scenario: LoadScenario
    let plan: LoadPlan

    /// Runs and reports; throws `ExitCode(1)` when a threshold is not met.
    func run() async throws {
        let thresholds = try options.thresholds()
        for threshold in thresholds {
            guard let name = threshold.operation, name != LoadDriver.connecting else { continue }
            guard scenario.operations.contains(where: { $0.name == name }) else {
                throw ValidationError("--threshold: the scenario has no operation `\(name)`")
            }
        }
        raiseDescriptorLimit()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let report: LoadReport
        do {
            report = try await measure(group, thresholds)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
        LoadTable.print(report)
        if let path = options.json {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try encoder.encode(report).write(to: URL(fileURLWithPath: path), options: .atomic)
        }
        guard report.thresholds.allSatisfy(\.met) else { throw ExitCode(1) }
    }

    private func measure(
        _ group: MultiThreadedEventLoopGroup,
        _ thresholds: [LoadThreshold]
    ) async throws -> LoadReport {
        let server = try options.server.server()
        let control = ControlClient(group: group, server: server)
        let collection = options.server.collection
        let before = try await control.statistics()
        let queries = try VectorFileReader(try options.queryFile())
        let description = before["stats"]?["collections"]?.elements.first {
            $0["name"]?.string == collection
        }
        if let dimension = description?["dimension"]?.double, Int(dimension) != queries.dimension {
            throw BenchError(
                "the queries have dimension \(queries.dimension), \(collection) has \(Int(dimension))"
            )
        }
        let requests = try LoadRequests(
            scenario: scenario,
            collection: collection,
            queries: queries,
            records: try await control.records(collection),
            seed: plan.seed
        )
        let outcome = try await LoadDriver.run(
            plan,
            requests: requests,
            server: server,
            group: group
        )
        let after = (try? await control.statistics()) ?? .null
        if after != .null, scenario.operations.contains(where: { $0.kind == .upsert }) {
            try? await control.removeWritten(collection)
        }
        return LoadReport(
            machine: Machine.line,
            commit: Machine.commit,
            data: data(rows: Int(description?["rows"]?.double ?? 0), queries),
            settings: settings(server),
            rows: Int(description?["rows"]?.double ?? 0),
            seconds: outcome.seconds,
            tally: outcome.tally,
            connections: .init(
                most: outcome.mostConnections,
                opened: outcome.connectionsOpened,
                closedIdle: outcome.closedIdle
            ),
            traffic: .init(
                bytesSent: outcome.bytesSent,
                bytesReceived: outcome.bytesReceived,
                firstByte: outcome.firstByte,
                connect: outcome.connect
            ),
            lateness: outcome.lateness,
            thresholds: thresholds,
            serverBefore: before,
            serverAfter: after
        )
    }

    /// The collection, the queries and the scenario, so that only like runs are compared.
    private func data(rows: Int, _ queries: VectorFileReader) -> JSONFragment {
        guard
            let identity = try? DataIdentity(
                name: options.server.collection,
                rows: rows,
                dimension: queries.dimension,
                queryCount: queries.count,
                files: [queries.path],
                scenario: "\(scenario) \(arrivals)"
            ), let bytes = try? JSONEncoder().encode(identity)
        else { return .null }
        return (try? JSONDecoder().decode(JSONFragment.self, from: bytes)) ?? .null
    }

    /// How an open loop spreads its requests; the users of a closed one are told in each line.
    private var arrivals: String {
        guard case .open(_, let spacing) = plan.arrivals else { return "" }
        return "\(spacing) \(plan.users) \(plan.rampSeconds)"
    }

    private func settings(_ server: ServerAddress) -> LoadReport.Settings {
        var loop = "closed"
        var (rate, spacing): (Double?, String?) = (nil, nil)
        if case .open(let given, let spread) = plan.arrivals {
            (loop, rate, spacing) = ("open", given, spread.rawValue)
        }
        return LoadReport.Settings(
            scenario: scenario.name,
            loop: loop,
            spacing: spacing,
            rate: rate,
            users: plan.users,
            ramp: plan.rampSeconds,
            duration: plan.seconds,
            timeout: scenario.timeoutMilliseconds,
            seed: plan.seed,
            queries: (try? options.queryFile()).map { ($0 as NSString).lastPathComponent } ?? "",
            collection: options.server.collection,
            address: server.description
        )
    }

    /// A connection is a descriptor: takes as many as the system lets this process have.
    private func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
