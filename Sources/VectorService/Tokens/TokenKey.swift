import Crypto
import JWTKit

/// The algorithms of signatures that are accepted; `none` is not among them.
package enum TokenAlgorithm: String, Sendable, CaseIterable {
    case hs256 = "HS256"
    case es256 = "ES256"
    case rs256 = "RS256"
}

/// A key, pinned to one algorithm and one id.
package struct TokenKey: Sendable {
    /// The id in the header `kid` of its tokens; nil for the one key that has none.
    package let id: String?
    /// The only algorithm that it is used with.
    package let algorithm: TokenAlgorithm
    private let implementation: any JWTAlgorithm

    /// The fewest bytes of a secret: a shorter one than the digest can be guessed (RFC 7518, 3.2).
    static let minimumSecretByteCount = 32

    /// A shared secret for HS256.
    ///
    /// - Throws: `ConfigurationProblem` when it is shorter than 32 bytes.
    package init(secret: [UInt8], id: String?) async throws(ConfigurationProblem) {
        guard secret.count >= Self.minimumSecretByteCount else {
            throw ConfigurationProblem(
                "tokens",
                "the secret has \(secret.count) bytes; HS256 needs at least "
                    + "\(Self.minimumSecretByteCount)"
            )
        }
        let keys = await JWTKeyCollection().add(
            hmac: HMACKey(from: secret),
            digestAlgorithm: .sha256
        )
        try await self.init(keys, id: id, .hs256)
    }

    /// A private key in PEM form, for signing with ES256 or RS256.
    package init(
        pem: String,
        algorithm: TokenAlgorithm,
        id: String?
    ) async throws(ConfigurationProblem) {
        let keys = JWTKeyCollection()
        do {
            switch algorithm {
            case .es256: await keys.add(ecdsa: try ES256PrivateKey(pem: pem))
            case .rs256:
                await keys.add(
                    rsa: try Insecure.RSA.PrivateKey(pem: pem),
                    digestAlgorithm: .sha256
                )
            case .hs256: throw ConfigurationProblem("tokens.signing", "HS256 has no PEM form")
            }
        } catch {
            // The library's words could repeat a part of the key.
            throw ConfigurationProblem("tokens.signing", "the key is no \(algorithm.rawValue) key")
        }
        try await self.init(keys, id: id, algorithm)
    }

    /// A public key of a key set (RFC 7517).
    ///
    /// - Throws: `ConfigurationProblem` for a key that names no algorithm of ours: without a name the
    ///   first token would choose it.
    package init(jwk node: JSONNode, place: String) async throws(ConfigurationProblem) {
        guard let id = node["kid"]?.text, !id.isEmpty, id.utf8.count <= 256 else {
            throw ConfigurationProblem(place, "a key needs a kid of 1 to 256 bytes")
        }
        guard let algorithm = node["alg"]?.text.flatMap(TokenAlgorithm.init) else {
            throw ConfigurationProblem(place, "a key needs an alg: ES256, RS256 or HS256")
        }
        if let use = node["use"]?.text, use != "sig" {
            throw ConfigurationProblem(place, "a key with the use \(use) signs nothing")
        }
        switch (algorithm, node["kty"]?.text) {
        case (.hs256, "oct"):
            guard let text = node["k"]?.text, let secret = Base64URL.decode(text.utf8) else {
                throw ConfigurationProblem(place, "k must be base64url")
            }
            try await self.init(secret: secret, id: id)
        case (.es256, "EC"):
            guard node["crv"]?.text == "P-256", let x = node["x"]?.text, let y = node["y"]?.text
            else { throw ConfigurationProblem(place, "an ES256 key has crv P-256, x and y") }
            let keys = JWTKeyCollection()
            do {
                await keys.add(ecdsa: try ES256PublicKey(parameters: (x, y)))
            } catch {
                throw ConfigurationProblem(place, "x and y are no point of P-256")
            }
            try await self.init(keys, id: id, algorithm)
        case (.rs256, "RSA"):
            guard let modulus = node["n"]?.text, let exponent = node["e"]?.text else {
                throw ConfigurationProblem(place, "an RSA key has n and e")
            }
            let keys = JWTKeyCollection()
            do {
                await keys.add(
                    rsa: try Insecure.RSA.PublicKey(modulus: modulus, exponent: exponent),
                    digestAlgorithm: .sha256
                )
            } catch {
                throw ConfigurationProblem(place, "n and e are no RSA key of 2048 bits or more")
            }
            try await self.init(keys, id: id, algorithm)
        default:
            throw ConfigurationProblem(
                place,
                "the alg \(algorithm.rawValue) does not go with this kty"
            )
        }
    }

    private init(
        _ keys: JWTKeyCollection,
        id: String?,
        _ algorithm: TokenAlgorithm
    ) async throws(ConfigurationProblem) {
        // Taken out of the collection once: it is an actor, and asked for an unknown id it would
        // answer with its first key.
        guard let implementation = try? await keys.getKey(),
            implementation.name == algorithm.rawValue
        else { throw ConfigurationProblem("tokens", "the key is not for \(algorithm.rawValue)") }
        self.id = id
        self.algorithm = algorithm
        self.implementation = implementation
    }

    /// Whether a signature is this key's over `text`.
    func verifies(_ signature: [UInt8], over text: [UInt8]) -> Bool {
        (try? implementation.verify(signature, signs: text)) ?? false
    }

    /// Signs a text.
    func sign(_ text: [UInt8]) throws -> [UInt8] {
        try implementation.sign(text)
    }
}

/// The keys that tokens may be signed with.
package struct KeySet: Sendable {
    /// The keys, no two of one id.
    package private(set) var keys: [TokenKey] = []

    /// No key.
    package init() {}

    /// Adds a key.
    ///
    /// - Throws: `ConfigurationProblem` when another key has its id: which one is meant would be a
    ///   matter of luck, and of the algorithm a token claims.
    package mutating func add(_ key: TokenKey, place: String) throws(ConfigurationProblem) {
        guard !keys.contains(where: { $0.id == key.id }) else {
            throw ConfigurationProblem(
                place,
                key.id.map { "two keys have the kid \($0)" } ?? "two keys have no kid"
            )
        }
        keys.append(key)
    }

    /// Reads a key set, `{"keys": […]}`; keys for other purposes are left out.
    package static func keys(
        of bytes: [UInt8],
        place: String
    ) async throws(ConfigurationProblem) -> [TokenKey] {
        guard let node = try? JSONScanner.parse(bytes, vectorKey: nil),
            let nodes = node["keys"]?.elements
        else { throw ConfigurationProblem(place, "is no key set: {\"keys\": […]}") }
        var keys: [TokenKey] = []
        for (index, node) in nodes.enumerated() {
            if let use = node["use"]?.text, use != "sig" { continue }
            keys.append(try await TokenKey(jwk: node, place: "\(place).keys[\(index)]"))
        }
        guard !keys.isEmpty else { throw ConfigurationProblem(place, "has no key for signatures") }
        return keys
    }

    /// The key of a token's header.
    func key(id: String?) throws(TokenRefusal) -> TokenKey {
        if let id {
            guard let key = keys.first(where: { $0.id == id }) else {
                throw .malformed("No suitable key or wrong key type")
            }
            return key
        }
        guard keys.count == 1 else {
            throw .malformed("The token names no key and there are several")
        }
        return keys[0]
    }
}
