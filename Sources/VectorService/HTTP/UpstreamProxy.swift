// The server behind: everything that is not ours goes there and comes back as it is.
//
// - Bodies stream in both directions and are never held in memory, compressed bodies stay compressed.
// - Headers of one connection (RFC 9110, section 7.6.1) end here; everything else is handed on,
//   tokens too, for they are the upstream's to judge.
// - Redirects go to the client, and nothing is tried twice: the body may be gone.

import AsyncHTTPClient
import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1

/// Hands requests to another server.
package struct UpstreamProxy: Sendable {
    /// The section `upstream` of the configuration.
    package struct Settings: Sendable, Equatable {
        /// The address, without a path.
        package var url: String
        /// The longest time until the upstream's answer begins.
        package var timeoutSeconds = 60

        /// Reads the section: an address, or `{"url": …, "timeout_seconds": …}`.
        package init(_ node: JSONNode) throws(ConfigurationProblem) {
            (url, timeoutSeconds) = try ConfigurationProblem.reading("upstream") {
                () throws(Problem) in
                if let text = node.text { return (text, 60) }
                var fields = try FieldReader(node, path: "upstream")
                let url = try fields.text("url") ?? ""
                let timeout = try fields.integer("timeout_seconds") ?? 60
                try fields.finish()
                return (url, timeout)
            }
            while url.hasSuffix("/") { url.removeLast() }
            let pattern = /https?:\/\/[A-Za-z0-9.\-\[\]:]+/
            guard url.wholeMatch(of: pattern) != nil, (1...3_600).contains(timeoutSeconds) else {
                throw ConfigurationProblem(
                    "upstream",
                    "must be an address without a path, as in https://abc.supabase.co"
                )
            }
        }
    }

    private let settings: Settings
    private let host: String

    /// Names the upstream.
    package init(_ settings: Settings) {
        self.settings = settings
        host = String(settings.url.split(separator: "/", omittingEmptySubsequences: true)[1])
    }

    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.decompression = .disabled
        configuration.timeout.connect = .seconds(5)
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(
            eventLoopGroup: HTTPClient.defaultEventLoopGroup,
            configuration: configuration
        )
    }()

    /// Headers that concern one connection only.
    private static let connectionHeaders: Set<String> = [
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade", "proxy-connection", "expect",
    ]

    /// Asks the upstream.
    func respond(to request: Request, requestID: String) async -> Response {
        guard request.headers[.upgrade] == nil else {
            return failure(501, RestError.unsupported("WebSocket through this server"))
        }
        let target = request.head.path ?? "/"
        var message = HTTPClientRequest(url: settings.url + (target.hasPrefix("/") ? target : "/"))
        message.method = NIOHTTP1.HTTPMethod(rawValue: request.method.rawValue)
        let named = Self.named(by: request.headers[values: .connection])
        for field in request.headers {
            let name = field.name.canonicalName
            if Self.connectionHeaders.contains(name) || named.contains(name) { continue }
            if name == "content-length" || name == "host" { continue }
            message.headers.add(name: field.name.rawName, value: field.value)
        }
        message.headers.replaceOrAdd(name: "host", value: host)
        message.headers.replaceOrAdd(name: "x-request-id", value: requestID)
        if let text = request.headers[.contentLength], let length = Int64(text) {
            if length > 0 { message.body = .stream(request.body, length: .known(length)) }
        } else if request.headers[.transferEncoding] != nil {
            message.body = .stream(request.body, length: .unknown)
        }
        do {
            let answer = try await Self.client.execute(
                message,
                timeout: .seconds(Int64(settings.timeoutSeconds))
            )
            return response(answer, isHead: request.method == .head)
        } catch {
            return failure(
                503,
                RestError(
                    503,
                    "PGRST000",
                    "The server behind this one did not answer",
                    hint: "Try again later"
                )
            )
        }
    }

    private func response(_ answer: HTTPClientResponse, isHead: Bool) -> Response {
        var headers: HTTPFields = [:]
        let named = Self.named(by: answer.headers["connection"])
        var length: Int?
        for (name, value) in answer.headers {
            let lower = name.lowercased()
            if lower == "content-length" { length = Int(value) }
            if Self.connectionHeaders.contains(lower) || named.contains(lower) { continue }
            if lower == "content-length", !isHead { continue }
            if let name = HTTPField.Name(name) { headers.append(.init(name: name, value: value)) }
        }
        let status = HTTPResponse.Status(code: Int(answer.status.code))
        guard !isHead, status.code != 204, status.code != 304 else {
            return Response(status: status, headers: headers)
        }
        let body = answer.body
        return Response(
            status: status,
            headers: headers,
            body: ResponseBody(contentLength: length) { writer in
                for try await buffer in body { try await writer.write(buffer) }
                try await writer.finish(nil)
            }
        )
    }

    /// The headers that `Connection` names.
    private static func named(by lines: [String]) -> Set<String> {
        Set(
            lines.flatMap { $0.split(separator: ",") }.map { item in
                item.filter { $0 != " " }.lowercased()
            }
        )
    }

    private func failure(_ status: Int, _ error: RestError) -> Response {
        Response(
            status: .init(code: status),
            headers: [.contentType: "application/json; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: error.encoded))
        )
    }
}
