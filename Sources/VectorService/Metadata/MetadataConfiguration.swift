/// The table that holds the metadata of one collection's records.
package struct MetadataTable: Sendable, Equatable {
    /// What an id of the table is; ids of the store that are none have no row.
    package enum IDType: String, Sendable, CaseIterable {
        case text
        case uuid
        case bigint
    }

    /// The collection.
    package var collection: String
    /// The table's schema, if the search path is not to be used.
    package var schema: String?
    /// The table's name.
    package var table: String
    /// The column that holds the record's id; it should be unique.
    package var idColumn: String
    /// What the ids are.
    package var idType: IDType
    /// The columns that answers carry, in their order.
    package var columns: [String]
    /// The name under which a row is forgotten, as in `videos:{video_id}:{id}`.
    package var cacheKey: CacheKeyTemplate
    /// Whether a query fails when its metadata cannot be read.
    package var isRequired: Bool

    /// The table as SQL names it.
    package var sqlName: String {
        (schema.map { Self.quoted($0) + "." } ?? "") + Self.quoted(table)
    }

    /// The one statement: the rows of some ids, each column as the JSON value it is.
    package var selectStatement: String {
        let names = [idColumn] + columns
        let values = names.enumerated().map { index, name in
            index == 0
                ? "t.\(Self.quoted(name))::text" : "to_json(t.\(Self.quoted(name)))::text"
        }
        return "SELECT \(values.joined(separator: ", ")) FROM \(sqlName) t "
            + "WHERE t.\(Self.quoted(idColumn)) = ANY($1::\(idType.rawValue)[])"
    }

    /// A name as SQL takes it, whatever it holds.
    static func quoted(_ name: String) -> String {
        "\"" + name.replacing("\"", with: "\"\"") + "\""
    }

    /// An id of the store as the table would have it; nil when it cannot be one of the table's.
    func key(of id: String) -> String? {
        guard !id.utf8.contains(0) else { return nil }
        switch idType {
        case .text: return id
        case .bigint: return Int64(id).map(String.init)
        case .uuid:
            let parts = id.split(separator: "-", omittingEmptySubsequences: false).map(\.utf8.count)
            guard parts == [8, 4, 4, 4, 12],
                id.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || Self.isHexadecimal($0) })
            else { return nil }
            return id.lowercased()
        }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}

/// The name of a cached row: text with columns in braces, as in `videos:{video_id}:{id}`.
package struct CacheKeyTemplate: Sendable, Equatable {
    enum Part: Sendable, Equatable {
        case text(String)
        case column(String)
    }

    let parts: [Part]

    /// The columns it names.
    var columns: [String] {
        parts.compactMap { if case .column(let name) = $0 { name } else { nil } }
    }

    /// Reads a template; nil when its braces do not match or a column has no name.
    init?(_ text: String) {
        var parts: [Part] = []
        var rest = Substring(text)
        while let open = rest.firstIndex(of: "{") {
            if open > rest.startIndex { parts.append(.text(String(rest[..<open]))) }
            guard let close = rest[open...].firstIndex(of: "}") else { return nil }
            let name = rest[rest.index(after: open)..<close]
            guard !name.isEmpty, !name.contains("{") else { return nil }
            parts.append(.column(String(name)))
            rest = rest[rest.index(after: close)...]
        }
        guard !rest.contains("}") else { return nil }
        if !rest.isEmpty { parts.append(.text(String(rest))) }
        guard !parts.isEmpty else { return nil }
        self.parts = parts
    }

    func key(_ value: (String) -> String) -> String {
        parts.reduce(into: "") { key, part in
            switch part {
            case .text(let text): key += text
            case .column(let name): key += value(name)
            }
        }
    }
}

/// Reads `metadata.collections` of the configuration file.
package enum MetadataConfiguration {
    /// The tables, one for each collection that has one.
    package static func tables(
        of file: ConfigurationFile?
    ) throws(ConfigurationError) -> [MetadataTable] {
        guard let file, let node = file.root["metadata"]?["collections"] else { return [] }
        guard let members = node.members else {
            throw file.error(node, "must name collections, each with its table")
        }
        var tables: [MetadataTable] = []
        for member in members { tables.append(try table(member.key, member.node, file)) }
        return tables
    }

    private static func table(
        _ collection: String,
        _ node: ConfigurationNode,
        _ file: ConfigurationFile
    ) throws(ConfigurationError) -> MetadataTable {
        guard let members = node.members else {
            throw file.error(node, "must hold table and columns")
        }
        let known = ["table", "id", "id_type", "columns", "cache_key", "require"]
        for member in members where !known.contains(member.key) {
            throw file.error(
                member.node,
                "is unknown; a table takes \(known.joined(separator: ", "))"
            )
        }
        func text(_ key: String) throws(ConfigurationError) -> String? {
            guard let child = node[key] else { return nil }
            guard let text = child.text, !text.isEmpty, !text.utf8.contains(0) else {
                throw file.error(child, "must be text")
            }
            return text
        }
        guard let name = try text("table") else {
            throw file.error(node, "needs table, as in public.video_chunks")
        }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }) else {
            throw file.error(node["table"] ?? node, "must be TABLE or SCHEMA.TABLE")
        }
        let idColumn = try text("id") ?? "id"
        let columns = try columns(node, file)
        let typeName = try text("id_type") ?? MetadataTable.IDType.text.rawValue
        guard let idType = MetadataTable.IDType(rawValue: typeName) else {
            let names = MetadataTable.IDType.allCases.map(\.rawValue).joined(separator: ", ")
            throw file.error(node["id_type"] ?? node, "must be one of \(names)")
        }
        let templateText = try text("cache_key") ?? "\(collection):{\(idColumn)}"
        guard let template = CacheKeyTemplate(templateText) else {
            throw file.error(node["cache_key"] ?? node, "must look like videos:{video_id}:{id}")
        }
        for column in template.columns where column != idColumn && !columns.contains(column) {
            throw file.error(node["cache_key"] ?? node, "names \(column), which columns does not")
        }
        var isRequired = false
        if let text = try text("require") {
            guard let flag = Setting.flag(text) else {
                throw file.error(node["require"] ?? node, "must be true or false")
            }
            isRequired = flag
        }
        return MetadataTable(
            collection: collection,
            schema: parts.count == 2 ? parts[0] : nil,
            table: parts[parts.count - 1],
            idColumn: idColumn,
            idType: idType,
            columns: columns,
            cacheKey: template,
            isRequired: isRequired
        )
    }

    private static func columns(
        _ node: ConfigurationNode,
        _ file: ConfigurationFile
    ) throws(ConfigurationError) -> [String] {
        guard let list = node["columns"], let elements = list.elements, !elements.isEmpty else {
            throw file.error(node["columns"] ?? node, "needs columns, as in [title, text]")
        }
        var names: [String] = []
        for element in elements {
            guard let name = element.text, !name.isEmpty, !name.utf8.contains(0) else {
                throw file.error(element, "must be the name of a column")
            }
            guard !names.contains(name) else {
                throw file.error(element, "names \(name) twice")
            }
            names.append(name)
        }
        return names
    }
}
