import VectorStore

/// The header field that names a write, so that it may be sent again.
///
/// See draft-ietf-httpapi-idempotency-key-header: a string in quotes, here of a UUID. Quotes may be missing.
enum IdempotencyKey {
    static let field = "idempotency-key"

    /// - Throws: 400 for anything but one UUID.
    static func read(_ headers: RequestHeaders) throws(Problem) -> WriteID? {
        guard let value = headers[field] else { return nil }
        var text = Substring(value)
        if text.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") {
            text = text.dropFirst().dropLast()
        }
        guard let uuid = RecordUUID(String(text)) else {
            throw .invalidRequest(
                "the header Idempotency-Key must be one UUID, for instance "
                    + "\"9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d\"",
                field: "Idempotency-Key"
            )
        }
        return WriteID(uuid)
    }
}
