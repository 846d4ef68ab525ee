import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import VectorService

/// Asks a running server through its unix socket.
struct SocketStoreClient: StoreClient {
    private static let maximumAnswerBytes = 512 << 20
    private static let timeout = TimeAmount.minutes(10)

    private let base: String
    private let path: String

    /// Names the socket.
    init(socket: UnixSocketPath) {
        path = socket.path
        base = "http+unix://" + Self.encoded(socket.path)
    }

    func answer(_ request: ServiceRequest) async throws -> ServiceAnswer {
        var message = HTTPClientRequest(url: base + request.path)
        message.method = HTTPMethod(rawValue: request.method)
        if let contentType = request.contentType {
            message.headers.add(name: "content-type", value: contentType)
        }
        if !request.body.isEmpty { message.body = .bytes(request.body) }
        let status: Int
        let body: [UInt8]
        do {
            let response = try await HTTPClient.shared.execute(message, timeout: Self.timeout)
            status = Int(response.status.code)
            body = Array(
                try await response.body.collect(upTo: Self.maximumAnswerBytes).readableBytesView
            )
        } catch {
            throw CommandFailure.notReady("the server on \(path) did not answer: \(error)")
        }
        var answer = ServiceAnswer(status: status, body: body)
        if status >= 400 {
            answer.problem = Problem(
                status: status,
                answer: try? JSONScanner.parse(body, vectorKey: nil)
            )
        }
        return answer
    }

    func close() async throws {}

    private static func encoded(_ path: String) -> String {
        let digits = Array("0123456789ABCDEF")
        var text = ""
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"):
                text.append(Character(UnicodeScalar(byte)))
            default: text += "%" + String(digits[Int(byte >> 4)]) + String(digits[Int(byte & 15)])
            }
        }
        return text
    }
}
