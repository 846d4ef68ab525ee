/// What a request says before its body, whichever server read it.
///
/// A class, because it goes through many hands and none of them changes it.
final class RequestHead: Sendable {
    /// The method as it was sent.
    let method: String
    /// The path, without parameters.
    let path: String
    /// The parameters, encoded.
    let query: String
    /// `Host`, which is no part of `headers`.
    let authority: String?
    /// The header fields.
    let headers: RequestHeaders

    init(
        method: String,
        path: String,
        query: String = "",
        authority: String? = nil,
        headers: RequestHeaders = RequestHeaders()
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.authority = authority
        self.headers = headers
    }
}

/// The name of a request: the client's, or one of the server's.
enum RequestID {
    /// The header field that carries it.
    static let field = "X-Request-Id"

    /// The client's own name for a request, when it is a plain word.
    static func chosen(by headers: RequestHeaders) -> String? {
        guard let id = headers["x-request-id"], 1...64 ~= id.utf8.count else { return nil }
        let isPlain = id.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        return isPlain ? id : nil
    }
}
