/// What web pages of other origins may do with `/rest/v1`.
///
/// - Source: Fetch standard, "CORS protocol"; the headers are those that PostgREST sends.
struct CrossOrigin {
    private let origin: String?
    private let allowed: String?
    private let requestedHeaders: String?

    /// Looks at the headers of a request.
    init(_ headers: RequestHeaders, settings: RestSettings) {
        origin = headers["origin"]
        requestedHeaders = headers["access-control-request-headers"]
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

    /// The header fields of the answer to OPTIONS.
    var preflight: [(name: String, value: String)] {
        var fields = [(name: "Allow", value: RestError.functionMethods)]
        if origin != nil, let allowed {
            fields.append(("Access-Control-Allow-Origin", allowed))
            fields.append(("Access-Control-Allow-Methods", Self.methods))
            fields.append(
                (
                    "Access-Control-Allow-Headers",
                    "Authorization" + (requestedHeaders.map { ", \($0)" } ?? "")
                )
            )
            fields.append(("Access-Control-Max-Age", "86400"))
        }
        if allowed != "*" { fields.append(("Vary", "Origin")) }
        return fields
    }

    /// The header fields that let a page read an answer.
    var fields: [(name: String, value: String)] {
        guard origin != nil, let allowed else { return [] }
        var fields = [
            (name: "Access-Control-Allow-Origin", value: allowed),
            (name: "Access-Control-Expose-Headers", value: Self.exposed),
        ]
        if allowed != "*" { fields.append(("Vary", "Origin")) }
        return fields
    }
}
