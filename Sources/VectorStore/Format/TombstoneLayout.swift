/// Byte positions of a tombstone file, format 1.
///
/// See docs/formats/tombstones.md.
enum TombstoneLayout {
    static let magicValue: UInt64 = 0x0A0D_004C_4544_5356  // "VSDEL\0\r\n"
    static let majorVersion: UInt16 = 1
    static let minorVersion: UInt16 = 0
    // magic UInt64 · major UInt16 · minor UInt16 · flags UInt32 · store uuid 16 · segment id UInt64 ·
    // lsn UInt64 · row count UInt64 · hidden count UInt64 · words UInt64[(rows + 63) / 64] · CRC UInt32
    static let headerByteCount = 64
}
