/// Byte positions of a centroid file, format 1. See docs/formats/centroids.md.
enum CentroidLayout {
    static let magicValue: UInt64 = 0x0A0D_0054_4E43_5356  // "VSCNT\0\r\n"
    static let majorVersion: UInt16 = 1
    static let minorVersion: UInt16 = 0
    /// The most lists of one table.
    static let maximumNlist = 1 << 20
}
