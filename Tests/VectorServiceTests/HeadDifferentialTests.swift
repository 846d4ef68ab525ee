import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing
import VectorMath

@testable import VectorService

/// Heads that the reader next to the socket takes, read once more by the decoder behind it.
@Suite struct `Two readers of heads` {
    private static let methods = ["POST", "GET", "PUT", "HEAD", "X", "CONNECT", "PRI", "post"]
    private static let targets = [
        "/", "/v1/collections/c/query", "/a?b=c&d=%20", "/?", "/a?b?c", "/..;/x", "/%2e%2e/",
        "//h/x",
        "/a%00", "*", "http://h/x", "/\"<>\\^`{|}", "/a#b",
    ]
    private static let names = [
        "Host", "content-length", "Content-Length", "X-A", "x-a", "accept", "connection",
        "Content-Type", "transfer-encoding", "!#$%&'*+-.^_`|~", "x y", "", "expect", "te", "cookie",
    ]
    private static let separators = [":", ": ", ":\t", ":  ", " :", ""]
    private static let values = [
        "", "0", "5", "12", "007", "+5", "5 ", "5,5", "close", "keep-alive", "Keep-Alive", "a b",
        "a\tb", "chunked", "localhost", "\u{7F}", "\u{1}", "é", "a:b", "100-continue",
        "application/json; charset=utf-8",
    ]
    private static let ends = [
        "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", " \r\n", "\n", "\r", "\r\n ",
    ]

    private static func head(_ random: inout SeededRandom) -> [UInt8] {
        func pick(_ list: [String]) -> String { list.randomElement(using: &random) ?? "" }
        // Mostly the plain choices, which come first, or little would be taken.
        func some(_ list: [String], _ plain: Int) -> String {
            Int.random(in: 0..<8, using: &random) > 0 ? pick(Array(list.prefix(plain))) : pick(list)
        }
        var text = some(methods, 4) + " " + some(targets, 6) + " HTTP/1.1" + some(ends, 5)
        for _ in 0..<Int.random(in: 0..<6, using: &random) {
            text += some(names, 8) + some(separators, 4) + some(values, 5) + some(ends, 5)
        }
        var bytes = Array((text + "\r\n").utf8)
        // Now and then one byte is another one.
        if Int.random(in: 0..<4, using: &random) == 0 {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            bytes[place] = UInt8.random(in: 0...255, using: &random)
        }
        return bytes
    }

    /// What the decoder makes of some bytes; nil when it refuses them.
    private static func decode(_ bytes: [UInt8]) throws -> [HTTPServerRequestPart]? {
        let channel = EmbeddedChannel(
            handler: ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes))
        )
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        do {
            try channel.writeInbound(ByteBuffer(bytes: bytes))
        } catch {
            return nil
        }
        var parts: [HTTPServerRequestPart] = []
        while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
            parts.append(part)
        }
        return parts
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `what the quick reader takes, the decoder reads the same way or refuses`(
        seed: UInt64
    ) throws {
        var random = SeededRandom(seed: seed)
        var (takenCount, sameCount) = (0, 0)
        for _ in 0..<10_000 {
            let bytes = Self.head(&random)
            let outcome = bytes.withUnsafeBytes { HeadReader.read($0, limits: HTTPLimits()) }
            guard case .head(let head, let byteCount, let bodyByteCount) = outcome else { continue }
            takenCount += 1
            let shown = String(decoding: bytes, as: UTF8.self)
            // The same head with a body as long as it says, and another request behind it.
            let whole =
                bytes[..<byteCount] + [UInt8](repeating: 0x78, count: bodyByteCount)
                + Array("GET /next HTTP/1.1\r\n\r\n".utf8)
            guard let parts = try Self.decode(Array(whole)) else { continue }
            sameCount += 1
            guard case .head(let other)? = parts.first else {
                Issue.record("seed \(seed), no head: \(shown.debugDescription)")
                continue
            }
            let target = head.path + (head.query.isEmpty ? "" : "?" + head.query)
            #expect(
                other.method.rawValue == head.method
                    && (other.uri == target || other.uri == target + "?"),
                "seed \(seed): \(shown.debugDescription)"
            )
            // The decoder leaves white space behind a value to those who read it.
            let fields = other.headers.map { field in
                let value = field.value.reversed().drop { $0 == " " || $0 == "\t" }.reversed()
                return (name: field.name.lowercased(), value: String(value))
            }
            #expect(
                RequestHeaders(lowercased: fields.filter { $0.name != "host" }) == head.headers
                    && fields.first { $0.name == "host" }?.value == head.authority,
                "seed \(seed): \(shown.debugDescription)"
            )
            var bodyCount = 0
            var heads: [String] = []
            for part in parts {
                switch part {
                case .head(let head): heads.append(head.uri)
                case .body(let buffer): bodyCount += buffer.readableBytes
                case .end: break
                }
            }
            #expect(
                bodyCount == bodyByteCount && heads.count == 2 && heads.last == "/next",
                "seed \(seed): \(shown.debugDescription) \(bodyCount) \(heads)"
            )
        }
        #expect(takenCount > 1_000 && sameCount > 1_000, "\(takenCount), \(sameCount)")
    }
}
