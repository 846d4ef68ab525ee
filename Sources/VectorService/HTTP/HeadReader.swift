import Glibc

/// Reads heads of requests in their plainest form and nothing else.
///
/// What it takes, every reader of HTTP/1.1 reads the same way; whatever could be read in two ways, or
/// needs an answer before the body, is `.unusual` and left to the full decoder, which is stricter or more
/// lenient as it likes.
///
/// - Source: RFC 9112, sections 2 to 6.
enum HeadReader {
    enum Outcome {
        /// The head has not ended yet.
        case incomplete
        /// It is for the full decoder to read or to refuse.
        case unusual
        /// A head of `byteCount` bytes, before a body of `bodyByteCount`.
        case head(RequestHead, byteCount: Int, bodyByteCount: Int)
    }

    /// The longest body that is told; longer ones are unusual.
    static let maximumBodyByteCount = 64 << 20

    static func read(_ bytes: UnsafeRawBufferPointer, limits: HTTPLimits) -> Outcome {
        guard let count = end(of: bytes) else {
            return bytes.count > limits.headerListBytes || isHopeless(bytes)
                ? .unusual : .incomplete
        }
        guard count <= limits.headerListBytes else { return .unusual }
        guard var reader = HeadLines(UnsafeRawBufferPointer(rebasing: bytes[..<(count - 2)])),
            let line = reader.requestLine()
        else { return .unusual }
        var authority: String?
        var fields: [(name: String, value: String)] = []
        fields.reserveCapacity(8)
        var bodyByteCount: Int?
        while !reader.isAtEnd {
            guard fields.count < limits.headerCount,
                let field = reader.field(maximumByteCount: limits.headerFieldBytes)
            else { return .unusual }
            switch field.name {
            case "content-length":
                guard bodyByteCount == nil, let length = length(field.value) else {
                    return .unusual
                }
                bodyByteCount = length
                fields.append(field)
            case "host":
                guard authority == nil else { return .unusual }
                authority = field.value
            case "connection":
                guard field.value.lowercased() == "keep-alive" else { return .unusual }
                fields.append(field)
            case "transfer-encoding", "upgrade", "expect", "trailer", "http2-settings":
                return .unusual
            default: fields.append(field)
            }
        }
        let head = RequestHead(
            method: line.method,
            path: line.path,
            query: line.query,
            authority: authority,
            headers: RequestHeaders(lowercased: fields)
        )
        return .head(head, byteCount: count, bodyByteCount: bodyByteCount ?? 0)
    }

    /// The length of the head with the empty line that ends it; nil when there is none yet.
    private static func end(of bytes: UnsafeRawBufferPointer) -> Int? {
        guard let start = bytes.baseAddress else { return nil }
        var position = 0
        while position + 4 <= bytes.count,
            let found = memchr(start + position, 0x0D, bytes.count - position - 3)
        {
            position = UnsafeRawPointer(found) - start
            if bytes[position + 1] == 0x0A, bytes[position + 2] == 0x0D,
                bytes[position + 3] == 0x0A
            {
                return position + 4
            }
            position += 1
        }
        return nil
    }

    /// Whether nothing that may follow makes a plain head of these bytes, so that nobody need wait.
    private static func isHopeless(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let first = bytes.first, UInt8(ascii: "A")...UInt8(ascii: "Z") ~= first else {
            return true
        }
        var last: UInt8 = 0
        for byte in bytes {
            if byte == 0x0A, last != 0x0D { return true }
            last = byte
        }
        return false
    }

    /// Digits and nothing else.
    private static func length(_ text: String) -> Int? {
        guard 1...9 ~= text.utf8.count,
            text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            let length = Int(text), length <= maximumBodyByteCount
        else { return nil }
        return length
    }
}
