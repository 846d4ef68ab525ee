/// Byte positions of a log file, format 1.1.
///
/// See docs/formats/wal.md.
enum LogHeaderLayout {
    static let magicValue: UInt64 = 0x0A0D_004C_4157_5356  // "VSWAL\0\r\n"
    static let magic = 0  // UInt64
    static let major = 8  // UInt16
    static let minor = 10  // UInt16
    static let headerByteCount = 12  // UInt32
    static let storeUUID = 16  // 16 bytes
    static let sequence = 32  // UInt64
    static let firstLSN = 40  // UInt64
    static let previousSequence = 48  // UInt64, 0 for the first file
    static let previousValidByteCount = 56  // UInt64
    static let previousLastLSN = 64  // UInt64
    static let previousLastCRC = 72  // UInt32
    static let salt = 76  // UInt32
    static let incompatibleFlags = 80  // UInt32
    static let checksum = 4_092  // UInt32 over everything before
    static let byteCount = 4_096

    static let majorVersion: UInt16 = 1
    static let minorVersion: UInt16 = 1
}

/// Byte positions of one frame of a log file.
enum LogFrameLayout {
    static let checksum = 0  // UInt32, masked, over bytes 4 ..< 40 + payload
    static let payloadByteCount = 4  // UInt32
    static let offset = 8  // UInt64, the frame's own place in the file
    static let firstLSN = 16  // UInt64
    static let operationCount = 24  // UInt32
    static let type = 28  // UInt8
    static let flags = 29  // UInt8, zero
    static let reserved = 30  // UInt16, zero
    static let syncedUpTo = 32  // UInt64
    static let headerByteCount = 40
    /// Frames begin at multiples of this; the payload is followed by zeros.
    static let alignment = 8
    static let maximumPayloadByteCount = 16 << 20
}

/// What a frame is.
///
/// Numbers are frozen; 4 is reserved for a sentinel that nothing writes.
enum LogFrameType: UInt8 {
    /// A frame of an unknown type may be passed over when its type has this bit.
    static let skippableBit: UInt8 = 0x80

    /// A group of changes.
    case batch = 1
    /// The file was ended on purpose; nothing follows.
    case seal = 2
    /// Nothing was cut off before this place.
    case idleMark = 3
    /// Writes that were done under an id.
    case knownWrites = 0x85
}

/// One entry of a frame of known writes.
enum KnownWriteLayout {
    static let id = 0  // 16 bytes, in text order
    static let lsn = 16  // UInt64
    static let collection = 24  // UInt32
    static let count = 28  // UInt32
    static let byteCount = 32
}

/// Tags of changes in a payload.
///
/// Numbers are frozen.
enum LogOperationTag {
    static let upsert: UInt8 = 1
    static let delete: UInt8 = 2
}
