/// Base64 with the URL alphabet and without padding (RFC 4648, section 5; RFC 7515, section 2).
enum Base64URL {
    /// Decodes the one right spelling of some bytes; nil for any other text.
    static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var group: UInt32 = 0
        var bitCount = 0
        for character in text {
            let value: UInt8
            switch character {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = character - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = character - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0") + 52
            case UInt8(ascii: "-"): value = 62
            case UInt8(ascii: "_"): value = 63
            default: return nil
            }
            group = group << 6 | UInt32(value)
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(bitCount)))
                group &= 1 << UInt32(bitCount) - 1
            }
        }
        // A lone last character, or bits behind the last byte, make a second spelling.
        guard bitCount < 6, group == 0 else { return nil }
        return bytes
    }

    /// Encodes bytes.
    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        let text = Base64.encode(Array(bytes))
        return String(
            decoding: text.utf8.compactMap { character -> UInt8? in
                switch character {
                case UInt8(ascii: "+"): UInt8(ascii: "-")
                case UInt8(ascii: "/"): UInt8(ascii: "_")
                case UInt8(ascii: "="): nil
                default: character
                }
            },
            as: UTF8.self
        )
    }
}
