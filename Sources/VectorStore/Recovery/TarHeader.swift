/// The header of a file in an archive: ustar (POSIX.1-1988), sizes of 8 GiB and more as GNU tar has them.
struct TarHeader: Equatable {
    var name: String
    var byteCount: UInt64

    static let blockByteCount = 512

    /// Where fields lie: offset and length.
    private enum Field {
        static let name = (0, 100)
        static let mode = (100, 8)
        static let owner = (108, 8)
        static let group = (116, 8)
        static let size = (124, 12)
        static let time = (136, 12)
        static let checksum = (148, 8)
        static let kind = 156
        static let magic = 257
    }

    /// The block before a file's bytes.
    ///
    /// - Precondition: The name has at most 100 bytes.
    var block: [UInt8] {
        var block = [UInt8](repeating: 0, count: Self.blockByteCount)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
        }
        func octal(_ value: UInt64, _ field: (Int, Int)) {
            let digits = String(value, radix: 8)
            let zeros = String(repeating: "0", count: field.1 - 1 - digits.utf8.count)
            put(zeros + digits, at: field.0)
        }
        precondition(name.utf8.count <= Field.name.1)
        put(name, at: Field.name.0)
        octal(0o600, Field.mode)
        octal(0, Field.owner)
        octal(0, Field.group)
        if byteCount < 1 << 33 {
            octal(byteCount, Field.size)
        } else {
            block[Field.size.0] = 0x80
            for index in 0..<8 {
                let byte = UInt8(truncatingIfNeeded: byteCount >> (8 * index))
                block[Field.size.0 + 11 - index] = byte
            }
        }
        octal(0, Field.time)
        block[Field.kind] = UInt8(ascii: "0")
        put("ustar\u{0}00", at: Field.magic)
        let digits = String(Self.sum(of: block), radix: 8)
        put(String(repeating: "0", count: 6 - digits.utf8.count) + digits + "\u{0} ", at: 148)
        return block
    }

    /// The sum of a header's bytes, its checksum taken as spaces.
    private static func sum(of block: [UInt8]) -> Int {
        var sum = block.reduce(0) { $0 + Int($1) }
        for place in 0..<Field.checksum.1 {
            sum += Int(UInt8(ascii: " ")) - Int(block[Field.checksum.0 + place])
        }
        return sum
    }

    init(name: String, byteCount: UInt64) {
        self.name = name
        self.byteCount = byteCount
    }

    /// What a block says; nil when it is no header of a plain file.
    init?(block: [UInt8]) {
        guard block.count == Self.blockByteCount,
            let sum = Self.octal(block, Field.checksum), sum == UInt64(Self.sum(of: block)),
            block[Field.kind] == UInt8(ascii: "0") || block[Field.kind] == 0
        else { return nil }
        let bytes = block[..<Field.name.1].prefix { $0 != 0 }
        guard let name = String(validating: bytes, as: UTF8.self), !name.isEmpty else { return nil }
        self.name = name
        if block[Field.size.0] == 0x80 {
            let high = block[(Field.size.0 + 1)..<(Field.size.0 + 4)]
            guard high.allSatisfy({ $0 == 0 }) else { return nil }
            byteCount = block[(Field.size.0 + 4)..<(Field.size.0 + 12)]
                .reduce(0) { $0 << 8 | UInt64($1) }
        } else {
            guard let size = Self.octal(block, Field.size) else { return nil }
            byteCount = size
        }
    }

    private static func octal(_ block: [UInt8], _ field: (Int, Int)) -> UInt64? {
        let digits = block[field.0..<(field.0 + field.1)]
            .drop { $0 == UInt8(ascii: " ") }
            .prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
        guard !digits.isEmpty, let text = String(validating: digits, as: UTF8.self) else {
            return nil
        }
        return UInt64(text, radix: 8)
    }
}
