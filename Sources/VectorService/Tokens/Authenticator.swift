// Who asks, from the headers of a request.
//
// - `Authorization: Bearer` carries a user's token; Supabase's clients repeat the project's key there
//   when nobody is signed in, so a bearer that equals `apikey`, or is a known key, is no user.
// - Whatever is sent is judged: a wrong token is refused even where none is needed.
// - Without any, a peer of the unix socket is the operator's own process, unless the configuration
//   wants a token of everybody.

/// Finds out who asks.
package struct Authenticator: Sendable {
    let verifier: TokenVerifier
    let keys: APIKeys
    let denylist: Denylist
    let limiter: FailureLimiter

    /// Makes an authenticator.
    package init(
        verifier: TokenVerifier,
        keys: APIKeys = APIKeys(),
        denylist: Denylist = Denylist(),
        limiter: FailureLimiter = FailureLimiter()
    ) {
        self.verifier = verifier
        self.keys = keys
        self.denylist = denylist
        self.limiter = limiter
    }

    /// Who asks.
    ///
    /// - Parameters:
    ///   - headers: The headers of the request.
    ///   - peer: The address it came from; nil for a peer whose mistakes are not counted.
    ///   - stranger: Who somebody is that sends nothing.
    ///   - verifies: Whether a signature is looked at that was not looked at before, which takes longer
    ///     than a query; if not, `TokenRefusal.unverified` is thrown in its place.
    package func principal(
        _ headers: RequestHeaders,
        peer: String?,
        stranger: Principal,
        verifies: Bool = true,
        now: Double
    ) throws(TokenRefusal) -> Principal {
        let bearer = try Self.bearer(headers)
        let keys = headers.values("apikey")
        guard keys.count <= 1 else {
            throw TokenRefusal(.request, "There are several apikey headers")
        }
        let key = keys.first
        guard bearer != nil || key != nil else { return stranger }
        var keyed: Principal?
        if let key { keyed = try principal(key, peer, verifies, now: now, isKey: true) }
        guard let bearer, bearer != key else { return keyed ?? .anonymous }
        return try principal(bearer, peer, verifies, now: now, isKey: false)
    }

    /// Who a key or a token stands for.
    private func principal(
        _ text: String,
        _ peer: String?,
        _ verifies: Bool,
        now: Double,
        isKey: Bool
    ) throws(TokenRefusal) -> Principal {
        if let role = keys.role(of: text) { return Principal(role: role) }
        let claims: JSONNode
        do throws(TokenRefusal) {
            claims = try verifier.claims(of: text, now: now) { (isGenuine) throws(TokenRefusal) in
                if isGenuine == nil, !verifies { throw .unverified }
                guard let peer else { return }
                switch isGenuine {
                case nil: try limiter.check(peer, now: now)
                case false?: limiter.note(peer, now: now)
                case true?: break
                }
            }
        } catch {
            guard isKey, error.kind == .token, error != .unverified else { throw error }
            throw TokenRefusal(.token, "Invalid API key")
        }
        try denylist.check(claims, now: now)
        return verifier.rules.principal(claims)
    }

    /// The token of `Authorization: Bearer`; nil without the header.
    ///
    /// - Source: RFC 6750, section 2.1; RFC 9110, section 11.1.
    static func bearer(_ headers: RequestHeaders) throws(TokenRefusal) -> String? {
        let lines = headers.values("authorization")
        guard let line = lines.first else { return nil }
        guard lines.count == 1 else {
            throw TokenRefusal(.request, "There are several Authorization headers")
        }
        let parts = line.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else {
            throw .malformed("The Authorization header is not Bearer and a token")
        }
        guard !parts[1].isEmpty else {
            throw .malformed("Empty JWT is sent in Authorization header")
        }
        return String(parts[1])
    }
}
