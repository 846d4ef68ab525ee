/// The trace that a request belongs to.
///
/// - Source: W3C Trace Context, level 1, section 3.2.
package struct TraceContext: Sendable, Equatable {
    /// 32 hexadecimal digits, not all zero.
    package var traceID: String
    /// 16 hexadecimal digits, not all zero: the caller's part of it.
    package var parentID: String
    /// Whether the caller records it.
    package var isSampled: Bool

    /// Reads a `traceparent` header; nil when it is none.
    package init?(_ header: String?) {
        guard let header else { return nil }
        let parts = header.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 4, Self.isHexadecimal(parts[0], count: 2), parts[0] != "ff",
            parts[0] != "00" || parts.count == 4,
            Self.isHexadecimal(parts[1], count: 32), parts[1].contains(where: { $0 != "0" }),
            Self.isHexadecimal(parts[2], count: 16), parts[2].contains(where: { $0 != "0" }),
            Self.isHexadecimal(parts[3], count: 2), let flags = UInt8(parts[3], radix: 16)
        else { return nil }
        traceID = parts[1]
        parentID = parts[2]
        isSampled = flags & 1 == 1
    }

    /// The header for a request made on behalf of this one, with a part of our own.
    package func child() -> String {
        let own = String(UInt64.random(in: 1 ... .max), radix: 16)
        let padded = String(repeating: "0", count: 16 - own.count) + own
        return "00-\(traceID)-\(padded)-\(isSampled ? "01" : "00")"
    }

    private static func isHexadecimal(_ text: String, count: Int) -> Bool {
        text.utf8.count == count
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"):
                    true
                default: false
                }
            }
    }
}
