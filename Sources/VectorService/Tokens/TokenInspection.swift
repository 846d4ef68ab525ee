import Logging

/// What a token says and whether it would be taken, for the operator.
package struct TokenInspection: Sendable {
    /// Header, claims and verdict, JSON.
    package let encoded: [UInt8]
    /// Whether it would be refused.
    package let isRefused: Bool

    /// Looks into a token.
    ///
    /// - Parameter settings: The keys and rules that it is judged by; nil shows it unjudged.
    package init(_ token: String, settings: TokenSettings?, now: Double) async throws {
        let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        func object(_ index: Int) -> JSONNode? {
            guard parts.count == 3, let bytes = Base64URL.decode(parts[index]) else { return nil }
            return try? JSONScanner.parse(bytes, vectorKey: nil)
        }
        var verdict = "not judged: give the configuration with --config"
        var isRefused = false
        if let settings {
            var own: TokenKey?
            if let signing = settings.signing { own = try await TokenIssuer.key(signing) }
            let logger = Logger(label: "token", factory: { _ in SwiftLogNoOpLogHandler() })
            let verifier = try await KeyRefresher.load(settings, own: own, logger: logger).verifier
            do throws(TokenRefusal) {
                _ = try verifier.claims(of: token, now: now)
                verdict = "accepted"
            } catch {
                verdict = "refused: \(error.description)"
                isRefused = true
            }
        }
        self.isRefused = isRefused
        encoded = JSONWriter.text { writer in
            for (name, index) in [("header", 0), ("claims", 1)] {
                writer.key(named: name)
                if let node = object(index) { writer.value(node) } else { writer.null() }
            }
            if let expiry = object(1)?["exp"]?.number {
                writer.member("expires_in", (expiry - now).rounded())
            }
            writer.member("verdict", verdict)
        }
    }
}
