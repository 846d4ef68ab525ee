import VectorStore

extension RecordDecoding {
    /// Reads records whose vectors are the body, one after the other as little-endian float32.
    ///
    /// The address names the rest: `ids=a,b,c` or `first_id=100` for consecutive integers, and
    /// `partition`, or the partition key, for all of them.
    static func packed(
        _ request: ServiceRequest,
        configuration: CollectionConfiguration
    ) throws(Problem) -> [Record] {
        let byteCount = configuration.dimension * 4
        guard !request.body.isEmpty, request.body.count.isMultiple(of: byteCount) else {
            throw Problem(
                status: 400,
                code: "dimension_mismatch",
                detail: "the body has \(request.body.count) bytes; it must be whole vectors of "
                    + "\(configuration.dimension) little-endian float32, \(byteCount) bytes each"
            )
        }
        let count = request.body.count / byteCount
        let members = request.parameters.map {
            JSONMember(key: $0.name, node: JSONNode(.string($0.value)))
        }
        guard Set(members.map(\.key)).count == members.count else {
            throw .invalidRequest("a parameter is given twice")
        }
        var fields = try FieldReader(JSONNode(.object(members)))
        let names = try fields.text("ids")
        let first = try fields.text("first_id")
        let partition = try fields.text("partition")
        let named = try configuration.partitionKey.flatMap { (key) throws(Problem) in
            key == "partition" ? nil : try fields.text(key)
        }
        try fields.finish()
        let ids: [RecordID]
        switch (names, first) {
        case (let names?, nil):
            ids = names.split(separator: ",", omittingEmptySubsequences: false)
                .map { .string(String($0)) }
        case (nil, let first?):
            guard let first = UInt64(first),
                !first.addingReportingOverflow(UInt64(count)).overflow
            else { throw .invalidRequest("first_id is no integer", field: "first_id") }
            ids = (0..<UInt64(count)).map { .integer(first + $0) }
        default:
            throw .invalidRequest("give either ids or first_id in the address", field: "ids")
        }
        guard ids.count == count else {
            throw .invalidRequest("there are \(count) vectors and \(ids.count) ids", field: "ids")
        }
        return ids.enumerated().map { index, id in
            let bytes = Array(request.body[index * byteCount..<(index + 1) * byteCount])
            return Record(
                id: id,
                vector: VectorDecoding.floats(of: bytes) ?? [],
                partition: named ?? partition
            )
        }
    }
}
