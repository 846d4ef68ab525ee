/// A token taken apart, its signature not yet looked at.
///
/// - Source: RFC 7515 (JWS compact form), RFC 8725 (best practices).
struct ParsedToken {
    /// The longest token that is read.
    static let maximumByteCount = 16 << 10

    /// The claimed algorithm.
    let algorithm: TokenAlgorithm
    /// The claimed key.
    let keyID: String?
    /// The claims, an object without repeated keys.
    let claims: JSONNode
    /// The bytes that are signed.
    let signedText: [UInt8]
    /// The signature.
    let signature: [UInt8]

    /// Takes a token apart; each part has one right spelling only.
    init(_ token: String, types: Set<String>) throws(TokenRefusal) {
        let bytes = Array(token.utf8)
        guard bytes.count <= Self.maximumByteCount else {
            throw .malformed("The token is too long")
        }
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else {
            throw .malformed("Expected 3 parts in JWT; got \(parts.count)")
        }
        guard let header = Base64URL.decode(parts[0]), let payload = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2]), !signature.isEmpty
        else { throw .malformed("A part of the JWT is not base64url") }
        let fields = try Self.object(header, "header")
        claims = try Self.object(payload, "payload")
        self.signature = signature
        signedText = Array(bytes[..<(parts[0].count + 1 + parts[1].count)])
        guard let name = fields["alg"]?.text, let algorithm = TokenAlgorithm(rawValue: name) else {
            throw .malformed("The JWT is signed with an algorithm that is not accepted")
        }
        self.algorithm = algorithm
        // What is critical and not known must not be ignored; what changes the form is not known.
        for name in ["crit", "b64", "zip", "enc"] where fields[name] != nil {
            throw .malformed("The JWT has the header field \(name), which is not supported")
        }
        if let type = fields["typ"] {
            guard let text = type.text, types.contains(text.lowercased()) else {
                throw .malformed("The JWT is of a type that is not accepted")
            }
        }
        if let type = fields["cty"], type.value != .null {
            throw .malformed("A JWT inside a JWT is not accepted")
        }
        switch fields["kid"]?.value {
        case nil: keyID = nil
        case .string(let id)? where !id.isEmpty && id.utf8.count <= 256: keyID = id
        default: throw .malformed("The header field kid is not a string of 1 to 256 bytes")
        }
    }

    private static func object(_ bytes: [UInt8], _ part: String) throws(TokenRefusal) -> JSONNode {
        guard let node = try? JSONScanner.parse(bytes, vectorKey: nil), node.members != nil else {
            throw .malformed("The \(part) of the JWT is not a JSON object without repeated keys")
        }
        return node
    }
}
