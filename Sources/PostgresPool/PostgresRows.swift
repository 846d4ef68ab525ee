/// A parameter of a statement, sent as text.
package struct PostgresParameter: Sendable, ExpressibleByStringLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByNilLiteral
{
    let text: String?

    package init(_ text: String?) { self.text = text }
    package init(_ value: some BinaryInteger) { text = String(value) }
    package init(_ value: Double) { text = "\(value)" }
    package init(_ value: Bool) { text = value ? "t" : "f" }
    package init(stringLiteral value: String) { text = value }
    package init(integerLiteral value: Int) { text = String(value) }
    package init(nilLiteral: ()) { text = nil }

    /// A vector in pgvector's form, `[0.1,2]`.
    package init(vector: some Sequence<Float>) {
        text = "[" + vector.map { "\($0)" }.joined(separator: ",") + "]"
    }

    /// An array for `= ANY($1)`, each element quoted.
    package init(array: some Sequence<String>) {
        let elements = array.map { element in
            var quoted = "\""
            for character in element.unicodeScalars {
                if character == "\"" || character == "\\" { quoted += "\\" }
                quoted.unicodeScalars.append(character)
            }
            return quoted + "\""
        }
        text = "{" + elements.joined(separator: ",") + "}"
    }
}

/// The answer to a statement, copied out of libpq.
package struct PostgresRows: Sendable, RandomAccessCollection {
    package let columns: [String]
    /// Rows that an INSERT, UPDATE, DELETE or COPY touched; the rows returned for a SELECT.
    package let affectedCount: Int
    private let values: [String?]
    package let count: Int

    init(columns: [String], values: [String?], count: Int, affectedCount: Int) {
        self.columns = columns
        self.values = values
        self.count = count
        self.affectedCount = affectedCount
    }

    package var startIndex: Int { 0 }
    package var endIndex: Int { count }

    package subscript(row: Int) -> PostgresRow {
        precondition(indices.contains(row), "row \(row) of \(count)")
        let first = row * columns.count
        return PostgresRow(columns: columns, values: values[first..<first + columns.count])
    }
}

/// One row; values are text until they are asked for as something else.
package struct PostgresRow: Sendable {
    package let columns: [String]
    let values: ArraySlice<String?>

    /// The text of a column, nil for NULL.
    package func text(_ column: Int) throws(PostgresError) -> String? {
        guard columns.indices.contains(column) else {
            throw PostgresError(.invalidValue, "no column \(column) in \(columns.count)")
        }
        return values[values.startIndex + column]
    }

    /// The text of a column, nil for NULL.
    package func text(_ column: String) throws(PostgresError) -> String? {
        guard let place = columns.firstIndex(of: column) else {
            throw PostgresError(.invalidValue, "no column \(column)")
        }
        return try text(place)
    }

    /// A number or other value with a text form, nil for NULL.
    package func value<Value: LosslessStringConvertible>(
        _ column: String,
        as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value? {
        guard let text = try text(column) else { return nil }
        if type == Bool.self { return (text == "t") as? Value }
        guard let value = Value(text) else {
            throw PostgresError(.invalidValue, "column \(column) is no \(type)")
        }
        return value
    }
}
