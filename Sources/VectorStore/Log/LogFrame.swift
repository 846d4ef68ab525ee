import StorageIO

/// One whole frame as read from a file.
struct LogFrame {
    var rawType: UInt8
    var offset: UInt64
    var firstLSN: UInt64
    var operationCount: UInt32
    var syncedUpTo: UInt64
    var checksum: UInt32
    var payload: ArraySlice<UInt8>
    /// Header, payload and padding.
    var byteCount: Int

    /// Nil for a type that this version does not know.
    var type: LogFrameType? { LogFrameType(rawValue: rawType) }

    /// The masked checksum of a frame's bytes from the payload count on.
    static func checksum(
        _ bytes: ArraySlice<UInt8>,
        storeUUID: [UInt8],
        sequence: UInt64,
        salt: UInt32
    ) -> UInt32 {
        let seed = CRC32C.seed(
            storeUUID: storeUUID,
            fileID: sequence,
            salt: salt,
            position: 0
        )
        return bytes.withUnsafeBytes { CRC32C.masked(CRC32C.checksum($0, crc: seed)) }
    }
}

/// Reads frames out of the bytes of one file.
struct LogFrameReader {
    let bytes: [UInt8]
    let header: LogHeader

    /// The frame at `offset`, or nil when the bytes there are not a whole valid frame.
    func frame(at offset: Int) -> LogFrame? {
        let end = offset + LogFrameLayout.headerByteCount
        guard offset.isMultiple(of: LogFrameLayout.alignment), end <= bytes.count else {
            return nil
        }
        let payloadCount = Int(load(UInt32.self, offset + LogFrameLayout.payloadByteCount))
        guard payloadCount <= LogFrameLayout.maximumPayloadByteCount,
            end + payloadCount <= bytes.count,
            load(UInt64.self, offset + LogFrameLayout.offset) == UInt64(offset),
            bytes[offset + LogFrameLayout.flags] == 0,
            load(UInt16.self, offset + LogFrameLayout.reserved) == 0
        else { return nil }
        let stored = load(UInt32.self, offset + LogFrameLayout.checksum)
        let found = LogFrame.checksum(
            bytes[offset + 4..<end + payloadCount],
            storeUUID: header.storeUUID,
            sequence: header.sequence,
            salt: header.salt
        )
        guard stored == found else { return nil }
        let padded =
            (payloadCount + LogFrameLayout.alignment - 1) / LogFrameLayout.alignment
            * LogFrameLayout.alignment
        guard end + padded <= bytes.count,
            bytes[end + payloadCount..<end + padded].allSatisfy({ $0 == 0 })
        else { return nil }
        return LogFrame(
            rawType: bytes[offset + LogFrameLayout.type],
            offset: UInt64(offset),
            firstLSN: load(UInt64.self, offset + LogFrameLayout.firstLSN),
            operationCount: load(UInt32.self, offset + LogFrameLayout.operationCount),
            syncedUpTo: load(UInt64.self, offset + LogFrameLayout.syncedUpTo),
            checksum: stored,
            payload: bytes[end..<end + payloadCount],
            byteCount: LogFrameLayout.headerByteCount + padded
        )
    }

    /// Any valid frame after `offset`, by a scan at the frames' alignment.
    func framesAfter(_ offset: Int) -> [LogFrame] {
        var found: [LogFrame] = []
        var place = offset + LogFrameLayout.alignment
        while place + LogFrameLayout.headerByteCount <= bytes.count {
            // Cheap test first: a frame names its own offset.
            if load(UInt64.self, place + LogFrameLayout.offset) == UInt64(place),
                let frame = frame(at: place)
            {
                found.append(frame)
            }
            place += LogFrameLayout.alignment
        }
        return found
    }

    private func load<T: FixedWidthInteger>(_ type: T.Type, _ offset: Int) -> T {
        bytes.withUnsafeBytes {
            T(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: type))
        }
    }
}
