extension JSONScanner {
    /// Reads a string; the position is at its opening quotation mark.
    mutating func parseString() throws(JSONError) -> String {
        position += 1
        let start = position
        while position < bytes.count {
            switch byte(position) {
            case UInt8(ascii: "\""):
                let text = try decode(copy(start..<position), at: start)
                position += 1
                return text
            case UInt8(ascii: "\\"):
                return try parseEscapedString(from: start)
            case 0..<0x20:
                throw error("unescaped control character in a string")
            default:
                position += 1
            }
        }
        throw error("unexpected end of a string")
    }

    private mutating func parseEscapedString(from start: Int) throws(JSONError) -> String {
        var text = copy(start..<position)
        while position < bytes.count {
            let character = byte(position)
            position += 1
            switch character {
            case UInt8(ascii: "\""):
                return try decode(text, at: start)
            case UInt8(ascii: "\\"):
                try parseEscape(into: &text)
            case 0..<0x20:
                position -= 1
                throw error("unescaped control character in a string")
            default:
                text.append(character)
            }
        }
        throw error("unexpected end of a string")
    }

    private mutating func parseEscape(into text: inout [UInt8]) throws(JSONError) {
        guard let character = peek() else { throw error("unexpected end of a string") }
        position += 1
        switch character {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(character)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            let scalar = try parseScalar()
            text.append(contentsOf: String(Character(scalar)).utf8)
        default:
            position -= 1
            throw error("unknown escape in a string")
        }
    }

    /// Reads the digits after `\u`, and the second half of a surrogate pair.
    private mutating func parseScalar() throws(JSONError) -> Unicode.Scalar {
        let start = position
        let first = try parseHex()
        if let scalar = Unicode.Scalar(first) { return scalar }
        if first < 0xDC00, consume(UInt8(ascii: "\\")), consume(UInt8(ascii: "u")) {
            let second = try parseHex()
            if 0xDC00...0xDFFF ~= second,
                let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
            {
                return scalar
            }
        }
        position = start
        throw error("lone surrogate in a string")
    }

    private mutating func parseHex() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let character = peek() else { throw error("unexpected end of a string") }
            let digit: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = character - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = character - UInt8(ascii: "A") + 10
            default: throw error("expected four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private func decode(_ text: [UInt8], at offset: Int) throws(JSONError) -> String {
        guard let string = String(validating: text, as: UTF8.self) else {
            throw JSONError(reason: "string is not UTF-8", offset: offset)
        }
        return string
    }

    func copy(_ range: Range<Int>) -> [UInt8] {
        Array(bytes[range])
    }
}
