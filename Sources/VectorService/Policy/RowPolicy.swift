package import VectorStore

/// Which rows of a collection a user sees: those whose column equals a claim of the user's token.
package struct RowPolicy: Sendable, Equatable {
    /// The partition key of the collection, or a declared attribute.
    package var column: String
    /// The claim, as keys from the token's claims inwards.
    package var claim: [String]

    /// Makes a policy.
    package init(column: String, claim: [String]) {
        self.column = column
        self.claim = claim
    }

    /// Reads `creator_id = jwt.app_metadata.creator_id`; nil when it is anything else.
    package init?(_ text: String) {
        let sides = text.split(separator: "=", omittingEmptySubsequences: false)
            .map { $0.filter { $0 != " " } }
        guard sides.count == 2, sides[0].wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil else {
            return nil
        }
        let path = sides[1].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard path.count > 1, path[0] == "jwt", path.allSatisfy({ !$0.isEmpty }) else { return nil }
        self.init(column: sides[0], claim: Array(path.dropFirst()))
    }

    /// The values of the claim: a string, an integer, or a list of them; nil when the token has none.
    func values(for principal: Principal) -> [String]? {
        guard let node = principal.claim(claim) else { return nil }
        let nodes = node.elements ?? [node]
        var values: [String] = []
        for node in nodes {
            switch node.value {
            case .string(let text) where !text.isEmpty: values.append(text)
            case .unsigned(let number): values.append(String(number))
            case .signed(let number): values.append(String(number))
            // A claim that means nothing grants nothing.
            default: return nil
            }
        }
        return values.isEmpty ? nil : values
    }
}

/// The part of a collection that one principal sees.
package enum RowScope: Sendable, Hashable {
    /// Every row.
    case all
    /// The rows of these partitions.
    case partitions([String])
    /// The rows that this filter lets pass.
    case filter(Filter)

    /// Narrows partitions that were asked for; empty means that no row can match.
    func narrow(_ asked: [String]?) -> [String]? {
        guard case .partitions(let mine) = self else { return asked }
        guard let asked else { return mine }
        return asked.filter { mine.contains($0) }
    }

    /// Narrows a filter that was asked for.
    func narrow(_ asked: Filter?) -> Filter? {
        guard case .filter(let mine) = self else { return asked }
        return asked.map { .and([mine, $0]) } ?? mine
    }

    /// Whether a record is among the rows.
    ///
    /// - Precondition: The record was read with its attributes.
    func contains(_ record: Record) -> Bool {
        switch self {
        case .all: true
        case .partitions(let mine): record.partition.map { mine.contains($0) } ?? false
        case .filter(.isIn(let name, let values)):
            record.attributes[name].map { values.contains($0) } ?? false
        case .filter: false
        }
    }
}
