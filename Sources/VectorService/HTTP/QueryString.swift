/// The parameters of an address, as forms and `URLSearchParams` encode them.
package enum QueryString {
    /// The most parameters of one address.
    static let maximumCount = 1_000

    /// Splits and decodes `a=1&b=x%20y+z`; nil when an escape is broken or the text is not UTF-8.
    ///
    /// - Source: WHATWG URL, application/x-www-form-urlencoded parsing.
    package static func parameters(
        _ query: some StringProtocol
    ) -> [(name: String, value: String)]? {
        if query.isEmpty { return [] }
        var text = String(query)
        return text.withUTF8 { bytes in
            var parameters: [(name: String, value: String)] = []
            parameters.reserveCapacity(4)
            var start = 0
            while start < bytes.count {
                let end = bytes[start...].firstIndex(of: UInt8(ascii: "&")) ?? bytes.count
                let pair = bytes[start..<end]
                start = end + 1
                if pair.isEmpty { continue }
                let sign = pair.firstIndex(of: UInt8(ascii: "=")) ?? end
                guard parameters.count < maximumCount,
                    let name = decoded(pair[..<sign]),
                    let value = decoded(pair[min(sign + 1, end)...])
                else { return nil }
                parameters.append((name, value))
            }
            return parameters
        }
    }

    /// Resolves `%XX` and `+`; nil when the result is not text.
    private static func decoded(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> String? {
        let text = UnsafeBufferPointer(rebasing: text)
        let isPlain = text.allSatisfy {
            $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "%") && $0 < 0x80
        }
        // Most have nothing to resolve, and nothing that could be no text.
        if isPlain { return String(decoding: text, as: UTF8.self) }
        var bytes: [UInt8] = []
        var iterator = text.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(digit),
                    let low = iterator.next().flatMap(digit)
                else { return nil }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
