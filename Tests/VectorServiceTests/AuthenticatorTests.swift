import Testing

@testable import VectorService

@Suite struct `Authentication` {
    static let now = Tokens.now

    static func authenticator() async throws -> Authenticator {
        var keys = APIKeys()
        keys.keys = [
            .init(name: "secret", digest: APIKeys.digest("sb_secret_x"), role: .service),
            .init(name: "public", digest: APIKeys.digest("sb_publishable_x"), role: .anonymous),
        ]
        return Authenticator(
            verifier: TokenVerifier(rules: TokenRules(), keys: try await TestKeys.all()),
            keys: keys
        )
    }

    static func token(_ claims: String = Tokens.claims()) async throws -> String {
        try TestKeys.token(Tokens.header, claims, by: try await TestKeys.signer("hmac"))
    }

    /// The role that headers give, nil when they are refused.
    static func role(
        _ headers: [(String, String)],
        stranger: Principal = .anonymous
    ) async throws -> Principal.Role? {
        let authenticator = try await authenticator()
        return try? authenticator.principal(
            RequestHeaders(headers.map { (name: $0.0, value: $0.1) }),
            peer: nil,
            stranger: stranger,
            now: now
        ).role
    }

    @Test func `what Supabase's clients send is understood`() async throws {
        let user = "Bearer " + (try await Self.token())
        let service =
            "Bearer "
            + (try await Self.token(
                Tokens.claims().replacing(
                    "\"authenticated\"",
                    with: "\"service_role\""
                )
            ))
        #expect(
            try await Self.role([
                ("apikey", "sb_secret_x"), ("Authorization", "Bearer sb_secret_x"),
            ]) == .service
        )
        #expect(
            try await Self.role([
                ("apiKey", "sb_publishable_x"), ("Authorization", "Bearer sb_publishable_x"),
            ]) == .anonymous
        )
        #expect(
            try await Self.role([("apikey", "sb_publishable_x"), ("authorization", user)])
                == .authenticated
        )
        #expect(try await Self.role([("authorization", user)]) == .authenticated)
        #expect(
            try await Self.role([("authorization", "bearer" + user.dropFirst(6))]) == .authenticated
        )
        #expect(try await Self.role([("authorization", service)]) == .service)
        #expect(try await Self.role([("apikey", "sb_secret_x")]) == .service)
    }

    @Test func `nobody is a stranger`() async throws {
        #expect(try await Self.role([]) == .anonymous)
        #expect(try await Self.role([], stranger: .service) == .service)
    }

    @Test func `what is sent is judged even where nothing is needed`() async throws {
        let user = try await Self.token()
        for headers in [
            [("authorization", "Bearer ")], [("authorization", "Bearer")], [("authorization", "")],
            [("authorization", "Basic YTpi")], [("authorization", user)],
            [("authorization", "Bearer  \(user)")], [("authorization", "Bearer \(user) x")],
            [("authorization", "Bearer \(user)"), ("authorization", "Bearer \(user)")],
            [("apikey", "wrong")], [("apikey", "wrong"), ("authorization", "Bearer wrong")],
            [("apikey", "wrong"), ("authorization", "Bearer \(user)")],
            [("apikey", "sb_secret_x"), ("apikey", "sb_secret_x")],
            [("apikey", "sb_secret_x"), ("authorization", "Bearer sb_secret_y")],
        ] {
            #expect(try await Self.role(headers, stranger: .service) == nil, "\(headers)")
        }
    }

    @Test func `an unknown role may do nothing`() async throws {
        for role in ["\"postgres\"", "\"\"", "\"Service_Role\""] {
            let token = try await Self.token(
                Tokens.claims().replacing("\"authenticated\"", with: role)
            )
            #expect(try await Self.role([("authorization", "Bearer \(token)")]) == .anonymous)
        }
        let bare = "{\"exp\":\(Int(Self.now) + 60)}"
        let token = try await Self.token(bare)
        #expect(try await Self.role([("authorization", "Bearer \(token)")]) == .anonymous)
    }

    @Test func `a token that was taken back is refused at once`() async throws {
        let authenticator = try await Self.authenticator()
        let token = try await Self.token(Tokens.claims(#""jti":"t1","session_id":"s1""#))
        let headers = RequestHeaders([(name: "authorization", value: "Bearer \(token)")])
        func ask() throws -> Principal {
            try authenticator.principal(headers, peer: nil, stranger: .anonymous, now: Self.now)
        }
        #expect(try ask().role == .authenticated)
        authenticator.denylist.deny(session: "s1", until: Self.now + 900)
        #expect(throws: TokenRefusal.self) { try ask() }
    }

    @Test func `a peer that is wrong too often is not listened to, and known tokens still are`()
        async throws
    {
        let authenticator = try await Self.authenticator()
        let known = try await Self.token()
        let stranger = try await TokenKey(secret: TestKeys.secret.reversed(), id: "hmac")
        func ask(_ token: String, _ peer: String) -> TokenRefusal.Kind? {
            do throws(TokenRefusal) {
                _ = try authenticator.principal(
                    RequestHeaders([(name: "authorization", value: "Bearer \(token)")]),
                    peer: peer,
                    stranger: .anonymous,
                    now: Self.now
                )
                return nil
            } catch {
                return error.kind
            }
        }
        #expect(ask(known, "10.0.0.1") == nil)
        var verdicts: [TokenRefusal.Kind?] = []
        for number in 0..<30 {
            let claims = Tokens.claims("\"jti\":\"\(number)\"")
            let token = try TestKeys.token(Tokens.header, claims, by: stranger)
            verdicts.append(ask(token, "10.0.0.1"))
        }
        #expect(verdicts.prefix(20).allSatisfy { $0 == .token })
        #expect(verdicts.dropFirst(20).allSatisfy { $0 == .tooMany })
        #expect(ask(known, "10.0.0.1") == nil)
        let fresh = try await Self.token(Tokens.claims("\"jti\":\"fresh\""))
        #expect(ask(fresh, "10.0.0.2") == nil)
    }
}
