/// The description of the interface (OpenAPI 3.1), written by hand and held against the routes by a
/// test.
enum OpenAPI {
    /// The document, JSON.
    static let document: [UInt8] = {
        let both =
            paths.dropLast().trimmingSuffix { $0.isWhitespace } + ",\n" + recordPaths.dropFirst()
        let text = """
            {"openapi": "3.1.0",
            "info": {"title": "vector-server", "version": "\(StoreService.version)",
              "description": "Vectors over HTTP/1.1, on a unix socket or TCP."},
            "security": [{"bearer": []}, {"apikey": []}, {}],
            "paths": \(both),
            "components": {"securitySchemes": {
              "bearer": {"type": "http", "scheme": "bearer"},
              "apikey": {"type": "apiKey", "in": "header", "name": "apikey"}},
            "parameters": {"IdempotencyKey": {
              "name": "Idempotency-Key", "in": "header", "required": false,
              "description": "Names the write: sent again with the same key it is not done again.",
              "schema": {"type": "string", "format": "uuid"}}},
            "schemas": \(schemas)}}
            """
        return Array(text.utf8)
    }()
}

extension Substring {
    fileprivate func trimmingSuffix(while condition: (Character) -> Bool) -> Substring {
        var text = self
        while let last = text.last, condition(last) { text.removeLast() }
        return text
    }
}
