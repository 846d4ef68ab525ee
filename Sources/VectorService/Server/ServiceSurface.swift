// What a server offers beside its store, and to whom: the sections `rest`, `functions`, `policies`,
// `tokens`, `access` and `upstream` of the configuration.

package import Logging

/// The sections as they were read, before a file they name was opened.
package struct SurfaceSettings: Sendable, Equatable {
    /// What `/rest/v1` offers.
    package var rest = RestSettings()
    /// Who sees which rows.
    package var policies = PolicySet()
    /// How tokens are judged; nil when there are none.
    package var tokens: TokenSettings?
    /// Who may connect.
    package var access = AccessSettings()
    /// Where everything else goes.
    package var upstream: UpstreamProxy.Settings?

    /// The native interface, for whoever can connect.
    package init() {}

    /// The names of the sections.
    package static let sections = [
        "rest", "functions", "policies", "tokens", "access", "upstream",
    ]

    /// Reads the sections of a configuration; others are left alone.
    package init(_ configuration: JSONNode) throws(ConfigurationProblem) {
        func section(_ name: String) -> JSONNode? {
            configuration[name].flatMap { $0.value == .null ? nil : $0 }
        }
        if let node = section("rest") { rest = try RestSettings(node) }
        if let node = section("functions") { rest.functions = try FunctionRegistry(node) }
        if let node = section("policies") { policies = try PolicySet(node) }
        if let node = section("tokens") { tokens = try TokenSettings(node) }
        if let node = section("access") { access = try AccessSettings(node) }
        if let node = section("upstream") { upstream = try UpstreamProxy.Settings(node) }
    }
}

/// The sections at work.
package struct ServiceSurface: Sendable {
    var rest = RestSettings()
    var policies = PolicySet()
    var access = AccessSettings()
    var authenticator: Authenticator?
    var issuer: TokenIssuer?
    var refresher: KeyRefresher?
    var upstream: UpstreamProxy?

    /// The native interface, for whoever can connect.
    package init() {}

    /// Takes the sections that name no secret and no file.
    package init(sections settings: SurfaceSettings) throws(ConfigurationProblem) {
        rest = settings.rest
        policies = settings.policies
        access = settings.access
        upstream = settings.upstream.map(UpstreamProxy.init)
    }

    /// Opens what the settings name.
    ///
    /// - Parameter stateFile: Where sign-ins are remembered when the settings do not say.
    package init(
        _ settings: SurfaceSettings,
        stateFile: String,
        logger: Logger
    ) async throws(ConfigurationProblem) {
        rest = settings.rest
        policies = settings.policies
        access = settings.access
        upstream = settings.upstream.map(UpstreamProxy.init)
        guard let tokens = settings.tokens else { return }
        var own: TokenKey?
        if let signing = tokens.signing { own = try await TokenIssuer.key(signing) }
        let (refresher, verifier) = try await KeyRefresher.load(tokens, own: own, logger: logger)
        self.refresher = refresher
        var keys = tokens.keys
        for file in tokens.keyFiles {
            let text = try SecretFile.readText(file.path, place: "tokens.api_keys")
            keys.keys.append(
                APIKeys.Key(
                    name: file.name,
                    digest: APIKeys.digest(String(decoding: text, as: UTF8.self)),
                    role: file.role
                )
            )
        }
        let denylist = Denylist()
        if let signing = tokens.signing, let own {
            let ledger = try TokenLedger(
                signing.stateFile ?? stateFile,
                now: WallClock.seconds
            )
            issuer = TokenIssuer(signing, key: own, ledger: ledger, denylist: denylist)
        }
        authenticator = Authenticator(
            verifier: verifier,
            keys: keys,
            denylist: denylist,
            limiter: FailureLimiter(
                burst: tokens.failureBurst,
                perSecond: tokens.failuresPerSecond
            )
        )
    }

    /// Whether requests over TCP can be told apart.
    package var hasTokens: Bool { authenticator != nil }
}
