import Glibc

/// Takes a head apart line by line, in its plainest form; every line ends in CRLF.
///
/// The bytes are the caller's and stay where they are while it is in use.
struct HeadLines {
    private let base: UnsafePointer<UInt8>
    private let count: Int
    private var position = 0

    /// Begins at the request line.
    ///
    /// - Parameter bytes: A head without the empty line that ends it.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.assumingMemoryBound(to: UInt8.self).baseAddress else { return nil }
        self.base = base
        count = bytes.count
    }

    /// Whether all lines were read.
    var isAtEnd: Bool { position == count }

    /// `METHOD SP target SP HTTP/1.1 CRLF`, the target a path with parameters; nil for anything else.
    ///
    /// - Source: RFC 9112, section 3.
    mutating func requestLine() -> (method: String, path: String, query: String)? {
        let method = pass { Self.isUpper($0) }
        guard 1...16 ~= method.count, take(" ") else { return nil }
        let path = pass { $0 > 0x20 && $0 < 0x7F && $0 != 0x3F && $0 != 0x23 }
        var query = position..<position
        if take("?") { query = pass { $0 > 0x20 && $0 < 0x7F && $0 != 0x23 } }
        guard !path.isEmpty, base[path.lowerBound] == UInt8(ascii: "/"),
            path.count == 1 || base[path.lowerBound + 1] != UInt8(ascii: "/"),
            take(" HTTP/1.1\r\n")
        else { return nil }
        let name = text(method)
        // What follows CONNECT is no request.
        guard name != "CONNECT" else { return nil }
        return (name, text(path), text(query))
    }

    /// `name ":" value CRLF`, the name in lower case; nil for anything else and for what is longer.
    ///
    /// - Source: RFC 9112, section 5.
    mutating func field(maximumByteCount: Int) -> (name: String, value: String)? {
        let start = position
        let name = pass { Self.isToken($0) }
        guard !name.isEmpty, take(":") else { return nil }
        _ = pass { $0 == 0x20 || $0 == 0x09 }
        let value = pass { $0 >= 0x20 && $0 < 0x7F || $0 == 0x09 }
        guard take("\r\n"), position - start <= maximumByteCount else { return nil }
        var end = value.upperBound
        while end > value.lowerBound, base[end - 1] == 0x20 || base[end - 1] == 0x09 { end -= 1 }
        let lower = String(unsafeUninitializedCapacity: name.count) { buffer in
            for index in 0..<name.count {
                let byte = base[name.lowerBound + index]
                buffer[index] = Self.isUpper(byte) ? byte | 0x20 : byte
            }
            return name.count
        }
        return (lower, text(value.lowerBound..<end))
    }

    /// Goes past the bytes of a kind.
    @inline(__always)
    private mutating func pass(_ isWanted: (UInt8) -> Bool) -> Range<Int> {
        let start = position
        var place = start
        while place < count, isWanted(base[place]) { place += 1 }
        position = place
        return start..<place
    }

    @inline(__always)
    private mutating func take(_ word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard count - position >= length, memcmp(base + position, word.utf8Start, length) == 0
        else { return false }
        position += length
        return true
    }

    private func text(_ range: Range<Int>) -> String {
        String(
            decoding: UnsafeBufferPointer(start: base + range.lowerBound, count: range.count),
            as: UTF8.self
        )
    }

    @inline(__always)
    private static func isUpper(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "A") < 26 }

    /// Whether a byte is a letter, a digit or one of ``!#$%&'*+-.^_`|~``.
    ///
    /// - Source: RFC 9110, section 5.6.2.
    @inline(__always)
    private static func isToken(_ byte: UInt8) -> Bool {
        // A bit for each byte below 64, and for each from there on.
        let (low, high): (UInt64, UInt64) = (0x03FF_6CFA_0000_0000, 0x57FF_FFFF_C7FF_FFFE)
        return byte < 128 && (byte < 64 ? low : high) >> UInt64(byte & 63) & 1 == 1
    }
}
