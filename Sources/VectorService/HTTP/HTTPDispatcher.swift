import HTTPTypes
package import Hummingbird
import Logging
import NIOCore

/// What a request is handled with: its channel, to close it when its body must not be read.
package struct ServiceContext: InitializableFromSource {
    let channel: any Channel
    let logger: Logger

    /// Takes channel and logger from the server.
    package init(source: ApplicationRequestContextSource) {
        channel = source.channel
        logger = source.logger
    }
}

/// Takes requests from the wire to the service and answers back.
package struct HTTPDispatcher: HTTPResponder {
    /// What a request is handled with.
    package typealias Context = ServiceContext

    /// What a connection came through.
    package enum Entrance: Sendable, Equatable {
        /// The unix socket: its mode and its list of users decided who could connect.
        case socket
        /// TCP, where anybody may be.
        case network
    }

    let service: StoreService
    let limits: HTTPLimits
    let entrance: Entrance

    /// Makes a dispatcher.
    package init(service: StoreService, limits: HTTPLimits = HTTPLimits(), entrance: Entrance) {
        self.service = service
        self.limits = limits
        self.entrance = entrance
    }

    /// Answers one request.
    package func respond(to request: Request, context: ServiceContext) async throws -> Response {
        let id = requestID(request, context: context)
        let start = ContinuousClock.now
        let path = request.uri.path
        let crossOrigin = CrossOrigin(request, settings: service.surface.rest)
        var response: Response
        if let upstream = service.surface.upstream, !service.isOwn(path) {
            response = await upstream.respond(to: request, requestID: id)
        } else if Route.isRest(path), request.method == .options {
            response = crossOrigin.preflight
        } else {
            var answer: ServiceAnswer
            do {
                answer = await service.answer(
                    try await read(request, id: id, channel: context.channel)
                )
            } catch {
                answer = refusal(error, path: path, id: id)
                service.metrics.refused(
                    method: request.method.rawValue,
                    status: answer.status
                )
                // The rest of the body is not read, so the connection cannot be used again.
                if !isBodyless(request) { closeAfterAnswer(context.channel) }
            }
            response = self.response(to: request, answer)
            if Route.isRest(path) { crossOrigin.mark(&response) }
        }
        if let field = RequestID.field { response.headers[field] = id }
        var logger = service.logger
        logger[metadataKey: "request_id"] = "\(id)"
        let elapsed = (ContinuousClock.now - start) / .milliseconds(1)
        logger.debug(
            "request",
            metadata: [
                "method": "\(request.method.rawValue)", "path": "\(path)",
                "status": "\(response.status.code)", "took_ms": "\(elapsed)",
            ]
        )
        return response
    }

    /// The client's own id for a request when it is a plain word, else one of ours.
    private func requestID(_ request: Request, context: ServiceContext) -> String {
        if let id = RequestID.chosen(by: request.headers) { return id }
        return context.logger[metadataKey: "hb.request.id"].map { "\($0)" } ?? "-"
    }

    private func refusal(_ error: any Error, path: String, id: String) -> ServiceAnswer {
        var answer: ServiceAnswer
        switch error {
        case let refusal as TokenRefusal where Route.isRest(path):
            answer = ServiceAnswer(RestError(refusal))
        case let refusal as TokenRefusal:
            answer = ServiceAnswer(Problem(refusal), instance: path, requestID: id)
        default:
            answer =
                Route.isRest(path)
                ? ServiceAnswer(RestError(error))
                : ServiceAnswer(Problem(error), instance: path, requestID: id)
        }
        return answer
    }

    private func isBodyless(_ request: Request) -> Bool {
        request.headers[.transferEncoding] == nil
            && (request.headers[.contentLength] ?? "0") == "0"
    }

    /// Lets the connection end when the answer is written.
    private func closeAfterAnswer(_ channel: any Channel) {
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }

    // MARK: Reading

    private func read(
        _ request: Request,
        id: String,
        channel: any Channel
    ) async throws -> ServiceRequest {
        try refuseWebPages(request)
        guard let parameters = QueryString.parameters(request.uri.query ?? "") else {
            throw Problem.invalidRequest("the parameters of the address are not UTF-8 text")
        }
        var parsed = ServiceRequest(
            method: request.method.rawValue,
            path: request.uri.path,
            parameters: parameters,
            contentType: Self.mediaType(request.headers[.contentType]),
            id: id
        )
        parsed.headers = RequestHeaders(request.headers.map { ($0.name.rawName, $0.value) })
        parsed.principal = try principal(parsed.headers, channel: channel)
        let limit =
            try Route.isRest(parsed.path)
            ? Route.functionBodyLimit : StoreService.route(of: parsed).bodyLimit
        if let text = request.headers[.contentLength], let length = Int(text), length > limit {
            throw Problem.bodyTooLarge(limit: limit)
        }
        // A client that sends slower than this keeps a connection, never a thread.
        let deadline = limits.bodyDeadline(byteCount: limit)
        let timer = channel.eventLoop.scheduleTask(in: .init(deadline)) {
            channel.close(mode: .all, promise: nil)
        }
        defer { timer.cancel() }
        var body: [UInt8] = []
        for try await buffer in request.body {
            guard body.count + buffer.readableBytes <= limit else {
                throw Problem.bodyTooLarge(limit: limit)
            }
            body.append(contentsOf: buffer.readableBytesView)
        }
        parsed.body = body
        return parsed
    }

    /// Who asks; everybody is the service where no tokens are configured.
    private func principal(
        _ headers: RequestHeaders,
        channel: any Channel
    ) throws(TokenRefusal) -> Principal {
        let surface = service.surface
        guard let authenticator = surface.authenticator else { return .service }
        let isTrusted = entrance == .socket && !surface.access.socketRequiresToken
        return try authenticator.principal(
            headers,
            peer: entrance == .network ? channel.remoteAddress?.ipAddress ?? "?" : nil,
            stranger: isTrusted ? .service : .anonymous,
            now: WallClock.seconds
        )
    }

    /// Refuses web pages on TCP, where a page could make a browser ask for it.
    ///
    /// What needs a token is safe from that, and `/rest/v1` is what pages are meant to call then.
    private func refuseWebPages(_ request: Request) throws(Problem) {
        guard entrance == .network else { return }
        let hasTokens = service.surface.authenticator != nil
        if hasTokens, Route.isRest(request.uri.path) { return }
        let isLocal = hasTokens || LoopbackHost.isNamed(by: request.head.authority)
        guard request.headers[.origin] == nil, isLocal else {
            throw Problem(
                status: 403,
                code: "origin_refused",
                detail:
                    "requests of web pages, and those whose Host is not this machine, are not served"
            )
        }
    }

    private static func mediaType(_ header: String?) -> String? {
        guard let header, let type = header.split(separator: ";").first else { return nil }
        return type.filter { $0 != " " && $0 != "\t" }.lowercased()
    }

    // MARK: Answering

    private func response(to request: Request, _ answer: ServiceAnswer) -> Response {
        var headers: HTTPFields = [:]
        if answer.status != 204 {
            headers[.contentType] =
                answer.contentType
                ?? (answer.problem == nil ? "application/json" : "application/problem+json")
            headers[.xContentTypeOptions] = "nosniff"
        }
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) { headers.append(.init(name: name, value: value)) }
        }
        if let seconds = answer.problem?.retryAfterSeconds {
            headers[.retryAfter] = String(seconds)
        }
        if let methods = answer.problem?.allowedMethods { headers[.allow] = methods }
        if answer.status == 401, headers[.wwwAuthenticate] == nil {
            headers[.wwwAuthenticate] = "Bearer"
        }
        if answer.status == 413 { headers[.connection] = "close" }
        var bytes = answer.body
        if request.method == .head || answer.status == 204 {
            if request.method == .head { headers[.contentLength] = String(bytes.count) }
            return Response(
                status: .init(code: answer.status),
                headers: headers,
                body: ResponseBody()
            )
        }
        if bytes.count >= Gzip.minimumByteCount {
            headers[.vary] = "Accept-Encoding"
            if Gzip.isAccepted(by: request.headers[.acceptEncoding]),
                let packed = Gzip.compress(bytes)
            {
                bytes = packed
                headers[.contentEncoding] = "gzip"
            }
        }
        return Response(
            status: .init(code: answer.status),
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        )
    }
}

/// The id of a request, which the client may choose.
private enum RequestID {
    static let field = HTTPField.Name("X-Request-Id")

    static func chosen(by headers: HTTPFields) -> String? {
        guard let field, let id = headers[field],
            id.wholeMatch(of: /[A-Za-z0-9._-]{1,64}/) != nil
        else { return nil }
        return id
    }
}
