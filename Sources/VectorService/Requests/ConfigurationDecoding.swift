import VectorStore

/// Reads `{dimension, metric, partition_by, attributes: {name: {type}}}`.
enum ConfigurationDecoding {
    /// Reads the configuration of the collection `name`.
    static func configuration(
        _ node: JSONNode,
        name: String
    ) throws(Problem) -> CollectionConfiguration {
        var fields = try FieldReader(node)
        guard let dimension = try fields.integer("dimension") else {
            throw .invalidRequest("dimension is missing", field: "dimension")
        }
        var configuration = CollectionConfiguration(name: name, dimension: dimension)
        if let text = try fields.text("metric") {
            guard let metric = Metric(rawValue: text) else {
                throw .invalidRequest("unknown metric \"\(text)\"; use cosine", field: "metric")
            }
            configuration.metric = metric
        }
        configuration.partitionKey = try fields.text("partition_by")
        if let node = fields.optional("attributes") {
            var members = try FieldReader(node, path: "attributes")
            for member in members.rest() {
                configuration.attributes.append(try declaration(member))
            }
        }
        try fields.finish()
        return configuration
    }

    private static func declaration(_ member: JSONMember) throws(Problem) -> AttributeDeclaration {
        let path = "attributes.\(member.key)"
        var fields = try FieldReader(member.node, path: path)
        guard let text = try fields.text("type") else {
            throw .invalidRequest("\(path).type is missing", field: "\(path).type")
        }
        guard let type = AttributeType(rawValue: text) else {
            throw .invalidRequest(
                "unknown type \"\(text)\"; use string, int64, double or bool",
                field: "\(path).type"
            )
        }
        try fields.finish()
        return AttributeDeclaration(member.key, type)
    }
}
