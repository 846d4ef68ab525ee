import StorageIO

/// Makes frames that follow one another in a file.
struct LogFrameWriter {
    let storeUUID: [UInt8]
    let sequence: UInt64
    let salt: UInt32
    /// Where the next frame begins.
    private(set) var offset: UInt64
    let syncedUpTo: UInt64
    private(set) var bytes: [UInt8] = []
    /// The stored checksum of the last frame, 0 before there is one.
    private(set) var lastCRC: UInt32 = 0

    init(storeUUID: [UInt8], sequence: UInt64, salt: UInt32, offset: UInt64, syncedUpTo: UInt64) {
        self.storeUUID = storeUUID
        self.sequence = sequence
        self.salt = salt
        self.offset = offset
        self.syncedUpTo = syncedUpTo
    }

    mutating func append(
        _ type: LogFrameType,
        payload: [UInt8] = [],
        firstLSN: UInt64,
        operationCount: Int = 0
    ) {
        var writer = ByteWriter()
        writer.bytes.reserveCapacity(payload.count + LogFrameLayout.headerByteCount + 8)
        writer.write(UInt32(0))
        writer.write(UInt32(payload.count))
        writer.write(offset)
        writer.write(firstLSN)
        writer.write(UInt32(operationCount))
        writer.write(type.rawValue)
        writer.write(UInt8(0))
        writer.write(UInt16(0))
        writer.write(syncedUpTo)
        writer.write(raw: payload)
        let crc = LogFrame.checksum(
            writer.bytes[4...],
            storeUUID: storeUUID,
            sequence: sequence,
            salt: salt
        )
        writer.patch(crc, at: LogFrameLayout.checksum)
        writer.pad(to: LogFrameLayout.alignment)
        offset += UInt64(writer.count)
        lastCRC = crc
        // One frame is the rule, and may be large.
        if bytes.isEmpty { bytes = writer.bytes } else { bytes += writer.bytes }
    }

    mutating func append(_ knownWrites: [KnownWrite], firstLSN: UInt64) {
        var writer = ByteWriter()
        for write in knownWrites { write.encode(into: &writer) }
        append(.knownWrites, payload: writer.bytes, firstLSN: firstLSN)
    }
}
