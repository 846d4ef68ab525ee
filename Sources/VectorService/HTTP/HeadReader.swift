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
        var reader = Lines(bytes: UnsafeRawBufferPointer(rebasing: bytes[..<(count - 2)]))
        guard var head = reader.requestLine() else { return .unusual }
        var fields: [(name: String, value: String)] = []
        fields.reserveCapacity(8)
        var bodyByteCount: Int?
        while !reader.isAtEnd {
            guard fields.count < limits.headerCount, let field = reader.field(limits) else {
                return .unusual
            }
            switch field.name {
            case "content-length":
                guard bodyByteCount == nil, let length = length(field.value) else {
                    return .unusual
                }
                bodyByteCount = length
                fields.append(field)
            case "host":
                guard head.authority == nil else { return .unusual }
                head.authority = field.value
            case "connection":
                guard field.value.lowercased() == "keep-alive" else { return .unusual }
                fields.append(field)
            case "transfer-encoding", "upgrade", "expect", "trailer", "http2-settings":
                return .unusual
            default: fields.append(field)
            }
        }
        head.headers = RequestHeaders(lowercased: fields)
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

    /// Takes a head apart line by line; every line ends in CRLF.
    private struct Lines {
        let bytes: UnsafeRawBufferPointer
        var position = 0

        var isAtEnd: Bool { position == bytes.count }

        /// `METHOD SP target SP HTTP/1.1 CRLF`, the target a path with parameters.
        mutating func requestLine() -> RequestHead? {
            let methodStart = position
            while let byte = peek(), UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte { position += 1 }
            let method = methodStart..<position
            guard 1...16 ~= method.count, take(UInt8(ascii: " ")) else { return nil }
            let targetStart = position
            var queryStart: Int?
            while let byte = peek(), byte > 0x20, byte < 0x7F {
                if byte == UInt8(ascii: "#") { return nil }
                if byte == UInt8(ascii: "?"), queryStart == nil { queryStart = position }
                position += 1
            }
            let targetEnd = position
            guard targetEnd > targetStart, bytes[targetStart] == UInt8(ascii: "/"),
                targetEnd == targetStart + 1 || bytes[targetStart + 1] != UInt8(ascii: "/"),
                take(" HTTP/1.1\r\n")
            else { return nil }
            let name = text(method)
            // What follows CONNECT is no request.
            guard name != "CONNECT" else { return nil }
            return RequestHead(
                method: name,
                path: text(targetStart..<(queryStart ?? targetEnd)),
                query: queryStart.map { text(($0 + 1)..<targetEnd) } ?? ""
            )
        }

        /// `name ":" value CRLF`; the name comes back in lower case.
        mutating func field(_ limits: HTTPLimits) -> (name: String, value: String)? {
            let start = position
            while let byte = peek(), Self.isToken(byte) { position += 1 }
            let name = start..<position
            guard !name.isEmpty, take(UInt8(ascii: ":")) else { return nil }
            while peek() == 0x20 || peek() == 0x09 { position += 1 }
            let valueStart = position
            while let byte = peek(), byte >= 0x20 && byte < 0x7F || byte == 0x09 { position += 1 }
            var valueEnd = position
            guard take("\r\n"), position - start <= limits.headerFieldBytes else { return nil }
            while valueEnd > valueStart,
                bytes[valueEnd - 1] == 0x20 || bytes[valueEnd - 1] == 0x09
            {
                valueEnd -= 1
            }
            let lower = String(unsafeUninitializedCapacity: name.count) { buffer in
                for (index, place) in name.enumerated() {
                    let byte = bytes[place]
                    let isUpper = UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
                    buffer[index] = isUpper ? byte | 0x20 : byte
                }
                return name.count
            }
            return (lower, text(valueStart..<valueEnd))
        }

        private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

        private mutating func take(_ byte: UInt8) -> Bool {
            guard peek() == byte else { return false }
            position += 1
            return true
        }

        private mutating func take(_ word: StaticString) -> Bool {
            let count = word.utf8CodeUnitCount
            guard bytes.count - position >= count,
                (0..<count).allSatisfy({ bytes[position + $0] == word.utf8Start[$0] })
            else { return false }
            position += count
            return true
        }

        private func text(_ range: Range<Int>) -> String {
            String(decoding: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self)
        }

        /// - Source: RFC 9110, section 5.6.2.
        private static func isToken(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"),
                UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "_"),
                UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
                true
            default: false
            }
        }
    }
}
