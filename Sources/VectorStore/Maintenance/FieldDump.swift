import StorageIO

/// The leading fields of files that have no dump of their own, as text.
struct FieldDump {
    let bytes: [UInt8]
    let name: String

    private func number(_ offset: Int, _ byteCount: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<byteCount where offset + index < bytes.count {
            value |= UInt64(bytes[offset + index]) << (8 * index)
        }
        return value
    }

    /// A tombstone file or a centroid set.
    func small(_ magic: UInt64) -> String {
        let checksum = CRC32C.checksum(Array(bytes.dropLast(4)))
        let verdict = checksum == UInt32(number(bytes.count - 4, 4)) ? "good" : "BAD"
        var lines = [
            "\(name), \(bytes.count) bytes, format \(number(8, 2)).\(number(10, 2))",
            "  0x10 store uuid         \(hexadecimal(bytes.dropFirst(16).prefix(16)))",
        ]
        if magic == TombstoneLayout.magicValue {
            lines += [
                "  0x20 segment            \(number(32, 8))",
                "  0x28 LSN                \(number(40, 8))",
                "  0x30 rows               \(number(48, 8))",
                "  0x38 hidden rows        \(number(56, 8))",
            ]
        } else {
            lines += [
                "  0x20 generation         \(number(32, 8))",
                "  0x28 collection         \(number(40, 4))",
                "  0x2c dimension          \(number(44, 4))",
                "  0x30 seed               \(number(48, 8))",
                "  0x38 tables             \(number(56, 4))",
            ]
        }
        lines.append("  0x\(String(bytes.count - 4, radix: 16)) checksum          \(verdict)")
        return lines.joined(separator: "\n") + "\n"
    }

    /// A segment.
    func segment() -> String {
        [
            "segment \(number(SegmentHeaderLayout.segmentID, 8)), \(name)",
            "  format                  \(number(8, 2)).\(number(10, 2))",
            "  collection              \(number(SegmentHeaderLayout.collectionID, 4))",
            "  dimension               \(number(SegmentHeaderLayout.dimension, 4))",
            "  rows                    \(number(SegmentHeaderLayout.rowCount, 8))",
            "  generation              \(number(SegmentHeaderLayout.indexGeneration, 8))",
        ].joined(separator: "\n") + "\n"
    }
}
