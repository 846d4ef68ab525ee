package import PostgresPool

/// One thing that was looked at.
package struct Finding: Sendable, Equatable {
    /// How it is.
    package enum Verdict: String, Sendable {
        case ok
        case warning
        case failure
    }

    /// What was looked at.
    package var subject: String
    /// How it is.
    package var verdict: Verdict
    /// What was found, and what to do about it.
    package var detail: String

    /// Notes a finding.
    package init(_ subject: String, _ verdict: Verdict, _ detail: String) {
        self.subject = subject
        self.verdict = verdict
        self.detail = detail
    }
}

/// Looks whether Postgres is as the settings have it.
package struct PostgresExamination: Sendable {
    let pool: PostgresPool
    let tables: [MetadataTable]

    /// Makes an examination.
    package init(pool: PostgresPool, tables: [MetadataTable]) {
        self.pool = pool
        self.tables = tables
    }

    /// Looks at the server, then at each table.
    package func findings() async -> [Finding] {
        var findings: [Finding] = []
        do {
            findings += try await server()
        } catch {
            let reason = error.code == .circuitOpen ? pool.lastFailure : "\(error)"
            return [Finding("postgres", .failure, reason)]
        }
        for table in tables {
            do {
                findings += try await examine(table)
            } catch {
                findings.append(Finding("table \(table.sqlName)", .failure, "\(error)"))
            }
        }
        return findings
    }

    private func server() async throws(PostgresError) -> [Finding] {
        let rows = try await pool.query(
            """
            SELECT current_setting('server_version'), current_setting('max_connections')::int
                - current_setting('superuser_reserved_connections')::int,
                (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')
            """
        )
        guard let row = rows.first, let free = Int(try row.text(1) ?? ""),
            let used = Int(try row.text(2) ?? "")
        else { return [] }
        let version = try row.text(0) ?? "?"
        var findings = [Finding("postgres", .ok, "version \(version) answers")]
        let wanted = pool.maximumCount
        let text = "\(free) connections for clients, \(used) in use, the pool may take \(wanted)"
        if wanted > free {
            findings.append(
                Finding(
                    "connections",
                    .failure,
                    text + "; lower postgres.max_connections or raise Postgres' max_connections"
                )
            )
        } else if wanted > free - used + pool.metrics.leased + pool.metrics.idle {
            findings.append(Finding("connections", .warning, text + "; others may be refused"))
        } else {
            findings.append(Finding("connections", .ok, text))
        }
        return findings
    }

    private func examine(_ table: MetadataTable) async throws(PostgresError) -> [Finding] {
        let subject = "table \(table.sqlName)"
        let known = try await pool.query(
            """
            SELECT a.attname, format_type(a.atttypid, NULL), c.relrowsecurity,
                EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique
                    AND i.indisvalid AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum)
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.oid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
            """,
            [PostgresParameter(table.sqlName)]
        )
        guard !known.isEmpty else {
            return [
                Finding(
                    subject,
                    .failure,
                    "there is none, or its schema may not be used; see "
                        + "metadata.collections.\(table.collection).table"
                )
            ]
        }
        var findings: [Finding] = []
        var types: [String: String] = [:]
        var isUnique = false
        var hasRowSecurity = false
        for row in known {
            let name = try row.text(0) ?? ""
            types[name] = try row.text(1)
            hasRowSecurity = try row.text(2) == "t"
            if name == table.idColumn { isUnique = try row.text(3) == "t" }
        }
        for column in [table.idColumn] + table.columns where types[column] == nil {
            findings.append(Finding(subject, .failure, "has no column \(column)"))
        }
        if let type = types[table.idColumn] {
            let fitting: Set<String> =
                switch table.idType {
                case .text: ["text", "character varying", "character"]
                case .uuid: ["uuid"]
                case .bigint: ["bigint", "integer", "smallint"]
                }
            if !fitting.contains(type) {
                findings.append(
                    Finding(
                        subject,
                        .failure,
                        "\(table.idColumn) is \(type), the settings say \(table.idType.rawValue); "
                            + "set metadata.collections.\(table.collection).id_type"
                    )
                )
            }
            if !isUnique {
                findings.append(
                    Finding(
                        subject,
                        .warning,
                        "\(table.idColumn) has no unique index of its own: every query reads the "
                            + "whole table; add one"
                    )
                )
            }
        }
        if hasRowSecurity {
            findings.append(
                Finding(
                    subject,
                    .warning,
                    "has row level security: rows that its policies hide are reported missing"
                )
            )
        }
        if !findings.contains(where: { $0.verdict == .failure }) {
            _ = try await pool.query(
                table.selectStatement,
                [PostgresParameter(array: [] as [String])]
            )
            findings.append(
                Finding(
                    subject,
                    .ok,
                    "has the \(table.columns.count) columns, and they can be read"
                )
            )
        }
        return findings
    }
}
