/// The description of the interface (OpenAPI 3.1).
enum OpenAPIDocument {
    static let text = "{}"
}
