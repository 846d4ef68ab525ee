// What can be asked of the issuer, by the service and by the command in the same words.

/// What can be done with the server's own tokens.
package enum TokenAction: String, Sendable, CaseIterable {
    /// Begins a sign-in: the service's, for a user that it knows.
    case issue
    /// Replaces a refresh token: whoever has it.
    case refresh
    /// Takes a sign-in or a token back.
    case revoke
}

extension StoreService {
    /// Makes tokens and takes them back.
    func answer(_ action: TokenAction, _ request: ServiceRequest) async throws -> ServiceAnswer {
        guard let issuer = surface.issuer else {
            throw Problem(
                status: 404,
                code: "no_token_issuer",
                detail: "this server makes no tokens; configure tokens.signing"
            )
        }
        // The ledger waits for the disk.
        return try await threads.run { try issuer.answer(action, body: request.body) }
    }
}

extension TokenIssuer {
    /// Makes tokens and takes them back.
    package func answer(_ action: TokenAction, body: [UInt8]) throws -> ServiceAnswer {
        var fields = try FieldReader(try RecordDecoding.parse(body))
        let now = WallClock.seconds
        switch action {
        case .issue: return Self.answer(try begin(&fields, now: now))
        case .refresh:
            let token = try fields.text("refresh_token")
            try fields.finish()
            guard let token else {
                throw Problem.invalidRequest("refresh_token is missing", field: "refresh_token")
            }
            return Self.answer(try refresh(token, now: now))
        case .revoke:
            let isFound = try takeBack(&fields, now: now)
            return ServiceAnswer(body: JSONWriter.text { $0.member("revoked", isFound) })
        }
    }

    private func begin(_ fields: inout FieldReader, now: Double) throws -> Grant {
        let subject = try fields.text("subject")
        let role = try fields.text("role") ?? "authenticated"
        let claims = fields.optional("claims")
        let seconds = try fields.integer("access_seconds")
        let refreshes = try fields.flag("refresh") ?? true
        try fields.finish()
        guard let subject, !subject.isEmpty else {
            throw Problem.invalidRequest("subject is missing", field: "subject")
        }
        if let claims, claims.members == nil {
            throw Problem.invalidRequest("claims must be an object", field: "claims")
        }
        return try issue(
            subject: subject,
            role: role,
            claims: claims,
            accessSeconds: seconds,
            refreshes: refreshes,
            now: now
        )
    }

    private func takeBack(_ fields: inout FieldReader, now: Double) throws -> Bool {
        let session = try fields.text("session_id")
        let token = try fields.text("jti")
        let refresh = try fields.text("refresh_token")
        try fields.finish()
        switch (session, token, refresh) {
        case (let session?, nil, nil): return try revoke(session: session, now: now)
        case (nil, let token?, nil):
            try revoke(token: token, now: now)
            return true
        case (nil, nil, let refresh?): return try revoke(refreshToken: refresh, now: now)
        default:
            throw Problem.invalidRequest("give one of session_id, jti and refresh_token")
        }
    }

    private static func answer(_ grant: Grant) -> ServiceAnswer {
        var answer = ServiceAnswer(
            body: JSONWriter.text { writer in
                writer.member("access_token", grant.accessToken)
                writer.member("token_type", "bearer")
                writer.member("expires_in", grant.expiresIn)
                if let token = grant.refreshToken { writer.member("refresh_token", token) }
                if let session = grant.session { writer.member("session_id", session) }
            }
        )
        answer.headers.append(("Cache-Control", "no-store"))
        return answer
    }
}
