import HTTPTypes
import Hummingbird

/// What web pages of other origins may do with `/rest/v1`.
///
/// - Source: Fetch standard, "CORS protocol"; the headers are those that PostgREST sends.
struct CrossOrigin {
    private let origin: String?
    private let allowed: String?
    private let requestedHeaders: String?

    /// Looks at a request.
    init(_ request: Request, settings: RestSettings) {
        origin = request.headers[.origin]
        requestedHeaders = request.headers[.accessControlRequestHeaders]
        if settings.allowedOrigins.contains("*") {
            allowed = "*"
        } else {
            allowed = origin.flatMap { settings.allowedOrigins.contains($0) ? $0 : nil }
        }
    }

    private static let methods = "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD"
    private static let exposed =
        "Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server, "
        + "Transfer-Encoding, Range-Unit"

    /// The answer to OPTIONS.
    var preflight: Response {
        var headers: HTTPFields = [:]
        headers[.allow] = RestError.functionMethods
        if origin != nil, let allowed {
            headers[.accessControlAllowOrigin] = allowed
            headers[.accessControlAllowMethods] = Self.methods
            headers[.accessControlAllowHeaders] =
                "Authorization" + (requestedHeaders.map { ", \($0)" } ?? "")
            headers[.accessControlMaxAge] = "86400"
        }
        if allowed != "*" { headers[.vary] = "Origin" }
        return Response(status: .ok, headers: headers)
    }

    /// Lets a page read an answer.
    func mark(_ response: inout Response) {
        guard origin != nil, let allowed else { return }
        response.headers[.accessControlAllowOrigin] = allowed
        response.headers[.accessControlExposeHeaders] = Self.exposed
        if allowed != "*" { response.headers[.vary] = "Origin" }
    }
}
