import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes

/// Watches one connection: how many there are, and how long its client takes.
///
/// Two handlers share it: one next to the socket, which sees bytes, and one behind the decoder, which
/// sees where requests begin and end. Both run on the connection's event loop, and so does all of this.
final class ConnectionGuard {
    private let metrics: ServiceMetrics
    private let limits: HTTPLimits
    private var clock: ConnectionClock
    private var timer: Scheduled<Void>?
    /// When the timer goes off; nil when there is none.
    private var timerMoment: Duration?
    private var context: ChannelHandlerContext?
    private let start = NIODeadline.now()
    private var isCounted = false
    /// Whether the flush under way is known to have left nothing.
    private var isAllTaken = false
    /// Told when the general server has written an answer to its end, and whether it was the last one.
    var onAnswer: ((_ isLast: Bool) -> Void)?

    init(metrics: ServiceMetrics, limits: HTTPLimits) {
        self.metrics = metrics
        self.limits = limits
        clock = ConnectionClock(limits: limits, now: .zero)
    }

    private var now: Duration { .nanoseconds((NIODeadline.now() - start).nanoseconds) }

    /// Whether the connection may stay.
    func opened(_ context: ChannelHandlerContext, limit: Int) -> Bool {
        self.context = context
        isCounted = metrics.opened(limit: limit)
        if isCounted { schedule() }
        return isCounted
    }

    func closed() {
        timer?.cancel()
        timer = nil
        timerMoment = nil
        context = nil
        if isCounted { metrics.closed() }
        isCounted = false
    }

    func change(_ event: (inout ConnectionClock, Duration) -> Void) {
        event(&clock, now)
        schedule()
    }

    /// A request is complete.
    func requestEnded() {
        clock.requestEnded()
        schedule()
    }

    /// An answer was written to its end, and nothing is written after it: the socket has taken all.
    func answerWasTaken() {
        let now = now
        isAllTaken = true
        clock.unsent(0, now: now)
        clock.answerEnded(now: now)
        schedule()
    }

    /// Passes a flush on and finds out what it left.
    func flush(_ context: ChannelHandlerContext) {
        isAllTaken = false
        context.flush()
        if !isAllTaken { measureUnsent() }
        schedule()
    }

    /// Asks the channel what the socket has not taken.
    func measureUnsent() {
        guard let context else { return }
        let count = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        clock.unsent(count, now: now)
    }

    /// One timer at a time, never later than the next check; checking too early costs little.
    private func schedule() {
        guard let moment = clock.nextCheck else { return }
        if let timerMoment, moment + .milliseconds(1) >= timerMoment { return }
        setTimer(moment)
    }

    private func setTimer(_ moment: Duration) {
        guard let context else { return }
        timer?.cancel()
        let now = now
        let end = max(now, moment) + .milliseconds(1)
        timerMoment = end
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: .init(end - now)) {
            self.timer = nil
            self.timerMoment = nil
            self.check()
        }
    }

    private func check() {
        guard let context else { return }
        measureUnsent()
        if let reason = clock.verdict(now: now) {
            if reason != .idle { metrics.cut(reason.rawValue) }
            context.close(mode: .all, promise: nil)
        } else {
            schedule()
        }
    }
}

/// The handler next to the socket.
final class ConnectionBytesHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let refusal =
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n"
        + "connection: close\r\n\r\n"

    private let connection: ConnectionGuard
    private let limit: Int
    private var isRefused = false

    init(_ connection: ConnectionGuard, limit: Int) {
        self.connection = connection
        self.limit = limit
    }

    func channelActive(context: ChannelHandlerContext) {
        if connection.opened(context, limit: limit) {
            context.fireChannelActive()
            return
        }
        isRefused = true
        let bytes = context.channel.allocator.buffer(string: Self.refusal)
        context.fireChannelActive()
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        context.close(mode: .all, promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection.closed()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isRefused { return }
        connection.change { $0.received(now: $1) }
        context.fireChannelRead(data)
    }

    func flush(context: ChannelHandlerContext) {
        connection.flush(context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        connection.measureUnsent()
        context.fireChannelWritabilityChanged()
    }
}

/// The handler behind the decoder.
final class ConnectionRequestsHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let connection: ConnectionGuard
    private var isLast = false

    init(_ connection: ConnectionGuard) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            let count = head.headerFields[.contentLength].flatMap { Int($0) }
            connection.change { $0.head(bodyByteCount: count, now: $1) }
        case .body: break
        case .end: connection.requestEnded()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head): isLast = head.headerFields[.connection]?.lowercased() == "close"
        case .body: break
        case .end:
            connection.change { $0.answerEnded(now: $1) }
            connection.onAnswer?(isLast)
        }
        context.write(data, promise: promise)
    }
}

/// HTTP/1.1 with a guard on every connection.
struct GuardedHTTPChannel: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    let base: HTTP1Channel
    let live: LiveFront
    let metrics: ServiceMetrics
    let gate: PeerGate?
    let direct: DirectLanes

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        if let gate, !gate.admits(channel) {
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
        }
        let limits = live.current.limits
        let connection = ConnectionGuard(metrics: metrics, limits: limits)
        do {
            try channel.pipeline.syncOperations.addHandler(
                ConnectionBytesHandler(connection, limit: limits.connectionCount)
            )
            try channel.pipeline.syncOperations.addHandler(
                DirectHandler(connection, channel: channel, lanes: direct, limits: limits)
            )
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
        // The setup below is done when it returns; nothing is read before that.
        let value = base.setup(channel: channel, logger: logger)
        do {
            let operations = channel.pipeline.syncOperations
            let state = try operations.handler(type: HTTPConnectionStateHandler.self)
            try operations.addHandler(
                ConnectionRequestsHandler(connection),
                position: .before(state)
            )
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
        return value
    }

    func handle(value: Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}

extension LiveFront {
    /// The HTTP/1.1 server with a guard on every connection and the short way for queries.
    ///
    /// - Note: What limits one header field and all of them holds for the life of the server.
    func server(metrics: ServiceMetrics, gate: PeerGate?) -> HTTPServerBuilder {
        let limits = current.limits
        var decoder = HTTP1Channel.Configuration.DecoderConfiguration()
        decoder.maxHeaderFieldSize = limits.headerFieldBytes
        decoder.maxHeaderListSize = limits.headerListBytes
        decoder.maxHeaderFieldCount = limits.headerCount
        // The guard closes idle connections, so the channel has no timer of its own.
        let configuration = HTTP1Channel.Configuration(httpDecoderConfiguration: decoder)
        let direct = DirectLanes(self)
        return HTTPServerBuilder { responder in
            GuardedHTTPChannel(
                base: HTTP1Channel(responder: responder, configuration: configuration),
                live: self,
                metrics: metrics,
                gate: gate,
                direct: direct
            )
        }
    }
}
