package import VectorStore

/// Reads records, ids and patches.
package enum RecordDecoding {
    /// Reads an id: a string, an unsigned integer or `{"uuid": "…"}`.
    package static func id(_ node: JSONNode, field: String) throws(Problem) -> RecordID {
        switch node.value {
        case .string(let text): return .string(text)
        case .unsigned(let number): return .integer(number)
        case .object:
            var fields = try FieldReader(node, path: field)
            let text = try fields.text("uuid")
            try fields.finish()
            if let text, let uuid = RecordUUID(text) { return .uuid(uuid) }
        default: break
        }
        throw Problem(
            status: 400,
            code: "invalid_id",
            detail: "\(field) must be a string, an unsigned 64-bit integer or {\"uuid\": \"…\"}",
            field: field
        )
    }

    /// Reads a list of ids.
    static func ids(_ nodes: [JSONNode], field: String) throws(Problem) -> [RecordID] {
        var ids: [RecordID] = []
        ids.reserveCapacity(nodes.count)
        for (index, node) in nodes.enumerated() {
            let id = try id(node, field: "\(field)[\(index)]")
            if case .string(let text) = id, text.utf8.count > RecordID.maximumStringByteCount {
                throw .invalidRequest(
                    "\(field)[\(index)] has \(text.utf8.count) bytes; an id has at most "
                        + "\(RecordID.maximumStringByteCount)",
                    field: "\(field)[\(index)]"
                )
            }
            ids.append(id)
        }
        return ids
    }

    /// Reads the body of an upsert: one object with `records`, or one record a line.
    static func records(
        _ body: [UInt8],
        isLines: Bool,
        configuration: CollectionConfiguration
    ) throws(Problem) -> [Record] {
        isLines
            ? try lines(body, configuration: configuration)
            : try batch(body, configuration: configuration)
    }

    private static func batch(
        _ body: [UInt8],
        configuration: CollectionConfiguration
    ) throws(Problem) -> [Record] {
        var fields = try FieldReader(try parse(body))
        guard let nodes = try fields.array("records") else {
            throw .invalidRequest("records is missing", field: "records")
        }
        try fields.finish()
        var records: [Record] = []
        records.reserveCapacity(nodes.count)
        for (row, node) in nodes.enumerated() {
            records.append(try record(node, row: row, text: body, configuration: configuration))
        }
        return records
    }

    private static func lines(
        _ body: [UInt8],
        configuration: CollectionConfiguration
    ) throws(Problem) -> [Record] {
        var records: [Record] = []
        for line in body.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true) {
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            let row = records.count
            let text = Array(line)
            do {
                let node = try parse(text)
                records.append(
                    try record(node, row: row, text: text, configuration: configuration)
                )
            } catch {
                var problem = error
                problem.row = row
                throw problem
            }
        }
        return records
    }

    private static func record(
        _ node: JSONNode,
        row: Int,
        text: [UInt8],
        configuration: CollectionConfiguration
    ) throws(Problem) -> Record {
        do {
            return try record(node, text: text, configuration: configuration)
        } catch {
            var problem = error
            problem.row = row
            throw problem
        }
    }

    /// Reads a record.
    ///
    /// Fields that are no part of a record are declared attributes, or else members of the payload
    /// when the record has no `payload` of its own.
    package static func record(
        _ node: JSONNode,
        text: [UInt8],
        configuration: CollectionConfiguration
    ) throws(Problem) -> Record {
        var fields = try FieldReader(node)
        let id = try id(try fields.required("id"), field: "id")
        let vector = try VectorDecoding.vector(try fields.required("vector"), field: "vector")
        let partition = try partition(&fields, configuration: configuration)
        var attributes: [String: AttributeValue] = [:]
        if let node = fields.optional("attributes") {
            var members = try FieldReader(node, path: "attributes")
            for member in members.rest() where member.node.value != .null {
                attributes[member.key] = try AttributeDecoding.value(
                    member.node,
                    type: type(of: member.key, in: configuration),
                    field: "attributes.\(member.key)"
                )
            }
        }
        for declaration in configuration.attributes where declaration.name != "payload" {
            guard let node = fields.optional(declaration.name) else { continue }
            guard attributes[declaration.name] == nil else {
                throw .invalidRequest(
                    "\(declaration.name) is given twice",
                    field: declaration.name
                )
            }
            attributes[declaration.name] = try AttributeDecoding.value(
                node,
                type: declaration.type,
                field: declaration.name
            )
        }
        let payload = try payload(&fields, text: text)
        return Record(
            id: id,
            vector: vector,
            partition: partition,
            attributes: attributes,
            payload: payload
        )
    }

    private static func partition(
        _ fields: inout FieldReader,
        configuration: CollectionConfiguration
    ) throws(Problem) -> String? {
        let plain = try fields.text("partition")
        guard let key = configuration.partitionKey, key != "partition" else { return plain }
        let named = try fields.text(key)
        guard plain == nil || named == nil || plain == named else {
            throw .invalidRequest("partition and \(key) differ", field: key)
        }
        return plain ?? named
    }

    private static func payload(
        _ fields: inout FieldReader,
        text: [UInt8]
    ) throws(Problem) -> [UInt8]? {
        if let node = fields.raw("payload") {
            try fields.finish()
            return node.value == .null ? nil : Array(text[node.range])
        }
        let rest = fields.rest()
        guard !rest.isEmpty else { return nil }
        return JSONWriter.text { writer in
            for member in rest {
                writer.key(named: member.key)
                writer.embed(text[member.node.range])
            }
        }
    }

    /// Reads `{"updates": [{id, attributes, payload, partition, new_id}]}`.
    static func patches(
        _ body: [UInt8],
        configuration: CollectionConfiguration
    ) throws(Problem) -> [RecordPatch] {
        var fields = try FieldReader(try parse(body))
        guard let nodes = try fields.array("updates") else {
            throw .invalidRequest("updates is missing", field: "updates")
        }
        try fields.finish()
        var patches: [RecordPatch] = []
        for (row, node) in nodes.enumerated() {
            do {
                patches.append(try patch(node, text: body, configuration: configuration))
            } catch {
                var problem = error
                problem.row = row
                throw problem
            }
        }
        return patches
    }

    private static func patch(
        _ node: JSONNode,
        text: [UInt8],
        configuration: CollectionConfiguration
    ) throws(Problem) -> RecordPatch {
        var fields = try FieldReader(node)
        var patch = RecordPatch(id: try id(try fields.required("id"), field: "id"))
        if let node = fields.optional("attributes") {
            var members = try FieldReader(node, path: "attributes")
            for member in members.rest() {
                let value: AttributeValue? =
                    member.node.value == .null
                    ? nil
                    : try AttributeDecoding.value(
                        member.node,
                        type: type(of: member.key, in: configuration),
                        field: "attributes.\(member.key)"
                    )
                patch.attributes[member.key] = .some(value)
            }
        }
        if let node = fields.raw("payload") {
            patch.payload = .some(node.value == .null ? nil : Array(text[node.range]))
        }
        patch.partition = try partition(&fields, configuration: configuration)
        if let node = fields.optional("new_id") { patch.newID = try id(node, field: "new_id") }
        try fields.finish()
        return patch
    }

    private static func type(
        of attribute: String,
        in configuration: CollectionConfiguration
    ) -> AttributeType? {
        configuration.attributes.first { $0.name == attribute }?.type
    }

    /// Parses a body.
    static func parse(_ body: [UInt8]) throws(Problem) -> JSONNode {
        do {
            return try JSONScanner.parse(body)
        } catch {
            throw .invalidJSON(error)
        }
    }
}
