/// Reads a vector in each form it travels in.
enum VectorDecoding {
    /// Reads a JSON array of numbers, the text form `"[0.1,2]"`, or `{"base64": "…"}` of
    /// little-endian float32.
    static func vector(_ node: JSONNode, field: String) throws(Problem) -> [Float] {
        switch node.value {
        case .floats(let floats):
            return floats
        case .array(let nodes):
            // The scanner makes floats of an array of numbers, so this is empty or holds others.
            guard nodes.isEmpty else {
                throw .invalidRequest("\(field) must hold numbers only", field: field)
            }
            return []
        case .string(let text):
            do {
                if let floats = try JSONScanner.parseFloats(text) { return floats }
            } catch {
                throw .invalidRequest("\(field) is not a vector: \(error)", field: field)
            }
            throw .invalidRequest(
                "\(field) must have the form \"[0.1,0.2]\" when it is a string",
                field: field
            )
        case .object:
            var fields = try FieldReader(node, path: field)
            let text = try fields.text("base64")
            try fields.finish()
            guard let text, let bytes = Base64.decode(text), let floats = floats(of: bytes) else {
                throw .invalidRequest(
                    "\(field).base64 must be base64 of little-endian float32",
                    field: field
                )
            }
            return floats
        default:
            throw .invalidRequest(
                "\(field) must be an array of numbers, a string or {\"base64\": …}",
                field: field
            )
        }
    }

    /// Reads packed little-endian float32; nil when the bytes are not a whole number of floats.
    static func floats(of bytes: [UInt8]) -> [Float]? {
        guard bytes.count.isMultiple(of: 4) else { return nil }
        var floats = [Float](unsafeUninitializedCapacity: bytes.count / 4) { floats, count in
            bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(floats).copyMemory(from: $0) }
            count = bytes.count / 4
        }
        // Where memory is little-endian too, they are the floats already.
        if 1.littleEndian != 1 {
            for index in floats.indices {
                floats[index] = Float(bitPattern: UInt32(littleEndian: floats[index].bitPattern))
            }
        }
        return floats
    }
}

/// Base64 with the standard alphabet and padding (RFC 4648, section 4).
package enum Base64 {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
    )

    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }()

    /// Encodes bytes.
    package static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group = UInt32(bytes[start]) << 16
            if count > 1 { group |= UInt32(bytes[start + 1]) << 8 }
            if count > 2 { group |= UInt32(bytes[start + 2]) }
            for position in 0..<4 {
                let value = Int(group >> UInt32(18 - 6 * position) & 63)
                text.append(position <= count ? alphabet[value] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Encodes floats as little-endian float32.
    package static func encode(_ floats: [Float]) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 * floats.count)
        for float in floats {
            withUnsafeBytes(of: float.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
        }
        return encode(bytes)
    }

    /// Decodes text; nil when it is not base64.
    package static func decode(_ text: String) -> [UInt8]? {
        var characters = Array(text.utf8)
        guard characters.count.isMultiple(of: 4) else { return nil }
        var padding = 0
        while padding < 2, characters.last == UInt8(ascii: "=") {
            characters.removeLast()
            padding += 1
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count * 3 / 4)
        var group: UInt32 = 0
        var bitCount = 0
        for character in characters {
            let value = values[Int(character)]
            guard value < 64 else { return nil }
            group = group << 6 | UInt32(value)
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(bitCount)))
            }
        }
        // The bits that padding leaves over are zero in the one right spelling.
        guard group & (1 << UInt32(bitCount) - 1) == 0 else { return nil }
        return bytes
    }
}
