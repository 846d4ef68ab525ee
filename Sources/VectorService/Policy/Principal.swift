/// Who asks.
package struct Principal: Sendable, Equatable {
    /// What somebody may do in general.
    package enum Role: String, Sendable, Equatable {
        /// Nobody in particular: no token, or the public key of a project.
        case anonymous
        /// A user with a token of their own.
        case authenticated
        /// A trusted service: every row, every route.
        case service
    }

    /// What they may do in general.
    package var role: Role
    /// The claims of their token, an object; nil without one.
    package var claims: JSONNode?

    /// Names somebody.
    package init(role: Role, claims: JSONNode? = nil) {
        self.role = role
        self.claims = claims
    }

    /// The operator's own processes.
    package static let service = Principal(role: .service)
    /// Nobody in particular.
    package static let anonymous = Principal(role: .anonymous)

    /// The claim at a path of keys.
    func claim(_ path: [String]) -> JSONNode? {
        var node = claims
        for key in path { node = node?[key] }
        return node
    }
}
