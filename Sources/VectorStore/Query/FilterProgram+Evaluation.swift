extension FilterProgram {
    /// Whether a row passes.
    package func matches(_ store: any RowStore, _ ordinal: Int) -> Bool {
        // Columns of a segment are read in place; other stores hand out values.
        if ObjectIdentifier(type(of: store)) == ObjectIdentifier(Segment.self) {
            // True by the line above, and many times cheaper than a dynamic cast per row.
            let segment = unsafeDowncast(store, to: Segment.self)
            return Self.matches(root, segment: segment, ordinal)
        }
        return Self.matches(root, store, ordinal)
    }

    private static func matches(_ node: Node, _ store: any RowStore, _ ordinal: Int) -> Bool {
        switch node {
        case .compare(let column, let test):
            store.attribute(column, at: ordinal).map { test.matches($0) } ?? false
        case .and(let parts): parts.allSatisfy { matches($0, store, ordinal) }
        case .or(let parts): parts.contains { matches($0, store, ordinal) }
        case .not(let part): !matches(part, store, ordinal)
        }
    }

    private static func matches(_ node: Node, segment: Segment, _ ordinal: Int) -> Bool {
        switch node {
        case .compare(let column, let test):
            matches(test, segment.columns[column], ordinal)
        case .and(let parts): parts.allSatisfy { matches($0, segment: segment, ordinal) }
        case .or(let parts): parts.contains { matches($0, segment: segment, ordinal) }
        case .not(let part): !matches(part, segment: segment, ordinal)
        }
    }

    private static func matches(
        _ test: ColumnTest,
        _ column: AttributeColumn,
        _ ordinal: Int
    ) -> Bool {
        precondition(ordinal >= 0 && ordinal < column.rowCount)
        guard column.isPresent(ordinal) else { return false }
        if column.type == .string { return test.matches(column.rowStringBytes(ordinal)) }
        return column.value(at: ordinal).map { test.matches($0) } ?? false
    }
}
