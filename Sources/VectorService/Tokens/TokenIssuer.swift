// The server's own tokens.
//
// - An access token lives 15 minutes and is verified without asking anybody.
// - A refresh token is opaque, lives 7 days, and works once: it is replaced by another one. One that
//   is shown a second time was copied, so that the whole sign-in is taken back.

import Crypto

/// Makes tokens and takes them back.
package struct TokenIssuer: Sendable {
    let settings: SigningSettings
    let key: TokenKey
    let ledger: TokenLedger
    let denylist: Denylist

    /// What a sign-in is given.
    struct Grant: Sendable {
        var accessToken: String
        var refreshToken: String?
        var session: String?
        var expiresIn: Int
    }

    /// Claims that the issuer alone decides.
    private static let ownClaims: Set<String> = [
        "iss", "aud", "sub", "role", "iat", "nbf", "exp", "jti", "session_id",
    ]

    /// Opens the ledger and the key that the settings name.
    package init(
        _ settings: SigningSettings,
        key: TokenKey,
        ledger: TokenLedger,
        denylist: Denylist
    ) {
        self.settings = settings
        self.key = key
        self.ledger = ledger
        self.denylist = denylist
        ledger.fill(denylist)
    }

    /// The key that a configuration names.
    package static func key(
        _ settings: SigningSettings
    ) async throws(ConfigurationProblem) -> TokenKey {
        let place = "tokens.signing.key_file"
        let bytes = try SecretFile.readText(settings.keyFile, place: place)
        switch settings.algorithm {
        case .hs256: return try await TokenKey(secret: bytes, id: settings.keyID)
        case .es256, .rs256:
            return try await TokenKey(
                pem: String(decoding: bytes, as: UTF8.self),
                algorithm: settings.algorithm,
                id: settings.keyID
            )
        }
    }

    // MARK: Issuing

    /// Begins a sign-in for somebody.
    func issue(
        subject: String,
        role: String,
        claims: JSONNode?,
        accessSeconds: Int?,
        refreshes: Bool,
        now: Double
    ) throws -> Grant {
        for member in claims?.members ?? [] where Self.ownClaims.contains(member.key) {
            throw Problem.invalidRequest(
                "the claim \(member.key) has a field of its own",
                field: "claims.\(member.key)"
            )
        }
        let seconds = accessSeconds ?? settings.accessSeconds
        guard (1...86_400).contains(seconds) else {
            throw Problem.invalidRequest(
                "access_seconds must be 1 to 86400",
                field: "access_seconds"
            )
        }
        let own = JSONWriter.text { writer in
            writer.member("sub", subject)
            writer.member("role", role)
            for member in claims?.members ?? [] {
                writer.key(named: member.key)
                writer.value(member.node)
            }
        }
        let session = Self.random(16)
        var grant = Grant(
            accessToken: try access(own, session: refreshes ? session : nil, seconds, now: now),
            expiresIn: seconds
        )
        guard refreshes else { return grant }
        let (token, digest) = Self.refreshToken(session)
        let expiry = now + Double(settings.refreshSeconds)
        try ledger.begin(
            session,
            TokenLedger.Session(digest: digest, claims: own, expiry: expiry)
        )
        grant.refreshToken = token
        grant.session = session
        return grant
    }

    /// Replaces a refresh token by another one, and gives an access token with it.
    func refresh(_ token: String, now: Double) throws -> Grant {
        guard let (session, digest) = Self.parse(token) else { throw Problem.refreshRefused }
        let (next, nextDigest) = Self.refreshToken(session)
        switch try ledger.rotate(session, digest: digest, to: nextDigest, now: now) {
        case .unknown: throw Problem.refreshRefused
        case .reused(let own):
            denylist.deny(session: session, until: own.expiry)
            throw Problem.refreshRefused
        case .rotated(let own):
            return Grant(
                accessToken: try access(
                    own.claims,
                    session: session,
                    settings.accessSeconds,
                    now: now
                ),
                refreshToken: next,
                session: session,
                expiresIn: settings.accessSeconds
            )
        }
    }

    /// Takes a sign-in back; false when there is none.
    func revoke(session: String, now: Double) throws -> Bool {
        guard try ledger.revoke(session: session) else { return false }
        denylist.deny(session: session, until: now + Double(settings.refreshSeconds))
        return true
    }

    /// Takes back the sign-in of a refresh token.
    func revoke(refreshToken: String, now: Double) throws -> Bool {
        guard let (session, _) = Self.parse(refreshToken) else { return false }
        return try revoke(session: session, now: now)
    }

    /// Takes back one access token by its id.
    func revoke(token id: String, now: Double) throws {
        // A token that was issued a moment ago lives no longer than a day.
        let expiry = now + 86_400
        try ledger.revoke(token: id, until: expiry)
        denylist.deny(token: id, until: expiry)
    }

    // MARK: Forms

    private func access(
        _ own: [UInt8],
        session: String?,
        _ seconds: Int,
        now: Double
    ) throws -> String {
        let header = JSONWriter.text { writer in
            writer.member("alg", key.algorithm.rawValue)
            writer.member("typ", "at+jwt")
            if let id = key.id { writer.member("kid", id) }
        }
        let claims = try JSONScanner.parse(own, vectorKey: nil)
        let payload = JSONWriter.text { writer in
            writer.member("iss", settings.issuer)
            writer.member("aud", settings.audience)
            writer.member("iat", Int(now))
            writer.member("exp", Int(now) + seconds)
            writer.member("jti", Self.random(16))
            if let session { writer.member("session_id", session) }
            for member in claims.members ?? [] {
                writer.key(named: member.key)
                writer.value(member.node)
            }
        }
        let text = Base64URL.encode(header) + "." + Base64URL.encode(payload)
        return text + "." + Base64URL.encode(try key.sign(Array(text.utf8)))
    }

    private static func random(_ byteCount: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        return Base64URL.encode(
            (0..<byteCount).map { _ in UInt8.random(in: 0...255, using: &generator) }
        )
    }

    /// A new refresh token of a sign-in, and its digest.
    private static func refreshToken(_ session: String) -> (token: String, digest: [UInt8]) {
        let secret = random(32)
        return ("vsr_\(session).\(secret)", Array(SHA256.hash(data: Array(secret.utf8))))
    }

    private static func parse(_ token: String) -> (session: String, digest: [UInt8])? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].hasPrefix("vsr_"), token.utf8.count <= 256 else {
            return nil
        }
        let digest = Array(SHA256.hash(data: Array(parts[1].utf8)))
        return (String(parts[0].dropFirst("vsr_".count)), digest)
    }
}

extension Problem {
    /// A refresh token that does not work; which way it does not is nobody's business.
    static let refreshRefused = Problem(
        status: 401,
        code: "refresh_token_refused",
        detail: "the refresh token is unknown, expired, used or revoked; sign in again"
    )
}
