import StorageIO

/// The first page of a log file.
struct LogHeader: Equatable {
    var storeUUID: [UInt8]
    var sequence: UInt64
    var firstLSN: UInt64
    /// How the file before ended; nil for the first file of a store.
    var predecessor: LogFileSummary?
    var salt: UInt32

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.write(LogHeaderLayout.magicValue)
        writer.write(LogHeaderLayout.majorVersion)
        writer.write(LogHeaderLayout.minorVersion)
        writer.write(UInt32(LogHeaderLayout.byteCount))
        writer.write(raw: storeUUID)
        writer.write(sequence)
        writer.write(firstLSN)
        writer.write(predecessor?.sequence ?? 0)
        writer.write(predecessor?.validByteCount ?? 0)
        writer.write(predecessor?.lastLSN ?? 0)
        writer.write(predecessor?.lastCRC ?? 0)
        writer.write(salt)
        writer.write(UInt32(0))
        writer.pad(to: LogHeaderLayout.byteCount)
        let crc = CRC32C.checksum(Array(writer.bytes[..<LogHeaderLayout.checksum]))
        writer.patch(crc, at: LogHeaderLayout.checksum)
        return writer.bytes
    }

    /// Reads a header of any store, for a dump.
    init(dumping bytes: [UInt8], file: String) throws(CorruptionError) {
        guard bytes.count >= LogHeaderLayout.byteCount else {
            throw .truncated(
                file: file,
                offset: 0,
                needed: UInt64(LogHeaderLayout.byteCount),
                available: UInt64(bytes.count)
            )
        }
        var result: Result<LogHeader, CorruptionError>?
        bytes.withUnsafeBytes { buffer in
            let page = UnsafeRawBufferPointer(rebasing: buffer[..<LogHeaderLayout.byteCount])
            do throws(CorruptionError) {
                result = .success(try Self.decode(page, file: file))
            } catch {
                result = .failure(error)
            }
        }
        guard let result else { preconditionFailure("decoding returned nothing") }
        self = try result.get()
    }

    /// Reads a header and checks that it belongs to this store and this file name.
    init(
        decoding bytes: [UInt8],
        file: String,
        storeUUID: [UInt8],
        sequence: UInt64
    ) throws(CorruptionError) {
        try self.init(dumping: bytes, file: file)
        guard self.storeUUID == storeUUID else {
            throw .invalidField(
                file: file,
                offset: UInt64(LogHeaderLayout.storeUUID),
                field: "store uuid",
                found: Self.hex(self.storeUUID),
                expected: Self.hex(storeUUID)
            )
        }
        guard self.sequence == sequence else {
            throw .invalidField(
                file: file,
                offset: UInt64(LogHeaderLayout.sequence),
                field: "sequence",
                found: String(self.sequence),
                expected: String(sequence)
            )
        }
    }

    init(
        storeUUID: [UInt8],
        sequence: UInt64,
        firstLSN: UInt64,
        predecessor: LogFileSummary?,
        salt: UInt32
    ) {
        self.storeUUID = storeUUID
        self.sequence = sequence
        self.firstLSN = firstLSN
        self.predecessor = predecessor
        self.salt = salt
    }

    static func decode(
        _ page: UnsafeRawBufferPointer,
        file: String
    ) throws(CorruptionError) -> LogHeader {
        var reader = ByteReader(page, file: file)
        let magic: UInt64 = try reader.read()
        guard magic == LogHeaderLayout.magicValue else {
            throw .badMagic(
                file: file,
                offset: 0,
                expected: LogHeaderLayout.magicValue,
                found: magic
            )
        }
        let major: UInt16 = try reader.read()
        let minor: UInt16 = try reader.read()
        guard major <= LogHeaderLayout.majorVersion else {
            throw .formatTooNew(
                file: file,
                found: "\(major).\(minor)",
                supported: "\(LogHeaderLayout.majorVersion).\(LogHeaderLayout.minorVersion)"
            )
        }
        let stored = page.loadUnaligned(
            fromByteOffset: LogHeaderLayout.checksum,
            as: UInt32.self
        )
        let found = CRC32C.checksum(
            UnsafeRawBufferPointer(rebasing: page[..<LogHeaderLayout.checksum])
        )
        guard UInt32(littleEndian: stored) == found else {
            throw .checksumMismatch(
                file: file,
                offset: UInt64(LogHeaderLayout.checksum),
                expected: UInt32(littleEndian: stored),
                found: found
            )
        }
        try reader.expect("header length", UInt32(LogHeaderLayout.byteCount))
        let uuid = try reader.readBytes(count: 16)
        let sequence: UInt64 = try reader.read()
        let firstLSN: UInt64 = try reader.read()
        // The bound leaves room to count every change that a file can hold.
        guard firstLSN > 0, firstLSN < 1 << 62 else {
            throw reader.invalid(
                "first LSN",
                found: String(firstLSN),
                expected: "1 to 2^62",
                at: UInt64(LogHeaderLayout.firstLSN)
            )
        }
        let previous: UInt64 = try reader.read()
        let summary = LogFileSummary(
            sequence: previous,
            validByteCount: try reader.read(),
            lastLSN: try reader.read(),
            lastCRC: try reader.read()
        )
        let salt: UInt32 = try reader.read()
        let flags: UInt32 = try reader.read()
        guard flags == 0 else {
            throw .formatTooNew(
                file: file,
                found: "with features \(flags)",
                supported: "without"
            )
        }
        try reader.skipZeros(LogHeaderLayout.checksum - reader.position)
        return LogHeader(
            storeUUID: uuid,
            sequence: sequence,
            firstLSN: firstLSN,
            predecessor: previous == 0 ? nil : summary,
            salt: salt
        )
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
