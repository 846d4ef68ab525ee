import Crypto

/// The opaque keys of a project: `sb_publishable_…`, `sb_secret_…`, and its old keys, which are
/// tokens that live for ten years and so are known by their digest instead.
package struct APIKeys: Sendable, Equatable {
    /// A key by its digest.
    package struct Key: Sendable, Equatable {
        /// What messages call it.
        package var name: String
        /// The SHA-256 of its text.
        package var digest: [UInt8]
        /// What it may do.
        package var role: Principal.Role
    }

    /// The keys.
    package var keys: [Key] = []

    /// No key.
    package init() {}

    /// The digest of a key's text.
    package static func digest(_ text: String) -> [UInt8] {
        Array(SHA256.hash(data: Array(text.utf8)))
    }

    /// The role of a key; nil when it is unknown.
    ///
    /// - Note: Every digest is compared in full, so that the time taken says nothing.
    func role(of text: String) -> Principal.Role? {
        let digest = Self.digest(text)
        var role: Principal.Role?
        for key in keys {
            var difference: UInt8 = 0
            for (one, other) in zip(key.digest, digest) { difference |= one ^ other }
            if difference == 0, key.digest.count == digest.count { role = key.role }
        }
        return role
    }
}
