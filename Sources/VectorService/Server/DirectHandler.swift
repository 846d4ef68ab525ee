// Answers queries next to the socket, and lets everything else through to the general server.
//
// - It reads heads itself, and only in the form that can be read in one way; see `HeadReader`. The first
//   head in any other form, and all that comes after it on the connection, belongs to the full decoder.
// - One request at a time: bytes that come while one is answered stay here, so that answers keep the
//   order of the requests, whoever gives them. Reading stops when many wait.
// - The end of the input and the wish to close wait until the answer under way is written.

import NIOCore

/// The handler between the bytes of a connection and its HTTP decoder.
final class DirectHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// At the beginning of a request.
        case ready
        /// A query whose body is not complete.
        case collecting(RequestHead, headByteCount: Int, byteCount: Int)
        /// A query is being answered.
        case answering
        /// A request of the general server: what of it is yet to come, and whether it was answered.
        case passing(byteCount: Int, isAnswered: Bool)
        /// Everything goes to the general server.
        case through
    }

    /// More early bytes than this are left in the socket.
    private static let maximumEarlyByteCount = 64 << 10

    private let connection: ConnectionGuard
    private let lanes: DirectLanes
    private let limits: HTTPLimits
    private var lane: DirectLane?
    private var context: ChannelHandlerContext?
    private var state = State.ready
    private var bytes = ByteBuffer()
    private var isReadHeld = false
    private var heldEvents: [Any] = []

    init(_ connection: ConnectionGuard, lanes: DirectLanes, limits: HTTPLimits) {
        self.connection = connection
        self.limits = limits
        self.lanes = lanes
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        lane = lanes.lane(of: context.eventLoop)
        connection.onAnswer = { [weak self] in self?.generalServerAnswered() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        connection.onAnswer = nil
    }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .through = state { return context.fireChannelRead(data) }
        var data = unwrapInboundIn(data)
        if bytes.readableBytes == 0 { bytes = data } else { bytes.writeBuffer(&data) }
        advance(context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if bytes.readableBytes > Self.maximumEarlyByteCount, isBusy {
            isReadHeld = true
        } else {
            context.read()
        }
    }

    /// Whether bytes have to wait for an answer.
    private var isBusy: Bool {
        switch state {
        case .answering: true
        case .passing(let count, _): count == 0
        case .ready, .collecting, .through: false
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            if case .answering = state {
                heldEvents.append(event)
                return
            }
        case let event as ChannelEvent where event == .inputClosed:
            if case .answering = state {
                heldEvents.append(event)
                return
            }
            // What is left is no whole request; the decoder says so.
            passEverything(context)
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func passEverything(_ context: ChannelHandlerContext) {
        state = .through
        guard bytes.readableBytes > 0 else { return }
        let rest = bytes
        bytes = ByteBuffer()
        context.fireChannelRead(wrapInboundOut(rest))
    }

    /// Does what can be done with the bytes that are here.
    private func advance(_ context: ChannelHandlerContext) {
        while bytes.readableBytes > 0 {
            switch state {
            case .through: return passEverything(context)
            case .answering: return
            case .passing(let count, let isAnswered):
                guard count > 0 else { return }
                let part = min(count, bytes.readableBytes)
                guard let slice = bytes.readSlice(length: part) else { return }
                state =
                    isAnswered && part == count
                    ? .ready : .passing(byteCount: count - part, isAnswered: isAnswered)
                context.fireChannelRead(wrapInboundOut(slice))
            case .collecting(let head, let headCount, let count):
                guard bytes.readableBytes >= count else { return }
                ask(context, head, headByteCount: headCount, byteCount: count)
            case .ready:
                guard begin(context) else { return }
            }
        }
        if bytes.readableBytes == 0 { bytes = ByteBuffer() }
    }

    /// Reads the head of the next request; false when it is not complete.
    private func begin(_ context: ChannelHandlerContext) -> Bool {
        let outcome = bytes.withUnsafeReadableBytes {
            HeadReader.read($0, limits: limits)
        }
        switch outcome {
        case .incomplete: return false
        case .unusual: state = .through
        case .head(let head, let count, let bodyCount):
            if bodyCount <= Route.functionBodyLimit, lanes.live.current.service.isDirect(head) {
                connection.change { $0.head(bodyByteCount: bodyCount, now: $1) }
                state = .collecting(head, headByteCount: count, byteCount: count + bodyCount)
            } else {
                state = .passing(byteCount: count + bodyCount, isAnswered: false)
            }
        }
        return true
    }

    // MARK: Out

    private func ask(
        _ context: ChannelHandlerContext,
        _ head: RequestHead,
        headByteCount: Int,
        byteCount: Int
    ) {
        connection.change { clock, _ in clock.requestEnded() }
        state = .answering
        let start = ContinuousClock.now
        let id = RequestID.chosen(by: head.headers) ?? lanes.nextRequestID()
        bytes.moveReaderIndex(forwardBy: headByteCount)
        let body = bytes.readBytes(length: byteCount - headByteCount) ?? []
        let front = lanes.live.current
        do {
            let channel = context.channel
            var (request, _) = try front.request(head, id: id) { channel.remoteAddress?.ipAddress }
            request.body = body
            front.service.began(request)
            let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
            lane?.add(
                DirectCall(request: request, head: head, front: front, start: start) { message in
                    handler.value.finish(message)
                }
            )
        } catch {
            let answer = front.refusal(error, path: head.path, id: id)
            front.service.metrics.refused(method: head.method, status: answer.status)
            let message = front.message(answer, to: head, id: id)
            // Not at once: many bad requests in a row would go ever deeper.
            context.eventLoop.assumeIsolated().execute { self.finish(message) }
        }
    }

    /// Writes the answer to the query under way.
    private func finish(_ message: HTTPFront.Message) {
        guard let context, case .answering = state else { return }
        state = .ready
        connection.change { $0.answerEnded(now: $1) }
        let buffer = AnswerBytes.buffer(message, allocator: context.channel.allocator)
        if message.closes {
            state = .answering  // Nothing more is read here.
            context.writeAndFlush(wrapOutboundOut(buffer)).assumeIsolated().whenComplete { _ in
                context.close(promise: nil)
            }
            return
        }
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        let events = heldEvents
        heldEvents = []
        for event in events { userInboundEventTriggered(context: context, event: event) }
        proceed()
    }

    private func generalServerAnswered() {
        guard case .passing(let count, _) = state, let context else { return }
        guard count == 0 else {
            state = .passing(byteCount: count, isAnswered: true)
            return
        }
        state = .ready
        // The answer's last part is on its way down still; what follows comes after it.
        context.eventLoop.assumeIsolated().execute { self.proceed() }
    }

    /// Goes on with bytes that came early.
    private func proceed() {
        guard let context else { return }
        if bytes.readableBytes > 0 {
            connection.change { $0.received(now: $1) }
            advance(context)
            // What was passed on belongs to no read of the socket that would end by itself.
            context.fireChannelReadComplete()
        }
        if isReadHeld, !(isBusy && bytes.readableBytes > Self.maximumEarlyByteCount) {
            isReadHeld = false
            context.read()
        }
    }
}
