import Testing

@testable import VectorService

/// What RFC 8725 and the practice of attacks on tokens ask of a verifier.
@Suite struct `Tokens` {
    static let now = 1_800_000_000.0
    static let header = #"{"alg":"HS256","typ":"JWT","kid":"hmac"}"#

    static func claims(_ more: String = "") -> String {
        "{\"sub\":\"u\",\"role\":\"authenticated\",\"iat\":\(Int(now)),\"exp\":\(Int(now) + 600)"
            + (more.isEmpty ? "}" : ",\(more)}")
    }

    static func verifier(_ rules: TokenRules = TokenRules()) async throws -> TokenVerifier {
        TokenVerifier(rules: rules, keys: try await TestKeys.all())
    }

    /// The kind of refusal, nil when the token is taken.
    static func verdict(
        _ token: String,
        rules: TokenRules = TokenRules(),
        at moment: Double = now
    ) async throws -> TokenRefusal.Kind? {
        let verifier = try await verifier(rules)
        do throws(TokenRefusal) {
            _ = try verifier.claims(of: token, now: moment)
            return nil
        } catch {
            return error.kind
        }
    }

    static func verdict(
        header: String = header,
        claims: String,
        key: String = "hmac",
        rules: TokenRules = TokenRules(),
        at moment: Double = now
    ) async throws -> TokenRefusal.Kind? {
        let token = try TestKeys.token(header, claims, by: try await TestKeys.signer(key))
        return try await verdict(token, rules: rules, at: moment)
    }

    @Test(arguments: [("HS256", "hmac"), ("ES256", "ec"), ("RS256", "rsa")])
    func `a genuine token of each algorithm is taken`(algorithm: String, key: String) async throws {
        let header = "{\"alg\":\"\(algorithm)\",\"kid\":\"\(key)\"}"
        let verdict = try await Self.verdict(header: header, claims: Self.claims(), key: key)
        #expect(verdict == nil)
    }

    @Test(arguments: [
        #"{"alg":"none"}"#, #"{"alg":"None"}"#, #"{"alg":"nOnE","kid":"hmac"}"#, #"{"kid":"hmac"}"#,
        #"{"alg":"HS512","kid":"hmac"}"#, #"{"alg":"ES256","kid":"hmac"}"#,
        #"{"alg":"HS256","kid":"ec"}"#, #"{"alg":"HS256","kid":"rsa"}"#,
        #"{"alg":"RS256","kid":"ec"}"#, #"{"alg":"HS256","kid":"unknown"}"#, #"{"alg":"HS256"}"#,
        #"{"alg":"HS256","kid":"../../dev/null"}"#, #"{"alg":"HS256","kid":"a\u0000b"}"#,
        #"{"alg":"HS256","kid":"' OR 1=1 --"}"#, #"{"alg":"HS256","kid":7}"#,
        #"{"alg":"HS256","kid":["hmac"]}"#, #"{"alg":"HS256","kid":""}"#,
        #"{"alg":["HS256"],"kid":"hmac"}"#,
        #"{"alg":"HS256","kid":"hmac","crit":["exp"]}"#, #"{"alg":"HS256","kid":"hmac","crit":[]}"#,
        #"{"alg":"HS256","kid":"hmac","b64":false}"#, #"{"alg":"HS256","kid":"hmac","zip":"DEF"}"#,
        #"{"alg":"HS256","kid":"hmac","cty":"JWT"}"#,
        #"{"alg":"HS256","kid":"hmac","typ":"dpop+jwt"}"#,
        #"{"alg":"HS256","kid":"hmac","typ":5}"#, #"{"alg":"HS256","alg":"HS256","kid":"hmac"}"#,
        #"{"alg":"HS256","kid":"hmac","kid":"hmac"}"#, #"["HS256"]"#, #"{"alg":"HS256""#,
        "\u{FEFF}{\"alg\":\"HS256\",\"kid\":\"hmac\"}",
    ])
    func `a header that is not plain is refused`(header: String) async throws {
        #expect(try await Self.verdict(header: header, claims: Self.claims()) == .token)
    }

    @Test(arguments: ["jku", "x5u", "x5c", "jwk"])
    func `keys that a header brings along are not looked at`(field: String) async throws {
        let header =
            "{\"alg\":\"HS256\",\"kid\":\"hmac\",\"\(field)\":\"https://attacker.example/keys\"}"
        #expect(try await Self.verdict(header: header, claims: Self.claims()) == nil)
    }

    @Test func `a public key is no secret`() async throws {
        // The classic confusion: HMAC keyed with the text of a public key.
        let forged = try await TokenKey(secret: Array(TestKeys.n.utf8), id: "rsa")
        for header in [#"{"alg":"HS256","kid":"rsa"}"#, #"{"alg":"RS256","kid":"rsa"}"#] {
            let token = try TestKeys.token(header, Self.claims(), by: forged)
            #expect(try await Self.verdict(token) == .token)
        }
    }

    @Test(arguments: ["hmac", "ec", "rsa"])
    func `each flipped bit is noticed`(key: String) async throws {
        let algorithm = ["hmac": "HS256", "ec": "ES256", "rsa": "RS256"][key] ?? ""
        let signer = try await TestKeys.signer(key)
        let header = "{\"alg\":\"\(algorithm)\",\"kid\":\"\(key)\"}"
        let token = Array(try TestKeys.token(header, Self.claims(), by: signer).utf8)
        let verifier = try await Self.verifier()
        var taken: [Int] = []
        for place in token.indices {
            for bit in 0..<8 {
                var changed = token
                changed[place] ^= 1 << UInt8(bit)
                guard let text = String(validating: changed, as: UTF8.self) else { continue }
                if (try? verifier.claims(of: text, now: Self.now)) != nil { taken.append(place) }
            }
        }
        #expect(taken.isEmpty)
        let text = String(decoding: token, as: UTF8.self)
        #expect(throws: Never.self) { try verifier.claims(of: text, now: Self.now) }
    }

    @Test func `a token has one spelling`() async throws {
        let token = try TestKeys.token(
            Self.header,
            Self.claims(),
            by: try await TestKeys.signer("hmac")
        )
        let parts = token.split(separator: ".").map(String.init)
        for text in [
            token + "=", token + ".", token + " ", " " + token, token + "\n", "." + token,
            parts[0] + "." + parts[1], parts[0] + "." + parts[1] + ".", parts[0] + "..",
            parts[0] + "=." + parts[1] + "." + parts[2], parts.joined(separator: ".") + ".a.b",
            token.replacing("_", with: "/").replacing("-", with: "+") + "A", "", "a", "..", "a.b.c",
            String(repeating: "a", count: 20_000),
        ] where text != token {
            #expect(try await Self.verdict(text) == .token, "\(text)")
        }
    }

    @Test(arguments: [
        ("\"exp\":\(Int(now) - 29)", nil as TokenRefusal.Kind?),
        ("\"exp\":\(Int(now) - 31)", .claims),
        ("\"exp\":\(Int(now))", nil), ("\"exp\":\"\(Int(now) + 60)\"", .claims),
        ("\"exp\":1e300", .claims), ("\"exp\":-1", .claims), ("\"exp\":null", .claims),
        ("\"sub\":\"u\"", .claims), ("\"exp\":\(Int(now) + 60),\"nbf\":\(Int(now) + 29)", nil),
        ("\"exp\":\(Int(now) + 60),\"nbf\":\(Int(now) + 31)", .claims),
        ("\"exp\":\(Int(now) + 60),\"nbf\":\"x\"", .claims),
        ("\"exp\":\(Int(now) + 60),\"iat\":\(Int(now) + 31)", .claims),
        ("\"exp\":\(Int(now) + 86_000),\"iat\":\(Int(now) - 86_000)", .claims),
        ("\"exp\":\(Int(now) + 90_000)", .claims), ("\"exp\":\(Int(now) + 60),\"jti\":5", .claims),
        ("\"exp\":\(Int(now) + 60),\"sub\":{}", .claims),
        ("\"exp\":\(Int(now) + 60),\"role\":[\"service_role\"]", .claims),
    ])
    func `times and names of claims are judged`(
        claims: String,
        verdict: TokenRefusal.Kind?
    ) async throws {
        #expect(try await Self.verdict(claims: "{\(claims)}") == verdict, "\(claims)")
    }

    @Test(arguments: [
        #"{"sub":"a","sub":"b","exp":1800000060}"#, #"[1]"#, #"{"exp":1800000060"#, "", "null",
        #"{"exp":1800000060}{}"#,
    ])
    func `a payload that is no plain object is refused`(payload: String) async throws {
        #expect(try await Self.verdict(claims: payload) == .token, "\(payload)")
    }

    @Test func `issuer and audience are compared when they are configured`() async throws {
        var rules = TokenRules()
        rules.issuers = ["https://issuer"]
        rules.audiences = ["chat", "search"]
        for (more, verdict) in [
            (#""iss":"https://issuer","aud":"chat""#, nil as TokenRefusal.Kind?),
            (#""iss":"https://issuer","aud":["other","search"]"#, nil),
            (#""iss":"https://issuer","aud":"other""#, .claims),
            (#""iss":"https://issuer""#, .claims),
            (#""iss":"https://issuer","aud":[]"#, .claims),
            (#""iss":"https://issuer","aud":7"#, .claims),
            (#""iss":"https://issuer/","aud":"chat""#, .claims), (#""aud":"chat""#, .claims),
        ] {
            let found = try await Self.verdict(claims: Self.claims(more), rules: rules)
            #expect(found == verdict, "\(more)")
        }
    }

    @Test func `claims are judged each time and signatures once`() async throws {
        let verifier = try await Self.verifier()
        let token = try TestKeys.token(
            Self.header,
            Self.claims(),
            by: try await TestKeys.signer("hmac")
        )
        var signatures = 0
        func ask(_ moment: Double) throws(TokenRefusal) {
            _ = try verifier.claims(of: token, now: moment) { (outcome) throws(TokenRefusal) in
                if outcome != nil { signatures += 1 }
            }
        }
        try ask(Self.now)
        try ask(Self.now + 1)
        #expect(signatures == 1)
        #expect(throws: TokenRefusal.self) { try ask(Self.now + 700) }
        // Other keys forget what the old ones vouched for.
        verifier.replaceKeys(KeySet())
        #expect(throws: TokenRefusal.self) { try ask(Self.now) }
    }

    @Test func `keys that leave something open are not loaded`() async {
        func refuses(_ json: String) async -> Bool {
            (try? await KeySet.keys(of: Array(json.utf8), place: "test")) == nil
        }
        let ec = #""kty":"EC","crv":"P-256","x":"\#(TestKeys.x)","y":"\#(TestKeys.y)""#
        for key in [
            "{\(ec),\"kid\":\"a\"}", "{\(ec),\"alg\":\"ES256\"}",
            "{\(ec),\"alg\":\"none\",\"kid\":\"a\"}",
            "{\(ec),\"alg\":\"RS256\",\"kid\":\"a\"}", "{\(ec),\"alg\":\"HS256\",\"kid\":\"a\"}",
            #"{"kty":"oct","k":"c2hvcnQ","alg":"HS256","kid":"a"}"#,
            #"{"kty":"RSA","n":"\#(TestKeys.shortN)","e":"AQAB","alg":"RS256","kid":"a"}"#,
            #"{"kty":"EC","crv":"P-256","x":"AA","y":"AA","alg":"ES256","kid":"a"}"#,
        ] {
            #expect(await refuses("{\"keys\":[\(key)]}"), "\(key)")
        }
        for text in ["{}", "[]", "x", #"{"keys":[]}"#] { #expect(await refuses(text), "\(text)") }
        #expect(await !refuses("{\"keys\":[{\(ec),\"alg\":\"ES256\",\"kid\":\"a\"}]}"))
        await #expect(throws: ConfigurationProblem.self) {
            try await TokenKey(secret: Array("31 bytes are one too few for it".utf8), id: nil)
        }
        await #expect(throws: ConfigurationProblem.self) {
            var set = KeySet()
            try set.add(try await TokenKey(secret: TestKeys.secret, id: "a"), place: "test")
            try set.add(try await TestKeys.signer("ec").renamed("a"), place: "test")
        }
    }

    @Test func `a cache keeps what is asked for again`() {
        var cache = SieveCache<Int, Int>(capacity: 3)
        for key in 1...3 { cache.insert(key, key) }
        #expect(cache.value(1) == 1)
        cache.insert(4, 4)
        #expect(cache.value(1) == 1)
        #expect(cache.value(2) == nil)
        for key in 5...1_000 {
            cache.insert(key, key)
            _ = cache.value(1)
        }
        #expect(cache.count == 3)
        #expect(cache.value(1) == 1)
    }
}

extension TokenKey {
    /// The same key under another id.
    fileprivate func renamed(_ id: String) async throws -> TokenKey {
        try await TokenKey(pem: TestKeys.ecPrivate, algorithm: .es256, id: id)
    }
}
