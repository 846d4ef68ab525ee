/// What a request says before its body, whichever server read it.
struct RequestHead: Sendable {
    /// The method as it was sent.
    var method: String
    /// The path, without parameters.
    var path: String
    /// The parameters, encoded.
    var query = ""
    /// `Host`, which is no part of `headers`.
    var authority: String?
    /// The header fields.
    var headers = RequestHeaders()
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
