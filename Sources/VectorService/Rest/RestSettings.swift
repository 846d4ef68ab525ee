/// What `/rest/v1` offers.
package struct RestSettings: Sendable, Equatable {
    /// The functions that may be called.
    package var functions = FunctionRegistry()
    /// The schemas that a client may name; the first one is meant when it names none.
    package var schemas = ["public"]
    /// The origins that web pages may come from; `*` is any.
    package var allowedOrigins = ["*"]

    /// No function.
    package init() {}

    /// Reads the object `rest` of the configuration.
    package init(_ node: JSONNode) throws(ConfigurationProblem) {
        let (schemas, origins) = try ConfigurationProblem.reading("rest") { () throws(Problem) in
            var fields = try FieldReader(node, path: "rest")
            let schemas = try fields.texts("schemas") ?? ["public"]
            let origins = try fields.texts("allowed_origins") ?? ["*"]
            try fields.finish()
            return (schemas, origins)
        }
        guard !schemas.isEmpty else {
            throw ConfigurationProblem("rest.schemas", "must name a schema, as \"public\"")
        }
        self.schemas = schemas
        allowedOrigins = origins
    }
}
