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

    let service: StoreService
    let limits: HTTPLimits
    /// Whether a browser's requests are refused, as they are on TCP (DNS rebinding).
    let refusesWebPages: Bool

    /// Makes a dispatcher.
    package init(service: StoreService, limits: HTTPLimits = HTTPLimits(), refusesWebPages: Bool) {
        self.service = service
        self.limits = limits
        self.refusesWebPages = refusesWebPages
    }

    /// Answers one request.
    package func respond(to request: Request, context: ServiceContext) async throws -> Response {
        let id = context.logger[metadataKey: "hb.request.id"].map { "\($0)" } ?? "-"
        let start = ContinuousClock.now
        var answer: ServiceAnswer
        do {
            answer = await service.answer(try await read(request, id: id, channel: context.channel))
        } catch let problem as Problem {
            answer = ServiceAnswer(problem, instance: request.uri.path, requestID: id)
            // The rest of the body is not read, so the connection cannot be used again.
            if !(await isBodyless(request)) { closeAfterAnswer(context.channel) }
        }
        var logger = service.logger
        logger[metadataKey: "request_id"] = "\(id)"
        let elapsed = (ContinuousClock.now - start) / .milliseconds(1)
        logger.debug(
            "request",
            metadata: [
                "method": "\(request.method.rawValue)", "path": "\(request.uri.path)",
                "status": "\(answer.status)", "took_ms": "\(elapsed)",
            ]
        )
        return response(to: request, answer)
    }

    private func isBodyless(_ request: Request) async -> Bool {
        request.headers[.transferEncoding] == nil
            && (request.headers[.contentLength] ?? "0") == "0"
    }

    /// Lets the connection end when the answer is written.
    private func closeAfterAnswer(_ channel: any Channel) {
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }

    private func read(
        _ request: Request,
        id: String,
        channel: any Channel
    ) async throws -> ServiceRequest {
        let isOfWebPage =
            request.headers[.origin] != nil || !LoopbackHost.isNamed(by: request.head.authority)
        if refusesWebPages, isOfWebPage {
            throw Problem(
                status: 403,
                code: "origin_refused",
                detail:
                    "requests of web pages, and those whose Host is not this machine, are not served"
            )
        }
        var parsed = ServiceRequest(
            method: request.method.rawValue,
            path: request.uri.path,
            parameters: request.uri.queryParameters.map { (String($0.key), String($0.value)) },
            contentType: Self.mediaType(request.headers[.contentType]),
            id: id
        )
        parsed.headers = RequestHeaders(
            request.headers.map { ($0.name.canonicalName, $0.value) }
        )
        let route = try StoreService.route(of: parsed)
        let limit = route.bodyLimit
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

    private static func mediaType(_ header: String?) -> String? {
        guard let header, let type = header.split(separator: ";").first else { return nil }
        return type.filter { $0 != " " && $0 != "\t" }.lowercased()
    }

    private func response(to request: Request, _ answer: ServiceAnswer) -> Response {
        var headers: HTTPFields = [:]
        if answer.status != 204 {
            headers[.contentType] =
                answer.contentType
                ?? (answer.problem == nil ? "application/json" : "application/problem+json")
            headers[.xContentTypeOptions] = "nosniff"
        }
        if let seconds = answer.problem?.retryAfterSeconds {
            headers[.retryAfter] = String(seconds)
        }
        if let methods = answer.problem?.allowedMethods { headers[.allow] = methods }
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) { headers[name] = value }
        }
        if answer.status == 413 { headers[.connection] = "close" }
        let body =
            request.method == .head || answer.status == 204
            ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body))
        if request.method == .head { headers[.contentLength] = String(answer.body.count) }
        return Response(
            status: .init(code: answer.status),
            headers: headers,
            body: body
        )
    }
}
