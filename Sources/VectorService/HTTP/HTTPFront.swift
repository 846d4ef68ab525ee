// What every server in front of the service does alike: from the head of a request to the question,
// and from the answer to header fields and bytes. It knows no sockets and no server.

import Logging

/// Takes requests from heads to the service and answers to header fields.
final class HTTPFront: Sendable {
    let service: StoreService
    let limits: HTTPLimits
    let entrance: HTTPDispatcher.Entrance

    init(service: StoreService, limits: HTTPLimits, entrance: HTTPDispatcher.Entrance) {
        self.service = service
        self.limits = limits
        self.entrance = entrance
    }

    /// An answer as it goes out; the length is the server's to say.
    struct Message: Sendable {
        var status: Int
        var fields: [(name: String, value: String)] = []
        var body: [UInt8] = []
        /// The body when it comes piece by piece.
        var stream: BodyStream?
        /// What HEAD says the body would have had.
        var bodyByteCount: Int?
        /// Whether the connection ends with it.
        var closes = false
    }

    // MARK: Requests

    /// Reads a head and finds out who asks.
    ///
    /// - Parameters:
    ///   - body: Empty when it is yet to come.
    ///   - verifiesTokens: Whether signatures are looked at; see `Authenticator`.
    ///   - peer: The address that the request came from.
    func request(
        _ head: RequestHead,
        body: [UInt8] = [],
        id: String,
        verifiesTokens: Bool = true,
        peer: () -> String?
    ) throws -> ServiceRequest {
        try refuseWebPages(head)
        guard let parameters = QueryString.parameters(head.query) else {
            throw Problem.invalidRequest("the parameters of the address are not UTF-8 text")
        }
        let principal = try principal(head.headers, verifiesTokens: verifiesTokens, peer: peer)
        // Not before it is known who asks: a stranger learns nothing of paths.
        let route =
            Route.isRest(head.path)
            ? nil : try StoreService.route(of: head.path, method: head.method)
        let limit = ServiceRequest.bodyLimit(of: route)
        if let text = head.headers["content-length"], let length = Int(text), length > limit {
            throw Problem.bodyTooLarge(limit: limit)
        }
        return ServiceRequest(
            method: head.method,
            path: head.path,
            parameters: parameters,
            contentType: Self.mediaType(head.headers["content-type"]),
            body: body,
            id: id,
            headers: head.headers,
            route: route,
            principal: principal
        )
    }

    /// Who asks; everybody is the service where no tokens are configured.
    private func principal(
        _ headers: RequestHeaders,
        verifiesTokens: Bool,
        peer: () -> String?
    ) throws(TokenRefusal) -> Principal {
        guard let authenticator = service.surface.authenticator else { return .service }
        let isTrusted = entrance == .socket && !service.surface.access.socketRequiresToken
        return try authenticator.principal(
            headers,
            peer: entrance == .network ? peer() ?? "?" : nil,
            stranger: isTrusted ? .service : .anonymous,
            verifies: verifiesTokens,
            now: WallClock.seconds
        )
    }

    /// Refuses web pages on TCP, where a page could make a browser ask for it.
    ///
    /// What needs a token is safe from that, and `/rest/v1` is what pages are meant to call then.
    private func refuseWebPages(_ head: RequestHead) throws(Problem) {
        guard entrance == .network else { return }
        let hasTokens = service.surface.authenticator != nil
        if hasTokens, Route.isRest(head.path) { return }
        let isLocal = hasTokens || LoopbackHost.isNamed(by: head.authority)
        guard head.headers["origin"] == nil, isLocal else {
            throw Problem(
                status: 403,
                code: "origin_refused",
                detail:
                    "requests of web pages, and those whose Host is not this machine, are not served"
            )
        }
    }

    private static func mediaType(_ header: String?) -> String? {
        guard let header else { return nil }
        if header == "application/json" || header == "application/octet-stream" { return header }
        guard let type = header.split(separator: ";").first else { return nil }
        return type.filter { $0 != " " && $0 != "\t" }.lowercased()
    }

    // MARK: Answers

    /// The answer to a request that never reached the service.
    func refusal(_ error: any Error, path: String, id: String) -> ServiceAnswer {
        switch error {
        case let refusal as TokenRefusal where Route.isRest(path):
            ServiceAnswer(RestError(refusal))
        case let refusal as TokenRefusal:
            ServiceAnswer(Problem(refusal), instance: path, requestID: id)
        default:
            Route.isRest(path)
                ? ServiceAnswer(RestError(error))
                : ServiceAnswer(Problem(error), instance: path, requestID: id)
        }
    }

    /// The answer as it goes out.
    ///
    /// - Note: It compresses large answers, which takes milliseconds.
    func message(_ answer: ServiceAnswer, to head: RequestHead, id: String) -> Message {
        var message = Message(status: answer.status)
        message.fields.reserveCapacity(8)
        if answer.status != 204 {
            message.fields.append(
                (
                    "Content-Type",
                    answer.contentType
                        ?? (answer.problem == nil
                            ? "application/json" : "application/problem+json")
                )
            )
            message.fields.append(("X-Content-Type-Options", "nosniff"))
        }
        message.fields += answer.headers
        if let seconds = answer.problem?.retryAfterSeconds {
            message.fields.append(("Retry-After", String(seconds)))
        }
        if let methods = answer.problem?.allowedMethods {
            message.fields.append(("Allow", methods))
        }
        if answer.status == 401, !answer.headers.contains(where: { $0.name == "WWW-Authenticate" })
        {
            message.fields.append(("WWW-Authenticate", "Bearer"))
        }
        if answer.status == 413 {
            message.fields.append(("Connection", "close"))
            message.closes = true
        }
        message.stream = answer.stream
        if answer.stream != nil {
            // Nothing is known of its length.
        } else if head.method == "HEAD" {
            message.bodyByteCount = answer.body.count
        } else if answer.status != 204 {
            message.body = answer.body
            if answer.body.count >= Gzip.minimumByteCount {
                message.fields.append(("Vary", "Accept-Encoding"))
                if Gzip.isAccepted(by: head.headers["accept-encoding"]),
                    let packed = Gzip.compress(answer.body)
                {
                    message.body = packed
                    message.fields.append(("Content-Encoding", "gzip"))
                }
            }
        }
        if Route.isRest(head.path) {
            message.fields += CrossOrigin(head.headers, settings: service.surface.rest).fields
        }
        message.fields.append((RequestID.field, id))
        return message
    }

    /// Writes one line about a request, at level debug.
    func log(_ head: RequestHead, status: Int, id: String, since start: ContinuousClock.Instant) {
        guard service.logger.logLevel <= .debug else { return }
        let elapsed = (ContinuousClock.now - start) / .milliseconds(1)
        service.logger.debug(
            "request",
            metadata: [
                "request_id": "\(id)", "method": "\(head.method)", "path": "\(head.path)",
                "status": "\(status)", "took_ms": "\(elapsed)",
            ]
        )
    }
}
