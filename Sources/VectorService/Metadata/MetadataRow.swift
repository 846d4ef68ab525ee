/// One row of a metadata table, each column as the JSON value it is.
package struct MetadataRow: Sendable, Equatable {
    /// The columns, in the order of the configuration.
    package let columns: [String]
    /// Their values as JSON; `null` where the row has none.
    package let values: [[UInt8]]

    package init(columns: [String], values: [[UInt8]]) {
        self.columns = columns
        self.values = values
    }

    /// The JSON of a column; nil when the row does not have it.
    package func json(_ column: String) -> [UInt8]? {
        columns.firstIndex(of: column).map { values[$0] }
    }

    /// About what it takes in memory.
    var byteCount: Int {
        values.reduce(64 + 16 * values.count) { $0 + $1.count + 32 }
    }

    /// Writes the row as an object.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            for (column, value) in zip(columns, values) {
                writer.key(named: column)
                writer.embed(value)
            }
        }
    }
}

/// What is known about the metadata of some records.
package struct MetadataAnswer: Sendable {
    /// The rows by the id they were asked with.
    package var rows: [String: MetadataRow] = [:]
    /// The ids that the table does not have.
    package var missing: Set<String> = []
    /// Why the rest is not known; nil when everything is.
    package var failure: MetadataFailure?

    package init() {}

    /// What the answer to a query says of it.
    package var status: String {
        if failure != nil { return "unavailable" }
        return missing.isEmpty ? "complete" : "incomplete"
    }
}

/// Why rows could not be read.
package struct MetadataFailure: Error, Sendable, Equatable {
    /// For the log and for the problem: what happened, without values.
    package var reason: String
    /// Whether waiting may help.
    package var isTransient: Bool
}
