import Evaluation
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// Asks the server what a load run needs before and after, outside of what is measured.
struct ControlClient {
    /// No request to the server takes longer than this.
    private static let limit = TimeAmount.seconds(10)

    let group: MultiThreadedEventLoopGroup
    let server: ServerAddress

    /// What `GET /v1` and `GET /v1/stats` answer.
    func statistics() async throws -> JSONFragment {
        .object(["about": try await ask("/v1"), "stats": try await ask("/v1/stats")])
    }

    /// Sends a request on a connection of its own and reads the JSON of a good answer.
    func ask(_ path: String, body: JSONFragment? = nil) async throws -> JSONFragment {
        let bytes = try body.map { try JSONEncoder().encode($0) }
        let answer: Answer
        do {
            answer = try await exchange(path, body: bytes.map { ByteBuffer(bytes: $0) })
        } catch {
            throw BenchError("\(path): no answer from the server: \(error)")
        }
        guard answer.status == 200 else {
            throw BenchError("\(path) answered \(answer.status): \(String(buffer: answer.body))")
        }
        do {
            let data = Data(answer.body.readableBytesView)
            return try JSONDecoder().decode(JSONFragment.self, from: data)
        } catch {
            throw BenchError("\(path): the answer is not JSON")
        }
    }

    /// Up to 1,000 records of the collection that no load run wrote: ids and partitions.
    func records(_ collection: String) async throws -> [(id: JSONFragment, partition: String?)] {
        let body = JSONFragment.object(["limit": .number(1_000), "include": .array([])])
        let page = try await ask("/v1/collections/\(collection)/records/scan", body: body)
        return (page["records"]?.elements ?? []).compactMap { record in
            guard let id = record["id"], id.string?.hasPrefix(LoadRequests.idPrefix) != true else {
                return nil
            }
            return (id, record["partition"]?.string)
        }
    }

    /// Deletes the records that a run wrote.
    func removeWritten(_ collection: String) async throws {
        let ids = (0..<LoadRequests.idCount).map {
            JSONFragment.text(LoadRequests.idPrefix + String($0))
        }
        let body = JSONFragment.object(["ids": .array(ids)])
        _ = try await ask("/v1/collections/\(collection)/records/delete", body: body)
    }

    private func exchange(_ path: String, body: ByteBuffer?) async throws -> Answer {
        let promise = group.next().makePromise(of: Answer.self)
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(Self.limit)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(AnswerReader(promise))
                }
            }
        let channel: any Channel
        do {
            channel = try await server.connect(bootstrap).get()
        } catch {
            promise.fail(error)
            throw error
        }
        let timer = channel.eventLoop.scheduleTask(in: Self.limit) {
            promise.fail(BenchError("no answer within 10 seconds"))
        }
        defer {
            timer.cancel()
            channel.close(promise: nil)
        }
        var head = HTTPRequestHead(
            version: .http1_1,
            method: body == nil ? .GET : .POST,
            uri: path,
            headers: ["host": "localhost"]
        )
        if let body {
            head.headers.add(name: "content-type", value: "application/json")
            head.headers.add(name: "content-length", value: String(body.readableBytes))
        }
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        if let body { channel.write(HTTPClientRequestPart.body(.byteBuffer(body)), promise: nil) }
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        return try await promise.futureResult.get()
    }

    /// Status and body of one answer.
    private struct Answer: Sendable {
        var status: Int
        var body: ByteBuffer
    }

    /// Collects one answer.
    private final class AnswerReader: ChannelInboundHandler {
        typealias InboundIn = HTTPClientResponsePart

        private let promise: EventLoopPromise<Answer>
        private var answer = Answer(status: 0, body: ByteBuffer())

        init(_ promise: EventLoopPromise<Answer>) {
            self.promise = promise
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): answer.status = Int(head.status.code)
            case .body(var buffer): answer.body.writeBuffer(&buffer)
            case .end: promise.succeed(answer)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            promise.fail(error)
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            promise.fail(ChannelError.eof)
        }
    }
}
