import Synchronization

/// Tokens and sign-ins that were taken back before they expired.
package final class Denylist: Sendable {
    private struct State {
        /// Until when each is remembered, in seconds since 1970.
        var tokens: [String: Double] = [:]
        var sessions: [String: Double] = [:]
        var nextSweep = 0.0
    }

    private let state = Mutex(State())

    /// Nothing was taken back.
    package init() {}

    /// Takes back the token of an id, until it expires.
    package func deny(token id: String, until expiry: Double) {
        state.withLock { $0.tokens[id] = max(expiry, $0.tokens[id] ?? 0) }
    }

    /// Takes back the tokens of a sign-in, until the last of them expires.
    package func deny(session id: String, until expiry: Double) {
        state.withLock { $0.sessions[id] = max(expiry, $0.sessions[id] ?? 0) }
    }

    /// Refuses claims of a token that was taken back.
    func check(_ claims: JSONNode, now: Double) throws(TokenRefusal) {
        let isDenied = state.withLock { state in
            if now >= state.nextSweep {
                // Beyond the leeway of clocks an expired token is refused anyway.
                state.tokens = state.tokens.filter { $0.value + 120 > now }
                state.sessions = state.sessions.filter { $0.value + 120 > now }
                state.nextSweep = now + 60
            }
            let token = claims["jti"]?.text.map { state.tokens[$0] != nil } ?? false
            let session = claims["session_id"]?.text.map { state.sessions[$0] != nil } ?? false
            return token || session
        }
        guard !isDenied else { throw TokenRefusal(.claims, "JWT was revoked") }
    }
}
