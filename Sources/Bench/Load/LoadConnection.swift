import NIOCore
import NIOHTTP1

/// One user's connection: writes a request, tells the run what came back.
///
/// It lives as long as its channel; a user that reconnects gets another one.
final class LoadConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let user: Int
    private let driver: LoadDriver
    private var context: ChannelHandlerContext?
    private var status = 0
    private var isLast = false
    private var body = ByteBuffer()

    init(user: Int, driver: LoadDriver) {
        self.user = user
        self.driver = driver
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        driver.opened(user, self)
        context.fireChannelActive()
    }

    func send(_ request: LoadRequests.Request) {
        guard let context else { return driver.lost(user, self, "closed") }
        context.write(wrapOutboundOut(.head(request.head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(request.body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func close() { context?.close(promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            status = Int(head.status.code)
            isLast = !head.isKeepAlive
            body.clear()
            driver.began(user, self)
        case .body(var part): body.writeBuffer(&part)
        case .end:
            driver.answered(user, self, status: status, body: body, isLast: isLast)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        driver.lost(user, self, error is HTTPParserError ? "protocol" : "closed")
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        driver.lost(user, self, "closed")
        context.fireChannelInactive()
    }
}
