package import VectorStore

/// Writes what the engine returned as JSON.
package enum AnswerEncoding {
    /// Writes an id in the kind it was given.
    package static func write(_ id: RecordID, to writer: inout JSONWriter) {
        switch id {
        case .string(let text): writer.value(text)
        case .integer(let number): writer.value(number)
        case .uuid(let uuid): writer.object { $0.member("uuid", uuid.description) }
        }
    }

    static func write(_ value: AttributeValue, to writer: inout JSONWriter) {
        switch value {
        case .string(let text): writer.value(text)
        case .int64(let number): writer.value(number)
        case .double(let number): writer.value(number)
        case .bool(let flag): writer.value(flag)
        }
    }

    static func writeAttributes(
        _ attributes: [String: AttributeValue],
        to writer: inout JSONWriter
    ) {
        writer.key("attributes")
        writer.object { writer in
            guard !attributes.isEmpty else { return }
            for (name, value) in attributes.sorted(by: { $0.key < $1.key }) {
                writer.key(named: name)
                write(value, to: &writer)
            }
        }
    }

    /// Writes a payload as the JSON it is, or as a string when it is not JSON.
    static func writePayload(_ payload: [UInt8], to writer: inout JSONWriter) {
        writer.key("payload")
        if JSONScanner.isValid(payload) {
            writer.embed(payload)
        } else {
            writer.value(String(decoding: payload, as: UTF8.self))
        }
    }

    static func writeVector(_ vector: [Float], to writer: inout JSONWriter) {
        writer.key("vector")
        writer.array { for float in vector { $0.value(float) } }
    }

    static func write(_ record: Record, include: IncludedFields, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.key("id")
            write(record.id, to: &writer)
            if let partition = record.partition { writer.member("partition", partition) }
            if include.contains(.attributes) { writeAttributes(record.attributes, to: &writer) }
            if include.contains(.payload), let payload = record.payload {
                writePayload(payload, to: &writer)
            }
            if include.contains(.vector) { writeVector(record.vector, to: &writer) }
        }
    }

    private static func write(
        _ match: UnsafePointer<Match>,
        include: IncludedFields,
        metadata: MetadataAnswer?,
        to writer: inout JSONWriter
    ) {
        writer.object { writer in
            writer.key("id")
            write(match.pointee.id, to: &writer)
            writer.member("similarity", match.pointee.similarity)
            writer.member("distance", match.pointee.distance)
            if let partition = match.pointee.partition { writer.member("partition", partition) }
            if include.contains(.attributes) {
                writeAttributes(match.pointee.attributes, to: &writer)
            }
            if let payload = match.pointee.payload { writePayload(payload, to: &writer) }
            if let vector = match.pointee.vector { writeVector(vector, to: &writer) }
            if let metadata {
                writer.key("metadata")
                if let row = metadata.rows[match.pointee.id.metadataKey] {
                    row.write(to: &writer)
                } else {
                    writer.null()
                }
            }
        }
    }

    /// Writes the members of the answer to one query.
    static func write(
        _ result: SearchResult,
        for request: RequestedQuery,
        metadata: MetadataAnswer?,
        milliseconds: Double,
        searchMilliseconds: Double,
        to writer: inout JSONWriter
    ) {
        writer.key("matches")
        writer.array { writer in
            let include = request.query.include
            // Where they are: a loop over the array would copy each of them.
            result.matches.withUnsafeBufferPointer { matches in
                guard let first = matches.baseAddress else { return }
                for place in matches.indices {
                    write(first + place, include: include, metadata: metadata, to: &writer)
                }
            }
        }
        if let metadata { writeStatus(of: metadata, for: result, to: &writer) }
        writer.key("stats")
        SearchStatisticsEncoding.write(
            result.statistics,
            milliseconds: milliseconds,
            searchMilliseconds: searchMilliseconds,
            isExplained: request.explain,
            to: &writer
        )
        if request.explain {
            writer.member(
                "explain",
                SearchStatisticsEncoding.explanation(
                    of: result.statistics,
                    query: request.query
                )
            )
        }
    }

    /// Says whether every match has its row, and which have none.
    private static func writeStatus(
        of metadata: MetadataAnswer,
        for result: SearchResult,
        to writer: inout JSONWriter
    ) {
        let missing = result.matches.filter { metadata.missing.contains($0.id.metadataKey) }
        let isUnknown = result.matches.contains {
            let key = $0.id.metadataKey
            return metadata.rows[key] == nil && !metadata.missing.contains(key)
        }
        writer.member(
            "metadata",
            isUnknown ? "unavailable" : missing.isEmpty ? "complete" : "incomplete"
        )
        if !missing.isEmpty {
            writer.key("metadata_missing")
            writer.array { writer in
                for match in missing { write(match.id, to: &writer) }
            }
        }
    }

    static func write(_ receipt: WriteReceipt) -> [UInt8] {
        JSONWriter.text { writer in
            writer.member("count", receipt.count)
            writer.member("lsn", receipt.lsn)
        }
    }
}
