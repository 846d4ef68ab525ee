// A filter made ready for a collection's attributes.
//
// - Names are columns, values are in the columns' types, and every error was found: evaluating a
//   program cannot fail for what the filter says.
// - A row without a value passes no comparison; `not` turns that round.

/// A compiled filter.
package struct FilterProgram: Sendable {
    /// One step of the program.
    indirect enum Node: Sendable, Hashable {
        case compare(column: Int, ColumnTest)
        case and([Node])
        case or([Node])
        case not(Node)
    }

    let root: Node

    /// Compiles a filter against the declared attributes.
    ///
    /// - Throws: `unknown_attribute`, or `invalid_filter` for a value of another type, too deep a
    ///   nesting or too many comparisons.
    package init(
        _ filter: Filter,
        attributes: [AttributeDeclaration]
    ) throws(VectorStoreError) {
        var compiler = FilterCompiler(attributes: attributes)
        root = try compiler.compile(filter, depth: 1)
    }
}

/// Checks and translates a filter.
private struct FilterCompiler {
    private let attributes: [AttributeDeclaration]
    private let columns: [String: Int]
    private var comparisonCount = 0
    private var nodeCount = 0

    init(attributes: [AttributeDeclaration]) {
        self.attributes = attributes
        columns = Dictionary(
            attributes.enumerated().map { ($1.name, $0) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    mutating func compile(
        _ filter: Filter,
        depth: Int
    ) throws(VectorStoreError) -> FilterProgram.Node {
        guard depth <= Filter.maximumDepth else {
            throw VectorStoreError(
                .invalidFilter,
                "the filter is nested deeper than \(Filter.maximumDepth)"
            )
        }
        nodeCount += 1
        guard nodeCount <= 2 * Filter.maximumComparisonCount else { throw tooMany }
        switch filter {
        case .equal(let name, let value): return try values(name, [value])
        case .isIn(let name, let list): return try values(name, list)
        case .greater(let name, let value): return try compare(name, .greater, value)
        case .greaterOrEqual(let name, let value):
            return try compare(name, .greaterOrEqual, value)
        case .less(let name, let value): return try compare(name, .less, value)
        case .lessOrEqual(let name, let value): return try compare(name, .lessOrEqual, value)
        case .and(let parts): return .and(try compile(parts, depth: depth + 1))
        case .or(let parts): return .or(try compile(parts, depth: depth + 1))
        case .not(let part): return .not(try compile(part, depth: depth + 1))
        }
    }

    private mutating func compile(
        _ parts: [Filter],
        depth: Int
    ) throws(VectorStoreError) -> [FilterProgram.Node] {
        var nodes: [FilterProgram.Node] = []
        nodes.reserveCapacity(min(parts.count, Filter.maximumComparisonCount))
        for part in parts { nodes.append(try compile(part, depth: depth)) }
        return nodes
    }

    // MARK: - Comparisons

    private mutating func values(
        _ name: String,
        _ values: [AttributeValue]
    ) throws(VectorStoreError) -> FilterProgram.Node {
        let column = try column(name)
        try count(values.count)
        let type = attributes[column].type
        for value in values { try check(value, against: type, name: name) }
        let test: ColumnTest
        switch type {
        case .int64: test = .int64In(Set(values.compactMap(Self.wholeNumber)).sorted())
        case .double: test = .doubleIn(Set(values.compactMap(Self.exactDouble)).sorted())
        case .bool:
            test = .bool(
                matchesFalse: values.contains(.bool(false)),
                matchesTrue: values.contains(.bool(true))
            )
        case .string:
            let strings = Set(values.compactMap(Self.bytes))
            test = .stringIn(strings.sorted { $0.lexicographicallyPrecedes($1) })
        }
        return .compare(column: column, test)
    }

    private mutating func compare(
        _ name: String,
        _ relation: ColumnTest.Relation,
        _ value: AttributeValue
    ) throws(VectorStoreError) -> FilterProgram.Node {
        let column = try column(name)
        try count(1)
        let type = attributes[column].type
        try check(value, against: type, name: name)
        let test: ColumnTest
        switch (type, value) {
        case (.int64, .int64(let bound)): test = .int64(relation, bound)
        case (.int64, .double(let bound)): test = .int64(relation, bound)
        case (.double, .int64(let bound)): test = .double(relation, bound)
        case (.double, .double(let bound)): test = .double(relation, bound)
        case (.string, .string(let bound)): test = .string(relation, Array(bound.utf8))
        default:
            throw VectorStoreError(
                .invalidFilter,
                "attribute `\(name)` is \(type.rawValue), which has no order; compare it with equal",
                field: name
            )
        }
        return .compare(column: column, test)
    }

    private static func wholeNumber(_ value: AttributeValue) -> Int64? {
        switch value {
        case .int64(let number): number
        case .double(let number): Int64(exactly: number)
        default: nil
        }
    }

    private static func exactDouble(_ value: AttributeValue) -> Double? {
        switch value {
        case .int64(let number): Double(exactly: number)
        case .double(let number): number
        default: nil
        }
    }

    private static func bytes(_ value: AttributeValue) -> [UInt8]? {
        if case .string(let text) = value { Array(text.utf8) } else { nil }
    }

    // MARK: - Checks

    private func column(_ name: String) throws(VectorStoreError) -> Int {
        if let column = columns[name] { return column }
        let known = attributes.map(\.name).joined(separator: ", ")
        throw VectorStoreError(
            .unknownAttribute,
            "the filter names `\(name)`, which is not declared; declared are: "
                + (known.isEmpty ? "none" : known),
            field: name
        )
    }

    private mutating func count(_ comparisons: Int) throws(VectorStoreError) {
        comparisonCount += comparisons
        guard comparisonCount <= Filter.maximumComparisonCount else { throw tooMany }
    }

    private var tooMany: VectorStoreError {
        VectorStoreError(
            .invalidFilter,
            "the filter has more than \(Filter.maximumComparisonCount) comparisons"
        )
    }

    private func check(
        _ value: AttributeValue,
        against type: AttributeType,
        name: String
    ) throws(VectorStoreError) {
        switch (type, value) {
        case (.int64, .double(let number)) where number.isFinite: return
        case (.double, .double(let number)) where number.isFinite: return
        case (.double, .int64), (.int64, .int64), (.string, .string), (.bool, .bool): return
        case (_, .double(let number)) where !number.isFinite:
            throw VectorStoreError(
                .invalidFilter,
                "the filter compares `\(name)` with \(number)",
                field: name
            )
        default:
            throw VectorStoreError(
                .invalidFilter,
                "attribute `\(name)` is \(type.rawValue), the filter compares it with "
                    + value.type.rawValue,
                field: name
            )
        }
    }
}
