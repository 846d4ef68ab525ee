/// Bytes on disk that cannot be believed: the place, what was expected and what was found.
package enum CorruptionError: Error, Equatable, Sendable, CustomStringConvertible {
    case truncated(file: String, offset: UInt64, needed: UInt64, available: UInt64)
    case checksumMismatch(file: String, offset: UInt64, expected: UInt32, found: UInt32)
    case badMagic(file: String, offset: UInt64, expected: UInt64, found: UInt64)
    case invalidField(file: String, offset: UInt64, field: String, found: String, expected: String)
    case formatTooNew(file: String, found: String, supported: String)
    case missingFile(file: String, reason: String)
    case logDamaged(file: String, offset: UInt64, reason: String)
    /// The bytes could not be read at all.
    case unreadable(StorageIOError)

    package var description: String {
        switch self {
        case .truncated(let file, let offset, let needed, let available):
            "\(file), offset \(offset): \(needed) bytes are needed, \(available) are there"
        case .checksumMismatch(let file, let offset, let expected, let found):
            "\(file), offset \(offset): checksum is \(hex(found)), expected \(hex(expected))"
        case .badMagic(let file, let offset, let expected, let found):
            "\(file), offset \(offset): magic is 0x\(String(found, radix: 16)), expected "
                + "0x\(String(expected, radix: 16))"
        case .invalidField(let file, let offset, let field, let found, let expected):
            "\(file), offset \(offset): \(field) is \(found), expected \(expected)"
        case .formatTooNew(let file, let found, let supported):
            "\(file): format \(found) is newer than \(supported), the newest this version reads"
        case .missingFile(let file, let reason):
            "\(file) is missing: \(reason)"
        case .logDamaged(let file, let offset, let reason):
            "\(file), offset \(offset): the log is damaged: \(reason)"
        case .unreadable(let error):
            error.description
        }
    }

    private func hex(_ value: UInt32) -> String {
        "0x" + String(value, radix: 16)
    }
}
