package import PostgresPool

/// Puts rows into a metadata table, as an import does.
package struct MetadataWriter: Sendable {
    /// The table.
    package let table: MetadataTable
    private let pool: PostgresPool

    /// Makes a writer.
    package init(table: MetadataTable, pool: PostgresPool) {
        self.table = table
        self.pool = pool
    }

    /// The columns that a row has, the id first.
    package var columns: [String] {
        [table.idColumn] + table.columns.filter { $0 != table.idColumn }
    }

    /// Creates the table if there is none, its types taken from an example.
    package func createTable(like example: JSONNode) async throws(PostgresError) {
        var definitions = [
            "\(MetadataTable.quoted(table.idColumn)) \(table.idType.rawValue) PRIMARY KEY"
        ]
        for column in columns.dropFirst() {
            let type =
                switch example[column]?.value {
                case .string, nil, .null: "text"
                case .unsigned, .signed: "bigint"
                case .double: "double precision"
                case .bool: "boolean"
                case .array, .object, .floats: "jsonb"
                }
            definitions.append("\(MetadataTable.quoted(column)) \(type)")
        }
        _ = try await pool.query(
            "CREATE TABLE IF NOT EXISTS \(table.sqlName) (\(definitions.joined(separator: ", ")))"
        )
    }

    /// Inserts rows and replaces those with the same id, all or none.
    ///
    /// - Parameter rows: A JSON array of objects with the names of columns.
    package func upsert(_ rows: [UInt8]) async throws(PostgresError) {
        let names = columns.map(MetadataTable.quoted)
        let list = names.joined(separator: ", ")
        let changes = names.dropFirst().map { "\($0) = EXCLUDED.\($0)" }
        let conflict =
            changes.isEmpty ? "DO NOTHING" : "DO UPDATE SET \(changes.joined(separator: ", "))"
        _ = try await pool.query(
            "INSERT INTO \(table.sqlName) (\(list)) SELECT \(list) "
                + "FROM jsonb_populate_recordset(NULL::\(table.sqlName), $1::jsonb) "
                + "ON CONFLICT (\(names[0])) \(conflict)",
            [PostgresParameter(String(decoding: rows, as: UTF8.self))]
        )
    }
}
