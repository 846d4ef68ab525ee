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
        var answer: ServiceAnswer
        var schema: String?
        do {
            schema = try negotiatedSchema(request)
            answer = try await call(request, schema: schema ?? surface.rest.schemas[0])
        } catch {
            let error = RestError(error)
            if error.status >= 500 {
                logger.error(
                    "call failed",
                    metadata: [
                        "request_id": "\(request.id)", "path": "\(request.path)",
                        "code": "\(error.code)",
                    ]
                )
            }
            answer = ServiceAnswer(error)
            if request.method == "HEAD" { answer.body = [] }
        }
        if let schema { answer.headers.append(("Content-Profile", schema)) }
        metrics.ended(
            route: "rpc",
            method: request.method,
            status: answer.status,
            seconds: (ContinuousClock.now - start) / .seconds(1)
        )
        return answer
    }

    private func call(_ request: ServiceRequest, schema: String) async throws -> ServiceAnswer {
        guard request.path.hasPrefix(Self.functionPath) else {
            let table = request.path.dropFirst("/rest/v1/".count).prefix { $0 != "/" }
            throw RestError(
                404,
                "PGRST205",
                "Could not find the table '\(schema).\(table)' in the schema cache"
            )
        }
        guard ["GET", "HEAD", "POST"].contains(request.method) else {
            throw RestError.methodNotAllowed(request.method)
        }
        let name = String(request.path.dropFirst(Self.functionPath.count))
        if surface.rest.functions.contains(name) { try permit(name, request.principal) }
        let call = try RestCall(name, request, registry: surface.rest.functions, schema: schema)
        let collection = try visibleCollection(
            call.function.collection,
            to: request.principal
        )
        let scope = try scope(of: call.function, request.principal, in: collection.configuration)
        let isHead = request.method == "HEAD"
        let step = try await threads.run { () -> (answer: ServiceAnswer?, found: RestCall.Found) in
            let found = try call.search(in: collection, scope: scope)
            guard found.metadataColumns.isEmpty else { return (nil, found) }
            return (try call.answer(found, isHead: isHead), found)
        }
        if let answer = step.answer { return answer }
        return try await hydrated(step.found, call, isHead: isHead)
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
