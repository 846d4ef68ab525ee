/// Why a token, or what was sent in its place, is not believed.
package struct TokenRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of reason, by PostgREST's codes.
    package enum Kind: String, Sendable {
        /// The header cannot be understood at all.
        case request = "PGRST300"
        /// The token is malformed, or its signature is not by a known key.
        case token = "PGRST301"
        /// A token is needed and none was sent.
        case missing = "PGRST302"
        /// The token is genuine, and its claims do not hold here and now.
        case claims = "PGRST303"
        /// Too many tokens were wrong.
        case tooMany = "PGRST304"
    }

    /// The kind of reason.
    package var kind: Kind
    /// What is wrong; nothing of the token itself.
    package var description: String

    /// Names a reason.
    package init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// A token that cannot be read.
    static func malformed(_ description: String) -> TokenRefusal {
        TokenRefusal(.token, description)
    }

    /// A token whose signature was not looked at, because there was no time for it.
    static let unverified = TokenRefusal(.token, "the signature was not looked at")

    /// The status of an answer that refuses.
    var status: Int {
        switch kind {
        case .request: 400
        case .token, .missing, .claims: 401
        case .tooMany: 429
        }
    }
}

extension Problem {
    /// The refusal as a problem.
    init(_ refusal: TokenRefusal) {
        let code =
            switch refusal.kind {
            case .request: "invalid_request"
            case .token, .claims: "invalid_token"
            case .missing: "token_required"
            case .tooMany: "too_many_bad_tokens"
            }
        self.init(status: refusal.status, code: code, detail: refusal.description)
        if refusal.kind == .tooMany { retryAfterSeconds = 1 }
    }
}

extension RestError {
    /// The refusal in PostgREST's form.
    init(_ refusal: TokenRefusal) {
        self.init(refusal.status, refusal.kind.rawValue, refusal.description)
        if refusal.kind == .tooMany { retryAfterSeconds = 1 }
    }
}
