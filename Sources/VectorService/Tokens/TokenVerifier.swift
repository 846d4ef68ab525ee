// Who bears a token, without a database.
//
// - A token is taken apart strictly before a library sees it: the library would take another key for
//   an unknown kid, ignore `crit`, and not compare the header's algorithm with the key's.
// - A signature is verified once and remembered by the token's SHA-256; claims are judged each time.
// - New keys forget what old ones vouched for.

import Crypto
import Synchronization

/// Verifies tokens.
package final class TokenVerifier: Sendable {
    private struct State: Sendable {
        var keys: KeySet
        var cache: SieveCache<[UInt8], JSONNode>
        var generation = 0
    }

    /// What the claims must say.
    package let rules: TokenRules
    private let state: Mutex<State>

    /// Makes a verifier.
    package init(rules: TokenRules, keys: KeySet = KeySet(), cacheCapacity: Int = 10_000) {
        self.rules = rules
        state = Mutex(State(keys: keys, cache: SieveCache(capacity: cacheCapacity)))
    }

    /// Takes other keys, at once.
    package func replaceKeys(_ keys: KeySet) {
        state.withLock { state in
            state.keys = keys
            state.cache.removeAll()
            state.generation += 1
        }
    }

    /// How many keys there are.
    package var keyCount: Int { state.withLock { $0.keys.keys.count } }

    /// The claims of a genuine token that holds at a time.
    ///
    /// - Parameters:
    ///   - token: The token, as it was sent.
    ///   - now: Seconds since 1970.
    ///   - permit: Asked before a signature is looked at that no earlier call looked at; throws when
    ///     there have been too many wrong ones. Told afterwards whether the signature was right.
    package func claims(
        of token: String,
        now: Double,
        permit: (_ isGenuine: Bool?) throws(TokenRefusal) -> Void = { _ throws(TokenRefusal) in }
    ) throws(TokenRefusal) -> JSONNode {
        let digest = Array(SHA256.hash(data: Array(token.utf8)))
        let (known, keys, generation) = state.withLock { state in
            (state.cache.value(digest), state.keys, state.generation)
        }
        if let known {
            try rules.check(known, now: now)
            return known
        }
        let parsed = try ParsedToken(token, types: rules.types)
        let key = try keys.key(id: parsed.keyID)
        guard key.algorithm == parsed.algorithm else {
            throw .malformed("No suitable key or wrong key type")
        }
        try permit(nil)
        let isGenuine = key.verifies(parsed.signature, over: parsed.signedText)
        try permit(isGenuine)
        guard isGenuine else { throw .malformed("JWT cryptographic operation failed") }
        try rules.check(parsed.claims, now: now)
        state.withLock { state in
            guard state.generation == generation else { return }
            state.cache.insert(digest, parsed.claims)
        }
        return parsed.claims
    }
}
