// The keys that tokens are signed with, as their places have them now.
//
// - A key that was added is known, and one that was removed is forgotten, within five seconds for a
//   file and `jwks_seconds` for an address, without a restart.
// - A place that holds something else than keys, or nothing, changes nothing: the last good keys
//   stay, and the log says so.

import AsyncHTTPClient
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle

/// Loads keys, and looks for other ones as long as the server runs.
final class KeyRefresher: Service {
    private static let fileInterval = Duration.seconds(2)
    private static let maximumByteCount = 1 << 20

    private let settings: TokenSettings
    private let verifier: TokenVerifier
    private let fixed: [TokenKey]
    private let logger: Logger

    private init(
        _ settings: TokenSettings,
        verifier: TokenVerifier,
        fixed: [TokenKey],
        logger: Logger
    ) {
        self.settings = settings
        self.verifier = verifier
        self.fixed = fixed
        self.logger = logger
    }

    /// Loads the keys for the first time.
    ///
    /// - Parameters:
    ///   - settings: Where the keys are.
    ///   - own: The key of the server's own tokens.
    /// - Throws: `ConfigurationProblem` when a file has no usable key. An address that does not
    ///   answer is tried again later.
    static func load(
        _ settings: TokenSettings,
        own: TokenKey?,
        logger: Logger
    ) async throws(ConfigurationProblem) -> (refresher: KeyRefresher, verifier: TokenVerifier) {
        var rules = settings.rules
        if let signing = settings.signing {
            let isAlone =
                settings.secretFile == nil && settings.keySetFile == nil
                && settings.keySetURL == nil
            if isAlone || rules.issuers != nil {
                rules.issuers = (rules.issuers ?? []) + [signing.issuer]
            }
            if isAlone || rules.audiences != nil {
                rules.audiences = (rules.audiences ?? []) + [signing.audience]
            }
        }
        var fixed: [TokenKey] = []
        if let path = settings.secretFile {
            let secret = try SecretFile.readText(path, place: "tokens.secret_file")
            fixed.append(try await TokenKey(secret: secret, id: settings.secretID))
        }
        if let own { fixed.append(own) }
        let verifier = TokenVerifier(rules: rules)
        let refresher = KeyRefresher(settings, verifier: verifier, fixed: fixed, logger: logger)
        var fileKeys: [TokenKey] = []
        if let path = settings.keySetFile {
            fileKeys = try await keys(of: try bytes(of: path), at: path)
        }
        var fetched: [TokenKey] = []
        if let url = settings.keySetURL {
            if let bytes = await refresher.fetch(url) {
                fetched = (try? await keys(of: bytes, at: url)) ?? []
            }
            if fetched.isEmpty { logger.error("no keys yet", metadata: ["jwks_url": "\(url)"]) }
        }
        verifier.replaceKeys(try set(fixed + fileKeys + fetched))
        return (refresher, verifier)
    }

    /// Looks for other keys until the server stops.
    func run() async throws {
        guard settings.keySetFile != nil || settings.keySetURL != nil else {
            try? await gracefulShutdown()
            return
        }
        await cancelWhenGracefulShutdown { await self.watch() }
    }

    private func watch() async {
        var file = Place()
        var address = Place()
        if let path = settings.keySetFile {
            file.bytes = try? Self.bytes(of: path)
            file.keys = await accepted(file.bytes, from: path) ?? []
        }
        while !Task.isCancelled {
            var isChanged = false
            if let path = settings.keySetFile {
                let bytes = try? Self.bytes(of: path)
                if bytes != file.bytes {
                    file.bytes = bytes
                    if let keys = await accepted(bytes, from: path) {
                        file.keys = keys
                        isChanged = true
                    }
                }
            }
            if let url = settings.keySetURL, ContinuousClock.now >= address.nextLook {
                let bytes = await fetch(url)
                // Before it answers, an address is asked every few seconds.
                let seconds = bytes == nil ? 10 : settings.keySetSeconds
                address.nextLook = .now + .seconds(seconds)
                if let bytes, bytes != address.bytes {
                    address.bytes = bytes
                    if let keys = await accepted(bytes, from: url) {
                        address.keys = keys
                        isChanged = true
                    }
                }
            }
            if isChanged { publish(file.keys + address.keys) }
            try? await Task.sleep(for: Self.fileInterval)
        }
    }

    /// What a place of keys held at the last look.
    private struct Place {
        var bytes: [UInt8]?
        var keys: [TokenKey] = []
        var nextLook = ContinuousClock.now
    }

    private func publish(_ keys: [TokenKey]) {
        do {
            let set = try Self.set(fixed + keys)
            verifier.replaceKeys(set)
            logger.info("keys replaced", metadata: ["keys": "\(set.keys.count)"])
        } catch {
            logger.error("the keys were not replaced", metadata: ["reason": "\(error)"])
        }
    }

    private func accepted(_ bytes: [UInt8]?, from place: String) async -> [TokenKey]? {
        do {
            guard let bytes else { throw ConfigurationProblem(place, "cannot be read") }
            return try await Self.keys(of: bytes, at: place)
        } catch {
            logger.error("the last good keys stay", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    private static func bytes(of path: String) throws(ConfigurationProblem) -> [UInt8] {
        try SecretFile.readPublic(path, place: "tokens.jwks_file")
    }

    private static func keys(
        of bytes: [UInt8],
        at place: String
    ) async throws(ConfigurationProblem) -> [TokenKey] {
        try await KeySet.keys(of: bytes, place: place)
    }

    private static func set(_ keys: [TokenKey]) throws(ConfigurationProblem) -> KeySet {
        var set = KeySet()
        for key in keys { try set.add(key, place: "tokens") }
        return set
    }

    private func fetch(_ url: String) async -> [UInt8]? {
        do {
            var request = HTTPClientRequest(url: url)
            request.headers.add(name: "accept", value: "application/json")
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(5))
            guard response.status == .ok else { return nil }
            let body = try await response.body.collect(upTo: Self.maximumByteCount)
            return Array(body.readableBytesView)
        } catch {
            logger.warning("keys not fetched", metadata: ["jwks_url": "\(url)"])
            return nil
        }
    }
}
