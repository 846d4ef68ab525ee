import Foundation
import Testing

@testable import VectorService

@Suite struct `Issuer of tokens` {
    let path = NSTemporaryDirectory() + "vs-tokens-" + UUID().uuidString
    static let now = Tokens.now

    func issuer(_ denylist: Denylist = Denylist()) async throws -> TokenIssuer {
        let settings = try SigningSettings(
            try JSONScanner.parse(Array(#"{"key_file":"unused"}"#.utf8), vectorKey: nil)
        )
        return TokenIssuer(
            settings,
            key: try await TestKeys.signer("hmac"),
            ledger: try TokenLedger(path, now: Self.now),
            denylist: denylist
        )
    }

    func begin(_ issuer: TokenIssuer) throws -> TokenIssuer.Grant {
        try issuer.issue(
            subject: "u1",
            role: "authenticated",
            claims: try JSONScanner.parse(Array(#"{"app_metadata":{"creator_id":"ada"}}"#.utf8)),
            accessSeconds: nil,
            refreshes: true,
            now: Self.now
        )
    }

    func claims(_ token: String, at moment: Double = now) async throws -> JSONNode {
        let verifier = TokenVerifier(rules: TokenRules(), keys: try await TestKeys.all())
        return try verifier.claims(of: token, now: moment)
    }

    @Test func `an access token says what was asked and lives 15 minutes`() async throws {
        let issuer = try await issuer()
        let grant = try begin(issuer)
        let claims = try await claims(grant.accessToken)
        #expect(claims["sub"]?.text == "u1")
        #expect(claims["app_metadata"]?["creator_id"]?.text == "ada")
        #expect(claims["exp"]?.number == Self.now + 900)
        #expect(claims["session_id"]?.text == grant.session)
        await #expect(throws: TokenRefusal.self) {
            try await self.claims(grant.accessToken, at: Self.now + 931)
        }
        issuer.ledger.close()
    }

    @Test func `a refresh token works once, and a second time takes everything back`() async throws
    {
        let denylist = Denylist()
        let issuer = try await issuer(denylist)
        let first = try begin(issuer)
        let old = try #require(first.refreshToken)
        let second = try issuer.refresh(old, now: Self.now + 10)
        let next = try #require(second.refreshToken)
        #expect(next != old)
        #expect(try await claims(second.accessToken)["app_metadata"]?["creator_id"]?.text == "ada")
        #expect(throws: Problem.refreshRefused) { try issuer.refresh(old, now: Self.now + 20) }
        // The thief's copy and the user's token are both dead, and so are the access tokens.
        #expect(throws: Problem.refreshRefused) { try issuer.refresh(next, now: Self.now + 30) }
        let claims = try await claims(second.accessToken)
        #expect(throws: TokenRefusal.self) { try denylist.check(claims, now: Self.now + 30) }
        issuer.ledger.close()
    }

    @Test(arguments: ["", "vsr_", "vsr_a.b", "x", "vsr_\(String(repeating: "a", count: 300)).b"])
    func `a refresh token that nobody issued is refused`(token: String) async throws {
        let issuer = try await issuer()
        #expect(throws: Problem.refreshRefused) { try issuer.refresh(token, now: Self.now) }
        issuer.ledger.close()
    }

    @Test func `a refresh token dies after seven days`() async throws {
        let issuer = try await issuer()
        let token = try #require(try begin(issuer).refreshToken)
        #expect(throws: Problem.refreshRefused) {
            try issuer.refresh(token, now: Self.now + 604_801)
        }
        issuer.ledger.close()
    }

    @Test func `sign-ins survive a restart, and so does what was taken back`() async throws {
        var issuer = try await issuer()
        let kept = try begin(issuer)
        let revoked = try begin(issuer)
        let rotated = try issuer.refresh(try #require(kept.refreshToken), now: Self.now)
        #expect(try issuer.revoke(session: try #require(revoked.session), now: Self.now))
        try issuer.revoke(token: "jti-1", now: Self.now)
        issuer.ledger.close()
        // A line that was never acknowledged is dropped.
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data(#"{"session":"torn","dig"#.utf8))
        try file.close()
        let denylist = Denylist()
        issuer = try await self.issuer(denylist)
        #expect(issuer.ledger.sessionCount == 2)
        #expect(throws: Never.self) {
            try issuer.refresh(try #require(rotated.refreshToken), now: Self.now + 1)
        }
        #expect(throws: Problem.refreshRefused) {
            try issuer.refresh(try #require(revoked.refreshToken), now: Self.now + 1)
        }
        for claim in [#"{"jti":"jti-1"}"#, "{\"session_id\":\"\(revoked.session ?? "")\"}"] {
            let claims = try JSONScanner.parse(Array(claim.utf8))
            #expect(throws: TokenRefusal.self) { try denylist.check(claims, now: Self.now) }
        }
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(!text.contains(try #require(rotated.refreshToken?.split(separator: ".").last)))
        issuer.ledger.close()
    }

    @Test func `two processes do not share a ledger, and a damaged one is refused`() async throws {
        let ledger = try TokenLedger(path, now: Self.now)
        #expect(throws: ConfigurationProblem.self) { try TokenLedger(path, now: Self.now) }
        ledger.close()
        try Data("{\"session\":1}\n".utf8).write(to: URL(fileURLWithPath: path))
        let problem = #expect(throws: ConfigurationProblem.self) {
            try TokenLedger(path, now: Self.now)
        }
        #expect(problem?.reason.contains(":1:") == true)
    }

    @Test func `claims of the issuer's own are not taken from others`() async throws {
        let issuer = try await issuer()
        for name in ["exp", "iss", "role", "session_id"] {
            let body = "{\"subject\":\"u\",\"claims\":{\"\(name)\":\"x\"}}"
            #expect(throws: Problem.self) { try issuer.answer(.issue, body: Array(body.utf8)) }
        }
        issuer.ledger.close()
    }
}
