// The sign-ins of the server's own tokens.
//
// - A line is durable before its effect is told to anybody: a refresh token that was handed out is
//   known after a crash, and a sign-in that was taken back stays taken back.
// - The file only grows while it is open; opening it writes a new one without what has expired.
// - A last line without its end was never told to anybody and is dropped; any other line that does
//   not read is refused with its place.
// - It holds digests of refresh tokens, never the tokens.

import StorageIO
import Synchronization

/// Remembers sign-ins and what was taken back, in one file.
package final class TokenLedger: Sendable {
    /// A sign-in: the refresh token that is valid now, and what its access tokens say.
    package struct Session: Sendable, Equatable {
        /// The digest of the one refresh token that is valid.
        var digest: [UInt8]
        /// The claims of access tokens, JSON.
        var claims: [UInt8]
        /// When the refresh token stops working, in seconds since 1970.
        var expiry: Double
        /// Whether it was taken back.
        var isRevoked = false
    }

    /// What happened to a refresh token that was shown.
    enum Rotation: Sendable, Equatable {
        /// It was the valid one and is replaced.
        case rotated(Session)
        /// It was valid once: somebody has a copy, so that nobody's works any more.
        case reused(Session)
        /// Nobody knows it.
        case unknown
    }

    private struct State {
        var sessions: [String: Session] = [:]
        var denied: [String: Double] = [:]
        var file: any StorageFile
        var end: UInt64
        var isFailed = false
    }

    private let state: Mutex<State>
    private let lock: any StorageLock

    /// Where sign-ins are remembered when the configuration does not say: beside the store.
    package static func path(besides directory: String) -> String {
        var path = directory
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path + ".tokens"
    }

    /// Opens the ledger, creating it when there is none.
    ///
    /// - Throws: `ConfigurationProblem` when another process has it open, or when it is damaged.
    package init(_ path: String, now: Double) throws(ConfigurationProblem) {
        let place = "tokens.signing.state_file"
        let files = PosixFileSystem()
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let name = path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
        do {
            lock = try files.lockExclusively(path + ".lock")
        } catch {
            throw ConfigurationProblem(place, "\(path) is open in another process: \(error)")
        }
        do {
            var sessions: [String: Session] = [:]
            var denied: [String: Double] = [:]
            if try files.status(path) != nil {
                let bytes = try files.open(path, .read).readAll()
                for (index, line) in try Self.lines(bytes).enumerated() {
                    guard Self.replay(line, &sessions, &denied) else {
                        throw ConfigurationProblem(place, "\(path):\(index + 1): cannot be read")
                    }
                }
            }
            sessions = sessions.filter { $0.value.expiry > now }
            denied = denied.filter { $0.value > now - 120 }
            var text: [UInt8] = []
            for (id, session) in sessions { text += Self.line(id, session) }
            for (id, expiry) in denied { text += Self.line(denied: id, expiry) }
            let parent = directory.isEmpty ? "/" : directory
            try AtomicFileWriter.write(text, name: name, directory: parent, fileSystem: files)
            let file = try files.open(path, .readWrite)
            state = Mutex(
                State(sessions: sessions, denied: denied, file: file, end: UInt64(text.count))
            )
        } catch let problem as ConfigurationProblem {
            lock.release()
            throw problem
        } catch {
            lock.release()
            throw ConfigurationProblem(place, "\(error)")
        }
    }

    /// Lets another process open it.
    package func close() {
        state.withLock { try? $0.file.close() }
        lock.release()
    }

    /// Tells a denylist what was taken back before.
    package func fill(_ denylist: Denylist) {
        state.withLock { state in
            for (id, expiry) in state.denied { denylist.deny(token: id, until: expiry) }
            for (id, session) in state.sessions where session.isRevoked {
                denylist.deny(session: id, until: session.expiry)
            }
        }
    }

    /// How many sign-ins there are.
    package var sessionCount: Int { state.withLock { $0.sessions.count } }

    // MARK: Changes

    /// Remembers a sign-in.
    func begin(_ id: String, _ session: Session) throws {
        try state.withLock { state in
            try Self.append(Self.line(id, session), to: &state)
            state.sessions[id] = session
        }
    }

    /// Replaces the refresh token of a sign-in when it is the valid one, and takes the sign-in back
    /// when it is an older one.
    ///
    /// Of two that show the same token at once, one is the second.
    func rotate(_ id: String, digest: [UInt8], to next: [UInt8], now: Double) throws -> Rotation {
        try state.withLock { state in
            guard var session = state.sessions[id], session.expiry > now, !session.isRevoked
            else { return .unknown }
            let isValid = session.digest == digest
            if isValid { session.digest = next } else { session.isRevoked = true }
            try Self.append(Self.line(id, session), to: &state)
            state.sessions[id] = session
            return isValid ? .rotated(session) : .reused(session)
        }
    }

    /// Takes a sign-in back; false when there is none.
    func revoke(session id: String) throws -> Bool {
        try state.withLock { state in
            guard var session = state.sessions[id] else { return false }
            session.isRevoked = true
            try Self.append(Self.line(id, session), to: &state)
            state.sessions[id] = session
            return true
        }
    }

    /// Takes one access token back until it expires.
    func revoke(token id: String, until expiry: Double) throws {
        try state.withLock { state in
            try Self.append(Self.line(denied: id, expiry), to: &state)
            state.denied[id] = expiry
        }
    }

    private static func append(_ line: [UInt8], to state: inout State) throws {
        // After a failed write it is unknown what the disk has: nothing is promised any more.
        guard !state.isFailed else { throw Problem.ledgerFailed }
        do {
            try state.file.writeAll(line, at: state.end)
            try state.file.synchronizeData()
        } catch {
            state.isFailed = true
            throw Problem.ledgerFailed
        }
        state.end += UInt64(line.count)
    }

    // MARK: Lines

    private static func line(_ id: String, _ session: Session) -> [UInt8] {
        JSONWriter.text { writer in
            writer.member("session", id)
            writer.member("digest", Base64URL.encode(session.digest))
            writer.member("expires", session.expiry)
            if session.isRevoked { writer.member("revoked", true) }
            writer.key("claims")
            writer.embed(session.claims)
        } + [UInt8(ascii: "\n")]
    }

    private static func line(denied id: String, _ expiry: Double) -> [UInt8] {
        JSONWriter.text { writer in
            writer.member("denied", id)
            writer.member("expires", expiry)
        } + [UInt8(ascii: "\n")]
    }

    /// The whole lines.
    private static func lines(_ bytes: [UInt8]) throws -> [[UInt8]] {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        lines.removeLast()
        return lines.map(Array.init)
    }

    private static func replay(
        _ line: [UInt8],
        _ sessions: inout [String: Session],
        _ denied: inout [String: Double]
    ) -> Bool {
        guard let node = try? JSONScanner.parse(line, vectorKey: nil),
            let expiry = node["expires"]?.number
        else { return false }
        if let id = node["denied"]?.text {
            denied[id] = expiry
            return true
        }
        guard let id = node["session"]?.text, let text = node["digest"]?.text,
            let digest = Base64URL.decode(text.utf8), let claims = node["claims"],
            claims.members != nil
        else { return false }
        sessions[id] = Session(
            digest: digest,
            claims: Array(line[claims.range]),
            expiry: expiry,
            isRevoked: node["revoked"]?.value == .bool(true)
        )
        return true
    }
}

extension Problem {
    /// A change of the ledger that may not be durable.
    static let ledgerFailed = Problem(
        status: 503,
        code: "token_ledger_failed",
        detail: "sign-ins cannot be recorded; the disk refused a write: restart the server"
    )
}
