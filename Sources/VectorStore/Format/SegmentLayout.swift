// Where the bytes of a segment file lie; docs/formats/segment.md is the page to this file.
//
//   header 4 KiB · sections, each from a 4 KiB boundary · checksum table · footer 4 KiB
//
// - All integers are little-endian; every byte that nothing below names is zero, and checked.
// - Sections follow one another without gaps beyond the padding to 4 KiB, so a section table has
//   exactly one valid form and sections cannot overlap.
// - Every 64 KiB block of every section has a masked CRC-32C, seeded with store, segment and offset.

/// Sizes shared by all parts of a segment file.
enum SegmentLayout {
    static let pageByteCount = 4_096
    /// Bytes under one checksum, counted from the start of each section.
    static let blockByteCount = 65_536
    static let formatMajor: UInt16 = 1
    static let formatMinor: UInt16 = 3
    /// Rows start on multiples of this.
    static let rowAlignment = 64
    /// Ordinals are UInt32, and the last value means none.
    static let maximumRowCount = UInt64(UInt32.max) - 1
    /// In a field for an optional UInt32.
    static let none = UInt32.max

    static func rowStride(dimension: Int) -> Int {
        (dimension * 4 + rowAlignment - 1) / rowAlignment * rowAlignment
    }
}

/// Byte offsets in the header.
enum SegmentHeaderLayout {
    /// "VSSEGMNT" in file order.
    static let magicValue: UInt64 = 0x544E_4D47_4553_5356

    static let magic = 0  // UInt64
    static let formatMajor = 8  // UInt16
    static let formatMinor = 10  // UInt16
    static let headerByteCount = 12  // UInt32, 4096
    static let storeUUID = 16  // 16 bytes
    static let segmentID = 32  // UInt64
    static let collectionID = 40  // UInt32
    static let dimension = 44  // UInt32
    static let rowStride = 48  // UInt32, bytes
    static let columnCount = 52  // UInt32
    static let rowCount = 56  // UInt64
    static let indexGeneration = 64  // UInt64
    static let compatibleFlags = 72  // UInt32: a reader may ignore unknown ones
    static let readCompatibleFlags = 76  // UInt32: as segments are never written again, as above
    static let incompatibleFlags = 80  // UInt32: a reader refuses unknown ones
    static let reserved = 84  // UInt32, zero
    static let lsnMin = 88  // UInt64
    static let lsnMax = 96  // UInt64
    static let end = 104  // zeros from here
    static let checksum = 4_092  // UInt32, masked CRC-32C of [0, 4092)
}

/// Byte offsets in the footer, counted from its start.
enum SegmentFooterLayout {
    /// "VSSEGFTR" in file order.
    static let magicValue: UInt64 = 0x5254_4647_4553_5356
    /// "VSSEGEND" in file order.
    static let endMagicValue: UInt64 = 0x444E_4547_4553_5356

    static let magic = 0  // UInt64
    static let sectionCount = 8  // UInt32
    static let fileByteCount = 16  // UInt64
    static let rowCount = 24  // UInt64
    static let partitionCount = 32  // UInt64
    static let checksumTableOffset = 40  // UInt64
    static let checksumCount = 48  // UInt64
    static let checksumTableCRC = 56  // UInt32, masked
    static let sections = 64  // entries of the section table
    static let sectionEntryByteCount = 24  // kind UInt32, zero UInt32, offset UInt64, count UInt64
    static let maximumSectionCount = 64
    static let reserved = [12, 60]  // UInt32 each, zero
    static let checksum = 4_084  // UInt32, masked CRC-32C of [0, 4084)
    static let endMagic = 4_088  // UInt64
}

/// The kinds of sections.
///
/// Numbers are frozen; a retired one keeps its line.
enum SegmentSectionKind: UInt32, CaseIterable, Sendable {
    case partitionDirectory = 1
    case listDirectory = 2
    case globalLists = 3
    /// Of 1.1, read no more: one-bit codes with float32 factors, list by list.
    case retiredCodes = 4
    /// Rotated rows of one byte a coordinate.
    case byteRows = 5
    case vectors = 6
    case idOffsets = 7
    case idBytes = 8
    case idMap = 9
    case rowLSNs = 10
    case attributeColumns = 11
    case columnDirectory = 12
    case payloadBlockDirectory = 13
    case payloadBlocks = 14
    case payloadLocations = 15
    /// Of 1.1, read no more: the same in the order of the global lists.
    case retiredGlobalCodes = 16
    /// One-bit codes of the partitions' own lists.
    case listCodes = 17
    /// Posting lists over all rows in which a row may be in two lists.
    case postings = 18
    /// One-bit codes in the order of the postings.
    case postingCodes = 19
    /// One-bit codes of partitions without lists, each under the mean of its rows.
    case flatCodes = 20
    /// Recall by nprobe of the postings, for rows that came after the index was calibrated.
    case calibration = 21

    /// Sections whose blocks are checked when they are first read; all others are checked at open.
    var isVerifiedLazily: Bool {
        self == .vectors || self == .payloadBlocks || self == .byteRows
    }
}

/// Partition directory: a count, entries in the order of the keys' UTF-8 bytes, then the keys.
enum PartitionDirectoryLayout {
    static let count = 0  // UInt64
    static let entries = 8
    static let entryByteCount = 48

    // In an entry:
    static let keyOffset = 0  // UInt64, from the start of the keys
    static let keyByteCount = 8  // UInt32
    static let centroidTable = 12  // UInt32, 0xFFFFFFFF for none
    static let firstOrdinal = 16  // UInt64
    static let rowCount = 24  // UInt64
    static let listOffset = 32  // UInt64, in UInt32 elements of the list directory
    static let nlist = 40  // UInt32, 0 without a table
}

/// Global posting lists: nlist, list starts UInt32[nlist + 1], then ordinals UInt32[rows].
enum GlobalListsLayout {
    static let nlist = 0  // UInt32
    static let starts = 4
}

/// Byte rows: a header, the width's bytes a row, then the largest error: the length that the bytes leave
/// out of a row at the most, Float32.
enum ByteRowLayout {
    static let rotationSeed = 0  // UInt64
    static let width = 8  // UInt32, coordinates after rotation
    static let reserved = 12  // zeros up to the rows
    static let rows = 64
    static let errorByteCount = 4
}

/// Postings: nlist, list starts UInt32[nlist + 1], then ordinals UInt32, as many as the last start.
enum PostingsLayout {
    static let nlist = 0  // UInt32
    static let starts = 4
}

/// Flat codes: a header, entries, means, then blocks of 32 rows; each partition begins a block.
enum FlatCodeLayout {
    static let rotationSeed = 0  // UInt64
    static let width = 8  // UInt32
    static let blockByteCount = 12  // UInt32
    static let blockCount = 16  // UInt64
    static let partitionCount = 24  // UInt64, of entries
    static let reserved = 32  // zeros up to the entries
    static let entries = 64  // the number of a partition in the directory, UInt32, rising
    /// Means, float32[width] each and rotated, and blocks begin on multiples of this.
    static let alignment = 64
}

/// One-bit codes: a header, then blocks of 32 rows; each list begins a block.
enum CodeLayout {
    static let rotationSeed = 0  // UInt64
    static let width = 8  // UInt32, coordinates after rotation
    static let blockByteCount = 12  // UInt32
    static let blockCount = 16  // UInt64
    static let reserved = 24  // zeros up to the blocks
    static let blocks = 64
}

/// Column directory: entries by declaration index.
enum ColumnDirectoryLayout {
    static let entryByteCount = 56

    // In an entry; offsets count from the start of the attribute columns section.
    static let type = 0  // UInt32, `AttributeTypeCode`
    static let encoding = 4  // UInt32, `ColumnEncoding`
    static let presenceOffset = 8  // UInt64: bitmap of 64-bit words, a set bit has a value
    static let valuesOffset = 16  // UInt64: 8-byte values, bitmap, codes UInt32[rows], or none
    static let stringsOffset = 24  // UInt64: string ends UInt64[stringCount]
    static let stringCount = 32  // UInt64
    static let bytesOffset = 40  // UInt64
    static let bytesCount = 48  // UInt64
    /// Parts of a column start on multiples of this.
    static let alignment = 8
}

/// How a column's type is written, frozen.
enum AttributeTypeCode {
    static func code(_ type: AttributeType) -> UInt32 {
        switch type {
        case .string: 1
        case .int64: 2
        case .double: 3
        case .bool: 4
        }
    }
}

/// How a column's values are written, frozen.
enum ColumnEncoding: UInt32 {
    /// int64 and double: 8 bytes a row, 0 where there is no value.
    case fixed = 1
    /// bool: a bitmap.
    case bitmap = 2
    /// string: a code a row into strings in strictly rising UTF-8 order; 0 where there is no value.
    case dictionary = 3
    /// string: one string a row; empty where there is no value.
    case plain = 4
}

/// Payload block directory: one entry a block.
enum PayloadBlockLayout {
    static let entryByteCount = 16

    static let offset = 0  // UInt64, in the payload blocks section
    static let storedByteCount = 8  // UInt32; equal to the raw count when stored raw
    static let rawByteCount = 12  // UInt32
    /// A block is closed when it holds this many bytes; a payload never spans blocks.
    static let targetByteCount = 32_768
}

/// Payload locations: one entry a row.
enum PayloadLocationLayout {
    static let entryByteCount = 12

    static let block = 0  // UInt32, 0xFFFFFFFF when the row has no payload
    static let offset = 4  // UInt32, in the raw block
    static let byteCount = 8  // UInt32
}
