/// What the claims of a token must say.
package struct TokenRules: Sendable, Equatable {
    /// Who must have issued it; nil leaves that to the key.
    package var issuers: [String]?
    /// For whom it must be; nil takes any.
    package var audiences: [String]?
    /// The header `typ`, in lower case, when it is there.
    package var types: Set<String> = ["jwt", "at+jwt"]
    /// Clocks may differ by so many seconds.
    package var leewaySeconds = 30.0
    /// The longest time between `iat` and `exp`.
    package var maximumLifetimeSeconds = 86_400.0
    /// Roles of tokens by their names.
    package var roles: [String: Principal.Role] = [
        "anon": .anonymous, "authenticated": .authenticated, "service_role": .service,
    ]

    /// The defaults.
    package init() {}

    /// Refuses claims that do not hold at a time.
    ///
    /// - Parameters:
    ///   - claims: The payload, an object.
    ///   - now: Seconds since 1970.
    package func check(_ claims: JSONNode, now: Double) throws(TokenRefusal) {
        guard let expiry = try Self.time(claims, "exp") else {
            throw TokenRefusal(.claims, "The claim exp is missing")
        }
        guard now < expiry + leewaySeconds else { throw TokenRefusal(.claims, "JWT expired") }
        if let start = try Self.time(claims, "nbf"), now < start - leewaySeconds {
            throw TokenRefusal(.claims, "JWT not yet valid")
        }
        let issued = try Self.time(claims, "iat")
        if let issued {
            guard now >= issued - leewaySeconds else {
                throw TokenRefusal(.claims, "JWT issued at future")
            }
            guard expiry - issued <= maximumLifetimeSeconds else {
                throw TokenRefusal(.claims, "JWT valid for too long")
            }
        }
        // Without a time of issue, what is left of its life must not be too long either.
        guard issued != nil || expiry - now <= maximumLifetimeSeconds else {
            throw TokenRefusal(.claims, "JWT valid for too long")
        }
        if let issuers {
            guard let issuer = claims["iss"]?.text, issuers.contains(issuer) else {
                throw TokenRefusal(.claims, "JWT not by a known issuer")
            }
        }
        if let audiences {
            guard let node = claims["aud"] else {
                throw TokenRefusal(.claims, "JWT not in audience")
            }
            let named = (node.elements ?? [node]).map(\.text)
            guard !named.contains(nil), named.contains(where: { audiences.contains($0 ?? "") })
            else { throw TokenRefusal(.claims, "JWT not in audience") }
        }
        for name in ["jti", "sub", "role", "iss"] {
            if let node = claims[name], node.text == nil {
                throw TokenRefusal(.claims, "The claim \(name) is not a string")
            }
        }
    }

    /// A time as RFC 7519 has it, between 1970 and 9999; nil when the claim is not there.
    private static func time(_ claims: JSONNode, _ name: String) throws(TokenRefusal) -> Double? {
        guard let node = claims[name] else { return nil }
        guard let seconds = node.number, seconds >= 0, seconds < 253_402_300_800 else {
            throw TokenRefusal(.claims, "The claim \(name) is not a time")
        }
        return seconds
    }

    /// Who a genuine token's bearer is.
    func principal(_ claims: JSONNode) -> Principal {
        // A role that nobody made known grants nothing.
        let role = claims["role"]?.text.flatMap { roles[$0] } ?? .anonymous
        return Principal(role: role, claims: claims)
    }
}
