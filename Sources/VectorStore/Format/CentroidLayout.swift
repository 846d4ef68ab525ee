/// Byte positions of a centroid file, format 1.
///
/// See docs/formats/centroids.md.
enum CentroidLayout {
    static let magicValue: UInt64 = 0x0A0D_0054_4E43_5356  // "VSCNT\0\r\n"
    static let majorVersion: UInt16 = 1
    static let minorVersion: UInt16 = 0
    // magic UInt64 · major UInt16 · minor UInt16 · flags UInt32 · store uuid 16
    static let generation = 32  // UInt64
    static let collectionID = 40  // UInt32
    static let dimension = 44  // UInt32
    static let seed = 48  // UInt64
    static let tableCount = 56  // UInt32
    static let directoryByteCount = 60  // UInt32, header and directory of tables
    static let headerByteCount = 64
    // Then the directory, zeros up to 64, and the tables' centroids, each followed by zeros up to 64.
    // The last four bytes are a UInt32: CRC-32C over everything before.

    /// Centroids begin at multiples of this.
    static let alignment = 64

    /// In a table's flags: over the whole collection.
    static let isGlobal: UInt32 = 1

    static func aligned(_ offset: UInt64) -> UInt64 {
        (offset + UInt64(alignment) - 1) / UInt64(alignment) * UInt64(alignment)
    }
}
