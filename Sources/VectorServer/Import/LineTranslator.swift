import VectorService

/// Makes a record of a line: finds id, vector and partition under the names they have in the file,
/// takes declared attributes for attributes and everything else for the payload.
struct LineTranslator {
    /// The field that holds the id.
    var idField = "id"
    /// The field that holds the vector.
    var vectorField = "vector"
    /// The field that holds the partition.
    var partitionField: String?
    /// The names of the declared attributes.
    var attributes: Set<String> = []
    /// The columns that go to Postgres, which the payload then leaves out; nil when none does.
    var metadata: (idColumn: String, columns: [String])?

    /// What is wrong with a line.
    struct Refusal: Error, CustomStringConvertible {
        var description: String
    }

    /// Appends the record of one line.
    ///
    /// - Parameter vector: The line's vector, when it lies in another file.
    func append(_ line: [UInt8], vector: [Float]?, to writer: inout JSONWriter) throws {
        let node = try JSONScanner.parse(line, vectorKey: vectorField)
        guard let members = node.members else { throw Refusal(description: "not a JSON object") }
        guard let id = node[idField] else {
            throw Refusal(description: "the field \"\(idField)\" is missing")
        }
        guard vector != nil || node[vectorField] != nil else {
            throw Refusal(description: "the field \"\(vectorField)\" is missing")
        }
        writer.object { writer in
            writer.key("id")
            writer.embed(line[id.range])
            writer.key("vector")
            if let vector {
                writer.object { $0.member("base64", Base64.encode(vector)) }
            } else if let inline = node[vectorField] {
                writer.embed(line[inline.range])
            }
            if let partitionField, let partition = node[partitionField] {
                writer.key("partition")
                writer.embed(line[partition.range])
            }
            let used: Set = [idField, vectorField, partitionField ?? ""]
            writeRest(members.filter { !used.contains($0.key) }, line, to: &writer)
        }
    }

    /// Appends the row of one line for the metadata table.
    ///
    /// - Precondition: `append` took the line.
    func appendMetadata(_ line: [UInt8], to writer: inout JSONWriter) throws {
        guard let metadata else { return }
        let node = try JSONScanner.parse(line, vectorKey: vectorField)
        writer.object { writer in
            if let id = node[idField] {
                writer.key(named: metadata.idColumn)
                writer.value(id["uuid"]?.text ?? plainID(id))
            }
            for column in metadata.columns where column != metadata.idColumn {
                guard let value = node[column] else { continue }
                writer.key(named: column)
                writer.embed(line[value.range])
            }
        }
    }

    private func writeRest(
        _ members: [JSONMember],
        _ line: [UInt8],
        to writer: inout JSONWriter
    ) {
        var values: [JSONMember] = []
        var rest: [JSONMember] = []
        for member in members {
            if attributes.contains(member.key) {
                values.append(member)
            } else if member.key == "attributes", let nested = member.node.members {
                values += nested
            } else if metadata?.columns.contains(member.key) != true {
                rest.append(member)
            }
        }
        if !values.isEmpty {
            writer.key("attributes")
            writer.object { write(values, line, to: &$0) }
        }
        if rest.count == 1, rest[0].key == "payload" {
            writer.key("payload")
            writer.embed(line[rest[0].node.range])
        } else if !rest.isEmpty {
            writer.key("payload")
            writer.object { write(rest, line, to: &$0) }
        }
    }

    private func write(_ members: [JSONMember], _ line: [UInt8], to writer: inout JSONWriter) {
        for member in members {
            writer.key(named: member.key)
            writer.embed(line[member.node.range])
        }
    }
}
