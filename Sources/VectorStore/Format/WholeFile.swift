import StorageIO

/// What small files that are read whole have in common.
enum WholeFile {
    /// Reads a file whose size is known.
    static func read(
        _ path: String,
        name: String,
        expected: UInt64,
        fileSystem: any FileSystem
    ) throws(LoadError) -> [UInt8] {
        let file = try open(path, name: name, expected: expected, fileSystem: fileSystem)
        return try loading { () throws(StorageIOError) in try file.readAll() }
    }

    /// Opens a file whose size is known.
    static func open(
        _ path: String,
        name: String,
        expected: UInt64,
        fileSystem: any FileSystem
    ) throws(LoadError) -> any StorageFile {
        guard let status = try loading({ () throws(StorageIOError) in try fileSystem.status(path) })
        else {
            throw .corruption(.missingFile(file: name, reason: "the manifest names it"))
        }
        guard status.kind == .regular else {
            throw .corruption(.missingFile(file: name, reason: "it is not a regular file"))
        }
        guard status.byteCount == expected else {
            throw .corruption(
                .invalidField(
                    file: name,
                    offset: 0,
                    field: "byte count",
                    found: String(status.byteCount),
                    expected: String(expected)
                )
            )
        }
        return try loading { () throws(StorageIOError) in
            try fileSystem.open(path, .read)
        }
    }

    /// Checks the CRC-32C in the last four bytes, and that it is the one expected.
    static func checkTrailingChecksum(
        _ bytes: [UInt8],
        file: String,
        expected: UInt32
    ) throws(CorruptionError) {
        let body = max(0, bytes.count - 4)
        let found = CRC32C.checksum(Array(bytes[..<body]))
        var stored: UInt32 = 0
        for (index, byte) in bytes[body...].enumerated() { stored |= UInt32(byte) << (8 * index) }
        guard bytes.count >= 4, found == stored, found == expected else {
            throw .checksumMismatch(
                file: file,
                offset: UInt64(body),
                expected: expected,
                found: found == expected ? stored : found
            )
        }
    }

    /// Magic, version, flags and store UUID.
    static func checkHead(
        _ reader: inout ByteReader,
        magic: UInt64,
        major: UInt16,
        minor: UInt16,
        storeUUID: [UInt8]
    ) throws(CorruptionError) {
        let found: UInt64 = try reader.read()
        guard found == magic else {
            throw .badMagic(file: reader.fileName, offset: 0, expected: magic, found: found)
        }
        let foundMajor: UInt16 = try reader.read()
        let foundMinor: UInt16 = try reader.read()
        guard foundMajor <= major else {
            throw .formatTooNew(
                file: reader.fileName,
                found: "\(foundMajor).\(foundMinor)",
                supported: "\(major).\(minor)"
            )
        }
        let flags: UInt32 = try reader.read()
        guard flags == 0 else {
            throw .formatTooNew(
                file: reader.fileName,
                found: "with features \(flags)",
                supported: "without"
            )
        }
        let uuid = try reader.readBytes(count: 16)
        guard uuid == storeUUID else {
            throw reader.invalid("store uuid", found: "\(uuid)", expected: "\(storeUUID)")
        }
    }
}

extension ByteReader {
    /// Reads a number that must have one value.
    mutating func expect<T: FixedWidthInteger>(
        _ field: String,
        _ expected: T
    ) throws(CorruptionError) {
        let start = offset
        let found: T = try read()
        guard found == expected else {
            throw invalid(field, found: String(found), expected: String(expected), at: start)
        }
    }
}
