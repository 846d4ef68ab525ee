/// The section `tokens` of the configuration.
package struct TokenSettings: Sendable, Equatable {
    /// A file with the project's secret, for HS256.
    package var secretFile: String?
    /// The `kid` of tokens signed with the secret; nil when they have none.
    package var secretID: String?
    /// A file with a key set.
    package var keySetFile: String?
    /// An address of a key set.
    package var keySetURL: String?
    /// Seconds between two looks at the address.
    package var keySetSeconds = 300
    /// What claims must say.
    package var rules = TokenRules()
    /// The opaque keys, without those in files.
    package var keys = APIKeys()
    /// Names, roles and files of opaque keys.
    package var keyFiles: [KeyFile] = []
    /// How own tokens are made; nil when none are.
    package var signing: SigningSettings?
    /// Wrong signatures of one TCP peer: at once, and a second.
    package var failureBurst = 20
    package var failuresPerSecond = 1.0

    /// An opaque key in a file.
    package struct KeyFile: Sendable, Equatable {
        package var name: String
        package var role: Principal.Role
        package var path: String
    }

    /// The defaults.
    package init() {}

    /// Reads the section.
    package init(_ node: JSONNode) throws(ConfigurationProblem) {
        var settings = TokenSettings()
        try ConfigurationProblem.reading("tokens") { () throws(Problem) in
            try settings.read(node)
        }
        self = settings
    }

    private mutating func read(_ node: JSONNode) throws(Problem) {
        var fields = try FieldReader(node, path: "tokens")
        secretFile = try fields.text("secret_file")
        secretID = try fields.text("secret_kid")
        keySetFile = try fields.text("jwks_file")
        keySetURL = try fields.text("jwks_url")
        keySetSeconds = max(10, try fields.integer("jwks_seconds") ?? keySetSeconds)
        rules.issuers = try Self.list(&fields, "issuer")
        rules.audiences = try Self.list(&fields, "audience")
        if let types = try fields.texts("types") {
            rules.types = Set(types.map { $0.lowercased() })
        }
        if let leeway = try fields.number("leeway_seconds") {
            guard (0...300).contains(leeway) else {
                throw .invalidRequest(
                    "leeway_seconds must be 0 to 300",
                    field: "tokens.leeway_seconds"
                )
            }
            rules.leewaySeconds = leeway
        }
        if let lifetime = try fields.number("max_lifetime_seconds") {
            rules.maximumLifetimeSeconds = lifetime
        }
        for member in fields.optional("roles")?.members ?? [] {
            rules.roles[member.key] = try Self.role(member.node, "tokens.roles.\(member.key)")
        }
        for (index, node) in (try fields.array("api_keys") ?? []).enumerated() {
            try readKey(node, place: "tokens.api_keys[\(index)]")
        }
        failureBurst = try fields.integer("failure_burst") ?? failureBurst
        failuresPerSecond = try fields.number("failures_per_second") ?? failuresPerSecond
        if let node = fields.optional("signing") { signing = try SigningSettings(node) }
        try fields.finish()
        let hasKey = secretFile != nil || keySetFile != nil || keySetURL != nil || signing != nil
        guard hasKey || !keys.keys.isEmpty || !keyFiles.isEmpty else {
            throw .invalidRequest(
                "give secret_file, jwks_file, jwks_url, signing or api_keys",
                field: "tokens"
            )
        }
        if let url = keySetURL, !url.hasPrefix("https://"), !url.hasPrefix("http://127.0.0.1:"),
            !url.hasPrefix("http://[::1]:")
        {
            throw .invalidRequest("keys are fetched over https only", field: "tokens.jwks_url")
        }
    }

    private mutating func readKey(_ node: JSONNode, place: String) throws(Problem) {
        var fields = try FieldReader(node, path: place)
        let name = try fields.text("name") ?? place
        let role = try Self.role(try fields.required("role"), "\(place).role")
        let path = try fields.text("file")
        let digest = try fields.text("sha256")
        try fields.finish()
        switch (path, digest) {
        case (let path?, nil): keyFiles.append(KeyFile(name: name, role: role, path: path))
        case (nil, let text?):
            guard let bytes = Self.hexadecimal(text), bytes.count == 32 else {
                throw .invalidRequest("sha256 must be 64 hexadecimal digits", field: place)
            }
            keys.keys.append(APIKeys.Key(name: name, digest: bytes, role: role))
        default:
            throw .invalidRequest("give either file or sha256", field: place)
        }
    }

    private static func list(
        _ fields: inout FieldReader,
        _ key: String
    ) throws(Problem) -> [String]? {
        guard let node = fields.raw(key), node.value != .null else { return nil }
        let texts = (node.elements ?? [node]).compactMap(\.text)
        guard !texts.isEmpty, texts.count == (node.elements?.count ?? 1) else {
            throw .invalidRequest("must be a string or a list of strings", field: fields.name(key))
        }
        return texts
    }

    private static func role(_ node: JSONNode, _ place: String) throws(Problem) -> Principal.Role {
        switch node.text {
        case "anon", "anonymous": return .anonymous
        case "authenticated": return .authenticated
        case "service", "service_role": return .service
        default:
            throw .invalidRequest(
                "a role is anonymous, authenticated or service",
                field: place
            )
        }
    }

    private static func hexadecimal(_ text: String) -> [UInt8]? {
        let digits = text.compactMap(\.hexDigitValue)
        guard digits.count == text.count, digits.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8(digits[$0] << 4 | digits[$0 + 1])
        }
    }
}

/// How own tokens are made: the part `signing` of the section `tokens`.
package struct SigningSettings: Sendable, Equatable {
    /// The file with the key: 32 random bytes or more for HS256, PEM for the others.
    package var keyFile: String
    /// The algorithm.
    package var algorithm = TokenAlgorithm.hs256
    /// The id of the key in the header of tokens.
    package var keyID = "vector-server-1"
    /// The claim `iss`.
    package var issuer = "vector-server"
    /// The claim `aud`.
    package var audience = "authenticated"
    /// How long an access token lives, 15 minutes.
    package var accessSeconds = 900
    /// How long a refresh token lives, 7 days.
    package var refreshSeconds = 604_800
    /// The file that remembers sign-ins; nil is `tokens.log` beside the store's directory.
    package var stateFile: String?

    init(_ node: JSONNode) throws(Problem) {
        var fields = try FieldReader(node, path: "tokens.signing")
        guard let keyFile = try fields.text("key_file") else {
            throw .invalidRequest("key_file is missing", field: "tokens.signing")
        }
        self.keyFile = keyFile
        if let name = try fields.text("algorithm") {
            guard let known = TokenAlgorithm(rawValue: name) else {
                throw .invalidRequest(
                    "algorithm is HS256, ES256 or RS256",
                    field: "tokens.signing.algorithm"
                )
            }
            algorithm = known
        }
        keyID = try fields.text("kid") ?? keyID
        issuer = try fields.text("issuer") ?? issuer
        audience = try fields.text("audience") ?? audience
        accessSeconds = try Self.seconds(&fields, "access_seconds", 1...86_400) ?? accessSeconds
        refreshSeconds =
            try Self.seconds(&fields, "refresh_seconds", 60...31_536_000) ?? refreshSeconds
        stateFile = try fields.text("state_file")
        try fields.finish()
    }

    private static func seconds(
        _ fields: inout FieldReader,
        _ key: String,
        _ range: ClosedRange<Int>
    ) throws(Problem) -> Int? {
        guard let seconds = try fields.integer(key) else { return nil }
        guard range.contains(seconds) else {
            throw .invalidRequest(
                "\(key) must be \(range.lowerBound) to \(range.upperBound)",
                field: fields.name(key)
            )
        }
        return seconds
    }
}
