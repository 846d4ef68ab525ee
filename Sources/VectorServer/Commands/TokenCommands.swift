import ArgumentParser
import Foundation
import Glibc
import VectorService

/// Makes tokens, looks into them, and takes them back.
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Issue, inspect and revoke the server's own tokens.",
        subcommands: [TokenIssueCommand.self, TokenInspectCommand.self, TokenRevokeCommand.self]
    )
}

/// Where the issuer is: the running server, or the files that the configuration names.
struct IssuerLocation: ParsableArguments {
    @OptionGroup var location: StoreLocation
    @OptionGroup var options: ConfigurationOptions

    /// The section tokens of the configuration; nil without a configuration.
    func settings() throws -> TokenSettings? {
        guard let file = try options.settings(location.flags).file else { return nil }
        do throws(ConfigurationProblem) {
            return try SurfaceSettings(file.root.json).tokens
        } catch {
            throw CommandFailure(file.error(file.root.nearest(error.place), error.reason))
        }
    }

    /// Asks the server when one runs, else the files.
    func answer(_ action: TokenAction, body: [UInt8]) async throws -> [UInt8] {
        if try location.hasServer() {
            return try await location.withClient {
                try await $0.send("POST", "/v1/tokens/\(action.rawValue)", body: body)
            }
        }
        guard let signing = try settings()?.signing else {
            throw CommandFailure(
                message: "no server answers, and no configuration with tokens.signing is given: "
                    + "use --config"
            )
        }
        umask(0o077)
        let path = try signing.stateFile ?? TokenLedger.path(besides: location.directory())
        do {
            let ledger = try TokenLedger(path, now: Date().timeIntervalSince1970)
            defer { ledger.close() }
            let issuer = TokenIssuer(
                signing,
                key: try await TokenIssuer.key(signing),
                ledger: ledger,
                denylist: Denylist()
            )
            return try issuer.answer(action, body: body).body
        } catch let problem as ConfigurationProblem {
            throw CommandFailure(message: problem.description)
        }
    }
}

/// Begins a sign-in.
struct TokenIssueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issue",
        abstract: "Issue an access token, and a refresh token with it.",
        discussion: """
            Example:
              vector-server token issue --data /srv/vectors --subject u1 \\
                  --claim app_metadata.creator_id=creator-001
            """
    )

    @OptionGroup var issuer: IssuerLocation

    @Option(parsing: .unconditional, help: "Whom the token names, the claim sub.")
    var subject: String

    @Option(help: "The role: authenticated, anon or service_role.")
    var role = "authenticated"

    @Option(help: "A claim, as in app_metadata.creator_id=creator-001; may be repeated.")
    var claim: [String] = []

    @Option(help: "Seconds that the access token lives. Default: as configured, 900.")
    var accessSeconds: Int?

    @Flag(help: "Issue no refresh token.")
    var noRefresh = false

    func run() async throws {
        var claims: [String: Any] = [:]
        for text in claim {
            guard let sign = text.firstIndex(of: "=") else {
                throw ValidationError("'\(text)' is not NAME=VALUE.")
            }
            let path = text[..<sign].split(separator: ".").map(String.init)
            claims = try Self.adding(
                String(text[text.index(after: sign)...]),
                at: path[...],
                to: claims
            )
        }
        var body: [String: Any] = ["subject": subject, "role": role, "refresh": !noRefresh]
        if !claims.isEmpty { body["claims"] = claims }
        if let accessSeconds { body["access_seconds"] = accessSeconds }
        let bytes = [UInt8](try JSONSerialization.data(withJSONObject: body))
        Terminal.result(
            String(decoding: try await issuer.answer(.issue, body: bytes), as: UTF8.self)
        )
    }

    private static func adding(
        _ value: String,
        at path: ArraySlice<String>,
        to claims: [String: Any]
    ) throws -> [String: Any] {
        guard let key = path.first else { throw ValidationError("A claim needs a name.") }
        var claims = claims
        claims[key] =
            path.count == 1
            ? value
            : try adding(value, at: path.dropFirst(), to: claims[key] as? [String: Any] ?? [:])
        return claims
    }
}

/// Shows what a token says.
struct TokenInspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show header and claims of a token, and whether it would be taken.",
        discussion: """
            The token is read from standard input, where no list of processes shows it:
              vector-server token inspect --config vector-server.json < token.txt
            """
    )

    @OptionGroup var issuer: IssuerLocation

    func run() async throws {
        let token = String(
            decoding: FileHandle.standardInput.readDataToEndOfFile(),
            as: UTF8.self
        ).trimmingCharacters(in: .whitespacesAndNewlines)
        let inspection = try await TokenInspection(
            token,
            settings: try issuer.settings(),
            now: Date().timeIntervalSince1970
        )
        Terminal.result(String(decoding: inspection.encoded, as: UTF8.self))
        if inspection.isRefused { throw ExitCode(1) }
    }
}

/// Takes a sign-in or a token back.
///
/// Ids are base64url: one in 64 begins with a dash, and is no option.
struct TokenRevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Take a sign-in, or one access token, back."
    )

    @OptionGroup var issuer: IssuerLocation

    @Option(parsing: .unconditional, help: "The session_id of a sign-in.")
    var session: String?

    @Option(parsing: .unconditional, help: "The jti of an access token.")
    var jti: String?

    func run() async throws {
        let body: [String: String]
        switch (session, jti) {
        case (let session?, nil): body = ["session_id": session]
        case (nil, let jti?): body = ["jti": jti]
        default: throw ValidationError("Give either --session or --jti.")
        }
        let bytes = [UInt8](try JSONSerialization.data(withJSONObject: body))
        let answer = try await issuer.answer(.revoke, body: bytes)
        Terminal.result(String(decoding: answer, as: UTF8.self))
    }
}
