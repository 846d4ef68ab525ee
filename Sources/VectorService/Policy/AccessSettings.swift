/// Who may connect: the section `access` of the configuration.
package struct AccessSettings: Sendable, Equatable {
    /// Whether a peer of the unix socket needs a token; else one that sends none is the service.
    package var socketRequiresToken = false
    /// The users whose processes may use the socket; nil lets its mode decide alone.
    package var socketUsers: Set<UInt32>?
    /// The mode of the socket.
    package var socketMode: UInt16 = 0o600
    /// The group of the socket.
    package var socketGroup: UInt32?

    /// The socket is its owner's.
    package init() {}

    /// Reads the section.
    package init(_ node: JSONNode) throws(ConfigurationProblem) {
        var settings = AccessSettings()
        try ConfigurationProblem.reading("access") { () throws(Problem) in
            try settings.read(node)
        }
        self = settings
    }

    private mutating func read(_ node: JSONNode) throws(Problem) {
        var fields = try FieldReader(node, path: "access")
        socketRequiresToken = try fields.flag("socket_requires_token") ?? false
        if let nodes = try fields.array("socket_users") {
            var users = Set<UInt32>()
            for node in nodes { users.insert(try Self.id(node, "socket_users", Accounts.user)) }
            socketUsers = users
        }
        if let text = try fields.text("socket_mode") {
            guard let mode = UInt16(text, radix: 8), mode & ~0o660 == 0, mode & 0o600 == 0o600
            else {
                throw .invalidRequest(
                    "socket_mode is \"0600\" or \"0660\"; a socket is never open to everybody",
                    field: "access.socket_mode"
                )
            }
            socketMode = mode
        }
        if let node = fields.optional("socket_group") {
            socketGroup = try Self.id(node, "socket_group", Accounts.group)
        }
        try fields.finish()
    }

    private static func id(
        _ node: JSONNode,
        _ field: String,
        _ find: (String) -> UInt32?
    ) throws(Problem) -> UInt32 {
        if let number = node.integer, let id = UInt32(exactly: number) { return id }
        if let name = node.text, let id = find(name) { return id }
        throw .invalidRequest(
            "\(field) takes names and numbers that this machine knows",
            field: "access.\(field)"
        )
    }
}
