import CStorageShims

/// CRC-32C (RFC 3720, B.4) with seeds that bind bytes to their place.
package enum CRC32C {
    /// The checksum of `bytes`, continuing from `crc`.
    package static func checksum(_ bytes: UnsafeRawBufferPointer, crc: UInt32 = 0) -> UInt32 {
        guard let base = bytes.baseAddress else { return crc }
        return vs_crc32c(crc, base, bytes.count)
    }

    package static func checksum(_ bytes: [UInt8], crc: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeBytes { checksum($0, crc: crc) }
    }

    /// A seed that differs by store, file and position, so that valid bytes in a wrong place fail.
    package static func seed(
        storeUUID: [UInt8],
        fileID: UInt64,
        salt: UInt32 = 0,
        position: UInt64
    )
        -> UInt32
    {
        var crc = checksum(storeUUID)
        withUnsafeBytes(of: (fileID.littleEndian, position.littleEndian)) {
            crc = checksum($0, crc: crc)
        }
        withUnsafeBytes(of: salt.littleEndian) { crc = checksum($0, crc: crc) }
        return crc
    }

    /// The form in which checksums lie among the bytes they cover, so that bytes which hold whole
    /// checksummed structures do not vouch for themselves (as in LevelDB's log format).
    package static func masked(_ crc: UInt32) -> UInt32 {
        (crc >> 15 | crc << 17) &+ 0xA282_EAD8
    }
}
