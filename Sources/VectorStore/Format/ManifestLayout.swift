/// Byte positions of a manifest, format 1.
///
/// See docs/formats/manifest.md.
enum ManifestLayout {
    static let magicValue: UInt64 = 0x0A0D_004E_414D_5356  // "VSMAN\0\r\n"
    static let magic = 0  // UInt64
    static let major = 8  // UInt16
    static let minor = 10  // UInt16
    static let compatibleFlags = 12  // UInt32
    static let readOnlyCompatibleFlags = 16  // UInt32
    static let incompatibleFlags = 20  // UInt32
    static let byteCount = 24  // UInt64, of the whole file
    static let storeUUID = 32  // 16 bytes
    static let number = 48  // UInt64
    static let fixedByteCount = 48

    static let majorVersion: UInt16 = 1
    static let minorVersion: UInt16 = 0
}
