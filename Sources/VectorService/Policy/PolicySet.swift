// Who sees which rows.
//
// - A collection without a policy is seen by the service role alone: what is not allowed is denied.
// - Every route that reads rows asks for a scope before it decodes what was asked, so that a refusal
//   says nothing about a collection that its asker cannot see.
// - A scope only ever narrows: it is intersected with what was asked, never replaced by it.

import VectorStore

/// The policies of all collections.
package struct PolicySet: Sendable, Equatable {
    /// What a collection grants to those who are not the service.
    package enum Grant: Sendable, Equatable {
        /// Rows by a claim, to users with a token.
        case rows(RowPolicy)
        /// Every row, to users with a token.
        case everyUser
        /// Every row, to anybody.
        case everybody
    }

    /// By collection.
    package var grants: [String: Grant] = [:]

    /// No policy: all is denied except to the service.
    package init() {}

    /// Why somebody sees nothing.
    enum Denial: Error, Equatable {
        /// The collection has no grant for anybody of this role.
        case hidden
        /// A token is needed.
        case tokenNeeded
        /// The token lacks the claim that names its rows.
        case claimMissing([String])
    }

    /// The rows of a collection that somebody sees.
    func scope(
        for principal: Principal,
        in configuration: CollectionConfiguration
    ) throws(Denial) -> RowScope {
        if principal.role == .service { return .all }
        guard let grant = grants[configuration.name] else { throw .hidden }
        return try Self.scope(grant, for: principal, in: configuration)
    }

    /// The rows that one grant lets somebody see.
    static func scope(
        _ grant: Grant,
        for principal: Principal,
        in configuration: CollectionConfiguration
    ) throws(Denial) -> RowScope {
        if principal.role == .service { return .all }
        if case .everybody = grant { return .all }
        guard principal.role == .authenticated else { throw .tokenNeeded }
        guard case .rows(let policy) = grant else { return .all }
        guard let values = policy.values(for: principal) else {
            throw .claimMissing(policy.claim)
        }
        if policy.column == configuration.partitionKey { return .partitions(values) }
        guard let type = configuration.attributes.first(where: { $0.name == policy.column })?.type
        else { throw .hidden }
        let typed = values.compactMap { value -> AttributeValue? in
            switch type {
            case .string: .string(value)
            case .int64: Int64(value).map { .int64($0) }
            case .double, .bool: nil
            }
        }
        guard typed.count == values.count else { throw .claimMissing(policy.claim) }
        return .filter(.isIn(policy.column, typed))
    }
}
