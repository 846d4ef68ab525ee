// The service.
//
// - Every request is answered, with its result or with a problem; nothing is thrown past it.
// - Decoding, searching and encoding run on `WorkerThreads`; only writes and maintenance await the
//   engine.
// - It knows no sockets: the server gives it requests that arrived, commands give it their own.

package import Logging
package import VectorStore

/// Answers requests from one open store.
///
/// A class, because every query hands it on several times.
package final class StoreService: Sendable {
    /// The version of the interface, as `GET /v1` tells it.
    package static let version = "1.0.0"

    let database: VectorDatabase
    /// For searches and reads by id.
    let threads: WorkerThreads
    /// For work of any length: scans, counts and the decoding of writes.
    let recordThreads: WorkerThreads
    let tasks: MaintenanceTasks
    let logger: Logger
    let surface: ServiceSurface
    /// Where matches get their rows of Postgres; nil when none is configured.
    package let metadata: MetadataSource?
    let metrics: ServiceMetrics
    let observation: Observation

    /// Makes a service.
    ///
    /// - Parameter recordThreads: Nil for the same threads as searches have.
    package init(
        database: VectorDatabase,
        threads: WorkerThreads,
        recordThreads: WorkerThreads? = nil,
        tasks: MaintenanceTasks,
        logger: Logger,
        surface: ServiceSurface = ServiceSurface(),
        metadata: MetadataSource? = nil,
        metrics: ServiceMetrics = ServiceMetrics(),
        observation: Observation = Observation()
    ) {
        self.database = database
        self.threads = threads
        self.recordThreads = recordThreads ?? threads
        self.tasks = tasks
        self.logger = logger
        self.surface = surface
        self.metadata = metadata
        self.metrics = metrics
        self.observation = observation
    }

    /// The same service with other settings.
    func with(surface: ServiceSurface, observation: Observation) -> StoreService {
        StoreService(
            database: database,
            threads: threads,
            recordThreads: recordThreads,
            tasks: tasks,
            logger: logger,
            surface: surface,
            metadata: metadata,
            metrics: metrics,
            observation: observation
        )
    }

    /// Answers a request.
    package func answer(_ request: ServiceRequest) async -> ServiceAnswer {
        if Route.isRest(request.path) { return await answerRest(request) }
        let start = ContinuousClock.now
        let route: Route
        do {
            route = try Self.route(of: request)
        } catch {
            metrics.refused(method: request.method, status: error.status)
            return ServiceAnswer(error, instance: request.path, requestID: request.id)
        }
        metrics.began(route: route.name)
        let answer: ServiceAnswer
        do {
            answer = try await fulfil(request, route: route)
        } catch {
            answer = refusal(of: request, error)
        }
        ended(request, route: route.name, answer, took: ContinuousClock.now - start)
        return answer
    }

    /// The answer to a request that failed, told to the log when it is the server's fault.
    func refusal(of request: ServiceRequest, _ error: any Error) -> ServiceAnswer {
        if Route.isRest(request.path) { return restRefusal(of: request, error) }
        let problem = Problem(error)
        if problem.status >= 500, problem.code != Problem.overloaded.code {
            var about = logMetadata(request)
            about["code"] = "\(problem.code)"
            about["error"] = "\(error)"
            logger.error("request failed", metadata: about)
        }
        return ServiceAnswer(problem, instance: request.path, requestID: request.id)
    }

    /// Counts and logs an answer.
    func ended(
        _ request: ServiceRequest,
        route: String,
        _ answer: ServiceAnswer,
        took time: Duration
    ) {
        let seconds = time / .seconds(1)
        metrics.ended(
            route: route,
            method: request.method,
            status: answer.status,
            seconds: seconds
        )
        if observation.logsRequests {
            var about = logMetadata(request)
            about["method"] = "\(request.method)"
            about["route"] = "\(route)"
            about["status"] = .stringConvertible(answer.status)
            about["dur_ms"] = .stringConvertible(seconds * 1_000)
            logger.info("request", metadata: about)
        }
    }

    /// What a request means; unknown paths and methods are refused.
    static func route(of request: ServiceRequest) throws(Problem) -> Route {
        if let route = request.route { return route }
        return try route(of: request.path, method: request.method)
    }

    /// What a path and a method mean.
    static func route(of path: String, method: String) throws(Problem) -> Route {
        guard let route = Route(path: path) else {
            throw Problem(
                status: 404,
                code: "unknown_route",
                detail: "nothing is at this path"
            )
        }
        guard route.methods.contains(method) else {
            var problem = Problem(
                status: 405,
                code: "method_not_allowed",
                detail: "this path takes \(route.methods.joined(separator: ", "))"
            )
            problem.allowedMethods = route.methods.joined(separator: ", ")
            throw problem
        }
        return route
    }

    private func fulfil(_ request: ServiceRequest, route: Route) async throws -> ServiceAnswer {
        try authorize(request.principal, for: route)
        switch route {
        case .live: return ServiceAnswer(body: JSONWriter.text { $0.member("status", "live") })
        case .ready: return readiness()
        case .metrics: return metricsPage()
        case .about: return ServiceAnswer(body: about())
        case .pool: return try poolStatus()
        case .forgetMetadata: return try forgetMetadata(request.body)
        case .statistics:
            return ServiceAnswer(body: StatisticsEncoding.write(try database.statistics()))
        case .task(let id):
            guard let entry = tasks.entry(id) else { throw Problem.unknownTask }
            return ServiceAnswer(body: entry.encoded())
        case .taskEvents(let id): return try tasks.events(of: id)
        case .description: return ServiceAnswer(body: OpenAPI.document)
        case .tokens(let action): return try await answer(action, request)
        case .collections: return ServiceAnswer(body: try listCollections())
        case .collection(let name): return try await manage(name, request)
        case .action(let action, let name):
            let collection = try visibleCollection(name, to: request.principal)
            return try await perform(
                action,
                in: collection,
                scope: try scope(of: request.principal, in: collection.configuration),
                request
            )
        }
    }

    private func readiness() -> ServiceAnswer {
        do {
            _ = try database.statistics()
            return ServiceAnswer(
                body: JSONWriter.text { writer in
                    writer.member("status", "ready")
                    // Searches are answered without Postgres too, so it decides nothing here.
                    if let metadata {
                        let isAvailable = metadata.counters.isAvailable
                        writer.member("metadata", isAvailable ? "available" : "unavailable")
                    }
                }
            )
        } catch {
            let body = JSONWriter.text { writer in
                writer.member("status", "not ready")
                writer.key("failing")
                writer.array { $0.value("store: \(error.code)") }
            }
            return ServiceAnswer(status: 503, body: body)
        }
    }

    private func about() -> [UInt8] {
        JSONWriter.text { writer in
            writer.member("name", "vector-server")
            writer.member("version", Self.version)
            writer.member("kernels", VectorDatabase.kernelTier)
            writer.key("capabilities")
            writer.array { writer in
                for action in Route.Action.allCases { writer.value(action.rawValue) }
            }
        }
    }

    private func listCollections() throws -> [UInt8] {
        let configurations = try database.collections()
        return JSONWriter.text { writer in
            writer.key("collections")
            writer.array { writer in
                for configuration in configurations {
                    writer.object { StatisticsEncoding.writeMembers(configuration, to: &$0) }
                }
            }
        }
    }

    private func manage(_ name: String, _ request: ServiceRequest) async throws -> ServiceAnswer {
        switch request.method {
        case "PUT":
            let node = try RecordDecoding.parse(request.body)
            let configuration = try ConfigurationDecoding.configuration(node, name: name)
            let isNew = !(try database.collections().contains { $0.name == name })
            let collection = try await database.createCollection(configuration)
            let body = JSONWriter.text {
                StatisticsEncoding.writeMembers(collection.configuration, to: &$0)
            }
            return ServiceAnswer(status: isNew ? 201 : 200, body: body)
        case "DELETE":
            try await database.dropCollection(name)
            return ServiceAnswer(status: 204, body: [])
        default:
            var writer = JSONWriter()
            StatisticsEncoding.write(try database.collection(name).statistics(), to: &writer)
            return ServiceAnswer(body: writer.bytes)
        }
    }
}
