/// The rows of a call in the form that was asked for.
struct RestAnswer {
    let call: RestCall
    let rows: [RestRow]
    /// How many rows there are without offset and limit, when that was asked.
    let total: Int?

    /// The answer, or the refusal when the range or the number of rows is not what was asked.
    ///
    /// - Source: PostgREST, "Pagination and Count", "Singular or Plural".
    func encoded(isHead: Bool) throws(RestError) -> ServiceAnswer {
        if let total, call.offset > total {
            throw RestError(
                416,
                "PGRST103",
                "Requested range not satisfiable",
                details: "An offset of \(call.offset) was requested, but there are only \(total) "
                    + "rows."
            )
        }
        if case .object = call.mediaType, rows.count != 1 {
            throw RestError(
                406,
                "PGRST116",
                "Cannot coerce the result to a single JSON object",
                details: "The result contains \(rows.count) rows"
            )
        }
        var answer = ServiceAnswer(
            status: (total ?? 0) > rows.count ? 206 : 200,
            body: isHead ? [] : body
        )
        answer.contentType = call.mediaType.contentType
        let range = rows.isEmpty ? "*" : "\(call.offset)-\(call.offset + rows.count - 1)"
        answer.headers.append(("Content-Range", "\(range)/\(total.map(String.init) ?? "*")"))
        if let applied = call.preferences.applied {
            answer.headers.append(("Preference-Applied", applied))
        }
        return answer
    }

    private var body: [UInt8] {
        if case .csv = call.mediaType { return csv }
        var writer = JSONWriter()
        if case .object = call.mediaType {
            for row in rows { write(row, to: &writer) }
        } else {
            writer.array { writer in
                for row in rows { write(row, to: &writer) }
            }
        }
        return writer.bytes
    }

    private func write(_ row: RestRow, to writer: inout JSONWriter) {
        var row = row
        writer.object { writer in
            for item in call.selection.items {
                let value = value(of: item, in: &row)
                if value == nil, call.mediaType.stripsNulls { continue }
                writer.key(named: item.name)
                if let value { value.write(to: &writer) } else { writer.null() }
            }
        }
    }

    private func value(of item: RestSelection.Item, in row: inout RestRow) -> ColumnValue? {
        let value = row.value(item.field)
        return item.cast == .text ? value.map { .text($0.text) } : value
    }

    /// A line of names and a line for each row.
    ///
    /// - Source: PostgreSQL, "Composite Types", for what is quoted: PostgREST sends rows in that form.
    private var csv: [UInt8] {
        var lines = [call.selection.items.map { Self.quoted($0.name) }.joined(separator: ",")]
        for row in rows {
            var row = row
            let cells = call.selection.items.map { item in
                value(of: item, in: &row).map { Self.quoted($0.text) } ?? ""
            }
            lines.append(cells.joined(separator: ","))
        }
        return Array(lines.joined(separator: "\n").utf8)
    }

    private static func quoted(_ text: String) -> String {
        let needsQuotes = text.isEmpty || text.contains { ",\"\n\r\t\\ ()".contains($0) }
        guard needsQuotes else { return text }
        let doubled = text.replacing("\\", with: "\\\\").replacing("\"", with: "\"\"")
        return "\"\(doubled)\""
    }
}
