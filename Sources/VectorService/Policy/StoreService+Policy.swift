import VectorStore

extension StoreService {
    /// Refuses what somebody may not do with any collection.
    func authorize(_ principal: Principal, for route: Route) throws(Problem) {
        if principal.role == .service { return }
        switch route {
        case .live, .ready, .about, .description, .tokens(.refresh): return
        case .action(let action, let name):
            try requireVisible(name, to: principal)
            guard action.isRead else { throw .forbidden }
        case .collection(let name):
            try requireVisible(name, to: principal)
            throw .forbidden
        case .statistics, .task, .taskEvents, .collections, .tokens, .metrics, .pool,
            .forgetMetadata:
            throw principal.role == .anonymous ? .tokenRequired : .forbidden
        }
    }

    /// Refuses a collection that somebody sees nothing of in the words of one that does not exist.
    private func requireVisible(_ name: String, to principal: Principal) throws(Problem) {
        let grant = surface.policies.grants[name]
        if principal.role == .anonymous, grant != .everybody { throw .tokenRequired }
        if grant == nil { throw .unknownCollection(name) }
    }

    /// A collection, for somebody to whom it is visible.
    func visibleCollection(
        _ name: String,
        to principal: Principal
    ) throws -> VectorCollection {
        do {
            return try database.collection(name)
        } catch {
            guard error.code == .unknownCollection, principal.role != .service else { throw error }
            throw Problem.unknownCollection(name)
        }
    }

    /// The rows of a collection that somebody sees.
    func scope(
        of principal: Principal,
        in configuration: CollectionConfiguration
    ) throws(Problem) -> RowScope {
        do throws(PolicySet.Denial) {
            return try surface.policies.scope(for: principal, in: configuration)
        } catch {
            switch error {
            case .hidden: throw .unknownCollection(configuration.name)
            case .tokenNeeded: throw .tokenRequired
            case .claimMissing: throw .forbidden
            }
        }
    }
}

extension Problem {
    /// A collection that does not exist, or that the asker sees nothing of.
    static func unknownCollection(_ name: String) -> Problem {
        Problem(
            status: 404,
            code: "unknown_collection",
            detail: "there is no collection \(name)",
            field: "collection"
        )
    }

    /// Somebody is known and may not do it.
    static let forbidden = Problem(
        status: 403,
        code: "forbidden",
        detail: "this needs the service role, or a token whose claims grant it"
    )

    /// Nobody is known.
    static let tokenRequired = Problem(
        status: 401,
        code: "token_required",
        detail: "send a token as Authorization: Bearer"
    )
}
