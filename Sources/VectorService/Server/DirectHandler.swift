// Answers queries next to the socket, and lets everything else through to the general server.
//
// - It reads heads itself, and only in the form that can be read in one way; see `HeadReader`. The first
//   head in any other form, and all that comes after it on the connection, belongs to the full decoder.
// - One request at a time: bytes that come while one is answered stay here, so that answers keep the
//   order of the requests, whoever gives them. Reading stops when many wait.
// - An answer is under way until the socket has taken all of it: a client that does not read has one
//   answer made for it and no more. The end of the input and the wish to close wait for that too.
// - After the last answer nothing is begun.

import NIOCore

/// The handler between the bytes of a connection and its HTTP decoder.
///
/// Unchecked: what is `var` is touched on the connection's loop alone.
final class DirectHandler: ChannelDuplexHandler, RemovableChannelHandler, DirectAsker,
    @unchecked Sendable
{
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// At the beginning of a request.
        case ready
        /// A query whose body is not complete.
        case collecting(RequestHead, headByteCount: Int, byteCount: Int)
        /// A query is being answered, or its answer is not all taken by the socket.
        case answering
        /// A request of the general server: what of it is yet to come, and whether it was answered.
        case passing(byteCount: Int, isAnswered: Bool)
        /// Everything goes to the general server.
        case through
        /// The connection is about to close; what comes is dropped.
        case ended
    }

    /// More early bytes than this are left in the socket.
    private static let maximumEarlyByteCount = 64 << 10

    private let connection: ConnectionGuard
    private let lanes: DirectLanes
    private let limits: HTTPLimits
    private let channel: any Channel
    private var lane: DirectLane?
    private var context: ChannelHandlerContext?
    private var state = State.ready
    private var bytes = ByteBuffer()
    private var isReadHeld = false
    private var isReading = false
    /// Whether the handlers behind have had bytes since they were last told that no more come for now.
    private var hasPassedOn = false
    /// Whether the answer under way, or of the general server, is the last one.
    private var isEnding = false
    private var isInputClosed = false

    init(
        _ connection: ConnectionGuard,
        channel: any Channel,
        lanes: DirectLanes,
        limits: HTTPLimits
    ) {
        self.channel = channel
        self.connection = connection
        self.limits = limits
        self.lanes = lanes
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        lane = lanes.lane(of: context.eventLoop)
        connection.onAnswer = { [weak self] in self?.generalServerAnswered(isLast: $0) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        connection.onAnswer = nil
        // No end of the read is told to those who are gone; others have queries in the lane.
        endRead()
    }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .through:
            hasPassedOn = true
            return context.fireChannelRead(data)
        case .ended: return
        case .ready, .collecting, .answering, .passing: break
        }
        isReading = true
        lane?.readBegan()
        var data = unwrapInboundIn(data)
        if bytes.readableBytes == 0 { bytes = data } else { bytes.writeBuffer(&data) }
        advance(context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        endRead()
        completeRead(context)
    }

    private func endRead() {
        guard isReading else { return }
        isReading = false
        lane?.readEnded()
    }

    /// Tells the handlers behind that no more bytes come for now, if they have had any.
    private func completeRead(_ context: ChannelHandlerContext) {
        guard hasPassedOn else { return }
        hasPassedOn = false
        context.fireChannelReadComplete()
    }

    private func pass(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        hasPassedOn = true
        context.fireChannelRead(wrapInboundOut(bytes))
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
        case .ready, .collecting, .through, .ended: false
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch (event, state) {
        case (_, .through), (_, .ended): break
        case (is ChannelShouldQuiesceEvent, .answering):
            isEnding = true
            return
        case (is ChannelShouldQuiesceEvent, .passing): isEnding = true
        case (is ChannelShouldQuiesceEvent, _): state = .ended
        case (let event as ChannelEvent, _) where event == .inputClosed:
            isInputClosed = true
            return inputEnded(context)
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// Gives the end of the input to the general server, unless an answer is under way.
    private func inputEnded(_ context: ChannelHandlerContext) {
        switch state {
        case .answering, .through, .ended: return
        case .collecting: connection.change { $0.headReturned(now: $1) }
        case .ready, .passing: break
        }
        // What is left is no whole request; the decoder says so.
        passEverything(context)
        completeRead(context)
        context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    private func passEverything(_ context: ChannelHandlerContext) {
        state = .through
        guard bytes.readableBytes > 0 else { return }
        let rest = bytes
        bytes = ByteBuffer()
        pass(rest, context)
    }

    /// Does what can be done with the bytes that are here.
    private func advance(_ context: ChannelHandlerContext) {
        while bytes.readableBytes > 0 {
            switch state {
            case .through: return passEverything(context)
            case .ended: return bytes.clear()
            case .answering: return
            case .passing(let count, let isAnswered):
                guard count > 0 else { return }
                let part = min(count, bytes.readableBytes)
                guard let slice = bytes.readSlice(length: part) else { return }
                state =
                    isAnswered && part == count
                    ? (isEnding ? .ended : .ready)
                    : .passing(byteCount: count - part, isAnswered: isAnswered)
                pass(slice, context)
            case .collecting(let head, let headCount, let count):
                guard bytes.readableBytes >= count else { return }
                ask(head, headByteCount: headCount, byteCount: count)
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
                if bytes.readableBytes >= count + bodyCount {
                    ask(head, headByteCount: count, byteCount: count + bodyCount)
                } else {
                    state = .collecting(head, headByteCount: count, byteCount: count + bodyCount)
                }
            } else {
                state = .passing(byteCount: count + bodyCount, isAnswered: false)
            }
        }
        return true
    }

    // MARK: Out

    private func ask(
        _ head: RequestHead,
        headByteCount: Int,
        byteCount: Int
    ) {
        connection.requestEnded()
        state = .answering
        let start = ContinuousClock.now
        bytes.moveReaderIndex(forwardBy: headByteCount)
        lane?.add(
            DirectQuestion(
                head: head,
                body: bytes.readBytes(length: byteCount - headByteCount) ?? [],
                id: RequestID.chosen(by: head.headers) ?? lanes.nextRequestID(),
                front: lanes.live.current,
                start: start,
                asker: self
            )
        )
    }

    var address: String? { channel.remoteAddress?.ipAddress }

    /// Writes the answer to the query under way.
    func finish(_ answer: DirectAnswer) {
        channel.eventLoop.preconditionInEventLoop()
        guard let context, case .answering = state else { return }
        // Asked for before: most answers are taken within the call.
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess {
            if answer.closes { context.close(promise: nil) } else { self.written() }
        }
        context.writeAndFlush(wrapOutboundOut(answer.bytes), promise: promise)
    }

    /// Goes on when the socket has taken all of an answer.
    private func written() {
        guard let context else { return }
        connection.answerWasTaken()
        if isEnding {
            state = .ended
            context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        } else {
            state = .ready
            proceed()
        }
    }

    private func generalServerAnswered(isLast: Bool) {
        guard case .passing(let count, _) = state, let context else { return }
        if isLast { isEnding = true }
        guard count == 0 else {
            state = .passing(byteCount: count, isAnswered: true)
            return
        }
        state = isEnding ? .ended : .ready
        // The answer's last part is on its way down still; what follows comes after it.
        context.eventLoop.assumeIsolated().execute { self.proceed() }
    }

    /// Goes on with bytes that came early, then with the end of the input.
    private func proceed() {
        guard let context else { return }
        if bytes.readableBytes > 0 {
            connection.change { $0.received(now: $1) }
            advance(context)
            // What was passed on belongs to no read of the socket that would end by itself.
            completeRead(context)
        }
        if isInputClosed { inputEnded(context) }
        if isReadHeld, !(isBusy && bytes.readableBytes > Self.maximumEarlyByteCount) {
            isReadHeld = false
            context.read()
        }
    }
}
