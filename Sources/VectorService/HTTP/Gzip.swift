/// Compression of answers (RFC 1952).
enum Gzip {
    /// Smaller answers fit into few packets as they are.
    static let minimumByteCount = 32 << 10

    /// Whether `Accept-Encoding` takes gzip.
    static func isAccepted(by header: String?) -> Bool {
        guard let header else { return false }
        for item in header.lowercased().split(separator: ",") {
            let parts = item.split(separator: ";").map { $0.filter { $0 != " " } }
            guard parts.first == "gzip" || parts.first == "*" else { continue }
            let quality = parts.dropFirst().first { $0.hasPrefix("q=") }?.dropFirst(2)
            return (quality.map { Double($0) ?? 0 } ?? 1) > 0
        }
        return false
    }

    /// Compresses bytes; nil when zlib refuses.
    static func compress(_ bytes: [UInt8]) -> [UInt8]? {
        try? GzipStream().compress(bytes, isLast: true)
    }
}
