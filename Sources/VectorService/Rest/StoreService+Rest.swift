import Logging
import VectorStore

extension StoreService {
    /// The path below which functions are called.
    package static let functionPath = "/rest/v1/rpc/"

    /// Whether a path is the service's own and not the upstream's.
    func isOwn(_ path: String) -> Bool {
        if path.hasPrefix(Self.functionPath) {
            return surface.rest.functions.contains(String(path.dropFirst(Self.functionPath.count)))
        }
        return ["/v1", "/livez", "/readyz", "/metrics"].contains(path) || path.hasPrefix("/v1/")
    }

    /// Answers what was asked below `/rest/v1`.
    func answerRest(_ request: ServiceRequest) async -> ServiceAnswer {
        let start = ContinuousClock.now
        metrics.began(route: "rpc")
        let answer: ServiceAnswer
        do {
            answer = try await call(request)
        } catch {
            answer = restRefusal(of: request, error)
        }
        ended(request, route: "rpc", answer, took: ContinuousClock.now - start)
        return answer
    }

    /// The answer to a call that failed, told to the log when it is the server's fault.
    func restRefusal(of request: ServiceRequest, _ error: any Error) -> ServiceAnswer {
        let isOverload = (error as? Problem)?.code == Problem.overloaded.code
        let error = RestError(error)
        if error.status >= 500, !isOverload {
            logger.error(
                "call failed",
                metadata: [
                    "request_id": "\(request.id)", "path": "\(request.path)",
                    "code": "\(error.code)",
                ]
            )
        }
        var answer = ServiceAnswer(error)
        if request.method == "HEAD" { answer.body = [] }
        // A schema that is not served is no schema of the answer.
        if let schema = try? negotiatedSchema(request) {
            answer.headers.append(("Content-Profile", schema))
        }
        return answer
    }

    private func call(_ request: ServiceRequest) async throws -> ServiceAnswer {
        let call = try PreparedCall(request, service: self)
        switch try await threads.run({ try call.make() }) {
        case .answer(let answer): return answer
        case .later(let work): return try await work()
        }
    }

    /// Decodes a call and finds out whether it may be made.
    func prepareCall(_ request: ServiceRequest) throws -> PreparedSearch {
        let call = try PreparedCall(request, service: self)
        return PreparedSearch(kind: call.kind) { _ in try call.make() }
    }

    /// A call that was decoded and may be made.
    private struct PreparedCall: Sendable {
        let service: StoreService
        let call: RestCall
        let collection: VectorCollection
        let scope: RowScope
        let schema: String?
        let isHead: Bool
        let kind: Int

        init(_ request: ServiceRequest, service: StoreService) throws {
            self.service = service
            isHead = request.method == "HEAD"
            schema = try service.negotiatedSchema(request)
            let registry = service.surface.rest
            let used = schema ?? registry.schemas[0]
            guard request.path.hasPrefix(StoreService.functionPath) else {
                let table = request.path.dropFirst("/rest/v1/".count).prefix { $0 != "/" }
                throw RestError(
                    404,
                    "PGRST205",
                    "Could not find the table '\(used).\(table)' in the schema cache"
                )
            }
            guard ["GET", "HEAD", "POST"].contains(request.method) else {
                throw RestError.methodNotAllowed(request.method)
            }
            let name = String(request.path.dropFirst(StoreService.functionPath.count))
            if registry.functions.contains(name) { try service.permit(name, request.principal) }
            call = try RestCall(name, request, registry: registry.functions, schema: used)
            collection = try service.visibleCollection(
                call.function.collection,
                to: request.principal
            )
            scope = try service.scope(
                of: call.function,
                request.principal,
                in: collection.configuration
            )
            kind = call.arguments.kind(
                of: request,
                except: call.function.vectorArgument,
                scope
            )
        }

        /// Searches and answers, at once if no column is in Postgres; blocks.
        func make() throws -> PreparedSearch.Outcome {
            let found = try call.search(in: collection, scope: scope)
            guard !found.metadataColumns.isEmpty else {
                return .answer(named(try call.answer(found, isHead: isHead)))
            }
            return .later { named(try await service.hydrated(found, call, isHead: isHead)) }
        }

        private func named(_ answer: ServiceAnswer) -> ServiceAnswer {
            var answer = answer
            if let schema { answer.headers.append(("Content-Profile", schema)) }
            return answer
        }
    }

    /// The answer of a call whose columns are in Postgres, read by one statement.
    private func hydrated(
        _ found: RestCall.Found,
        _ call: RestCall,
        isHead: Bool
    ) async throws -> ServiceAnswer {
        var found = found
        let name = call.function.collection
        guard let metadata, let table = metadata.table(of: name) else {
            throw RestError(
                500,
                "42P01",
                "no table is configured for the collection \(name); see metadata.collections"
            )
        }
        let keys = found.rows.map(\.match.id.metadataKey)
        let rows = await metadata.rows(of: keys, in: name)
        if let failure = rows.failure, table.isRequired {
            throw Problem.metadataUnavailable(failure)
        }
        for (index, key) in keys.enumerated() { found.rows[index].metadata = rows.rows[key] }
        let filled = found
        var answer = try await threads.run { try call.answer(filled, isHead: isHead) }
        answer.headers.append(("X-Metadata", rows.status))
        return answer
    }

    /// The schema that a client named, nil when it named none.
    private func negotiatedSchema(_ request: ServiceRequest) throws(RestError) -> String? {
        let header = request.method == "POST" ? "content-profile" : "accept-profile"
        guard let schema = request.headers[header] else { return nil }
        guard surface.rest.schemas.contains(schema) else {
            throw RestError(
                406,
                "PGRST106",
                "Invalid schema: \(schema)",
                hint: "Only the following schemas are exposed: "
                    + surface.rest.schemas.joined(separator: ", ")
            )
        }
        return schema
    }

    /// Refuses those who may call no function of a name, before anything else is said about it.
    private func permit(_ name: String, _ principal: Principal) throws(RestError) {
        let isAllowed = (surface.rest.functions.functions[name] ?? []).contains { function in
            switch function.access {
            case .anonymous: true
            case .authenticated: principal.role != .anonymous
            case .service: principal.role == .service
            }
        }
        guard isAllowed else {
            throw .denied(name, isAnonymous: principal.role == .anonymous)
        }
    }

    private func scope(
        of function: RestFunction,
        _ principal: Principal,
        in configuration: CollectionConfiguration
    ) throws(RestError) -> RowScope {
        let isAnonymous = principal.role == .anonymous
        switch function.access {
        case .authenticated where isAnonymous, .service where principal.role != .service:
            throw .denied(function.name, isAnonymous: isAnonymous)
        default: break
        }
        do throws(PolicySet.Denial) {
            guard let grant = function.grant else {
                return try surface.policies.scope(for: principal, in: configuration)
            }
            return try PolicySet.scope(grant, for: principal, in: configuration)
        } catch {
            throw .denied(function.name, isAnonymous: isAnonymous)
        }
    }
}

extension ServiceAnswer {
    /// Makes the answer to a call that was not fulfilled.
    package init(_ error: RestError) {
        self.init(status: error.status, body: error.encoded)
        contentType = "application/json; charset=utf-8"
        headers.append(("Proxy-Status", "vector-server; error=\(error.code)"))
        if error.status == 401 { headers.append(("WWW-Authenticate", "Bearer")) }
        if let methods = error.allowedMethods { headers.append(("Allow", methods)) }
        if let seconds = error.retryAfterSeconds {
            headers.append(("Retry-After", String(seconds)))
        }
    }
}
