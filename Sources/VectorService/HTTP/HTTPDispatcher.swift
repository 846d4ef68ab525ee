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

/// Takes requests from Hummingbird to the service and answers back.
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

    let live: LiveFront

    /// Makes a dispatcher.
    init(_ live: LiveFront) {
        self.live = live
    }

    /// Answers one request.
    package func respond(to request: Request, context: ServiceContext) async throws -> Response {
        let front = live.current
        let head = RequestHead(request)
        let id = requestID(head, context: context)
        let start = ContinuousClock.now
        let service = front.service
        var response: Response
        if let upstream = service.surface.upstream, !service.isOwn(head.path) {
            response = await upstream.respond(to: request, requestID: id)
            if let name = HTTPField.Name(RequestID.field) { response.headers[name] = id }
        } else if Route.isRest(head.path), request.method == .options {
            let crossOrigin = CrossOrigin(head.headers, settings: service.surface.rest)
            var message = HTTPFront.Message(status: 200, fields: crossOrigin.preflight)
            message.fields.append((RequestID.field, id))
            response = Response(message, to: head)
        } else {
            var answer: ServiceAnswer
            do {
                answer = await service.answer(
                    try await read(request, head, front, id: id, channel: context.channel)
                )
            } catch {
                answer = front.refusal(error, path: head.path, id: id)
                // A client that went away was refused nothing.
                if context.channel.isActive {
                    service.metrics.refused(method: head.method, status: answer.status)
                }
                // The rest of the body is not read, so the connection cannot be used again.
                if !isBodyless(request) { closeAfterAnswer(context.channel) }
            }
            response = await Self.response(answer, to: head, id: id, front)
        }
        front.log(head, status: response.status.code, id: id, since: start)
        return response
    }

    /// The answer as Hummingbird takes it.
    ///
    /// Large ones are copied and compressed on the threads that made them: here it would hold up everything
    /// for milliseconds.
    private static func response(
        _ answer: ServiceAnswer,
        to head: RequestHead,
        id: String,
        _ front: HTTPFront
    ) async -> Response {
        let make = { @Sendable in Response(front.message(answer, to: head, id: id), to: head) }
        let isCompressed =
            answer.body.count >= Gzip.minimumByteCount
            && Gzip.isAccepted(by: head.headers["accept-encoding"])
        guard isCompressed || answer.body.count >= largeByteCount else { return make() }
        let service = front.service
        let threads = isSearch(head.path) ? service.threads : service.recordThreads
        // Where the threads have no place for it, it is made all the same.
        return (try? await threads.run(make)) ?? make()
    }

    /// Copying so much takes about as long as a search.
    private static let largeByteCount = 256 << 10

    private static func isSearch(_ path: String) -> Bool {
        if Route.isRest(path) { return true }
        guard case .action(let action, _) = Route(path: path) else { return false }
        return action == .query || action == .queryBatch
    }

    /// The client's own id for a request when it is a plain word, else one of ours.
    private func requestID(_ head: RequestHead, context: ServiceContext) -> String {
        if let id = RequestID.chosen(by: head.headers) { return id }
        return context.logger[metadataKey: "hb.request.id"].map { "\($0)" } ?? "-"
    }

    private func isBodyless(_ request: Request) -> Bool {
        request.headers[.transferEncoding] == nil
            && (request.headers[.contentLength] ?? "0") == "0"
    }

    /// Lets the connection end when the answer is written.
    private func closeAfterAnswer(_ channel: any Channel) {
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }

    private func read(
        _ request: Request,
        _ head: RequestHead,
        _ front: HTTPFront,
        id: String,
        channel: any Channel
    ) async throws -> ServiceRequest {
        var parsed = try front.request(head, id: id) { channel.remoteAddress?.ipAddress }
        let limit = ServiceRequest.bodyLimit(of: parsed.route)
        // A client that sends slower than this keeps a connection, never a thread.
        let deadline = front.limits.bodyDeadline(byteCount: limit)
        let timer = channel.eventLoop.scheduleTask(in: .init(deadline)) {
            channel.close(mode: .all, promise: nil)
        }
        defer { timer.cancel() }
        parsed.body = try await Self.body(request, limit: limit)
        return parsed
    }
}

extension HTTPDispatcher {
    private static func body(_ request: Request, limit: Int) async throws -> [UInt8] {
        var body: [UInt8] = []
        do {
            for try await buffer in request.body {
                guard body.count + buffer.readableBytes <= limit else {
                    throw Problem.bodyTooLarge(limit: limit)
                }
                body.append(contentsOf: buffer.readableBytesView)
            }
        } catch {
            // Whatever else goes wrong here, the client did not send what it had announced.
            guard !(error is Problem), !(error is CancellationError) else { throw error }
            throw Problem.invalidRequest("the body broke off, or is not encoded as announced")
        }
        return body
    }
}

extension RequestHead {
    /// Takes over what Hummingbird read.
    convenience init(_ request: Request) {
        self.init(
            method: request.method.rawValue,
            path: request.uri.path,
            query: request.uri.query ?? "",
            authority: request.head.authority,
            headers: RequestHeaders(request.headers.map { ($0.name.rawName, $0.value) })
        )
    }
}

extension Response {
    /// Hands an answer to Hummingbird.
    init(_ message: HTTPFront.Message, to head: RequestHead) {
        var headers: HTTPFields = [:]
        for (name, value) in message.fields {
            if let name = HTTPField.Name(name) { headers.append(.init(name: name, value: value)) }
        }
        if let stream = message.stream {
            self.init(
                status: .init(code: message.status),
                headers: headers,
                body: ResponseBody { writer in
                    try await stream { try await writer.write(ByteBuffer(bytes: $0)) }
                    try await writer.finish(nil)
                }
            )
            return
        }
        let isEmpty = head.method == "HEAD" || message.status == 204
        if let count = message.bodyByteCount { headers[.contentLength] = String(count) }
        self.init(
            status: .init(code: message.status),
            headers: headers,
            body: isEmpty
                ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: message.body))
        )
    }
}
