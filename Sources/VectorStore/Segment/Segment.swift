// A segment: an immutable file of rows, mapped.
//
// - At open everything is checked but vectors and payloads: their blocks are checked when they are
//   first read, so a search touches no page that it does not need.
// - No pointer is formed from a number in the file before that number was checked.
// - Pointers, entries and lists that a segment vends are valid while it is referenced.

import Glibc
package import StorageIO
import VectorMath

/// The rows of one segment file.
package final class Segment: RowStore, @unchecked Sendable {
    // Safe to share: the mapping is read-only, every property is constant, and the bits of verified
    // blocks are atomic.
    let file: SegmentFile
    package let segmentID: UInt64
    package let dimension: Int
    /// Floats from one row to the next, a multiple of 16.
    package let strideFloats: Int
    package let rowCount: Int
    /// The centroid set that the lists belong to; 0 for none.
    package let indexGeneration: UInt64
    /// Of the file.
    package let byteCount: UInt64
    package let description: SegmentDescription
    /// The first row; rows are `strideFloats` apart, and are verified before they are read.
    package let vectors: UnsafePointer<Float>
    let directory: PartitionDirectory
    package let globalLists: GlobalLists?
    /// Rows of one byte a coordinate; nil in small segments, or of a format before 1.2.
    package let byteRows: ByteRowSection?
    /// Codes of the partitions' own lists.
    package let listCodes: SegmentCodes?
    /// Lists over all rows, with codes.
    package let postings: Postings?
    package let postingCodes: SegmentCodes?
    /// Recall by nprobe of the postings; nil where that of the index generation holds.
    package let calibration: RecallCurve?
    /// Codes of partitions without lists.
    package let flatCodes: FlatCodes?
    let columns: [AttributeColumn]
    let payloads: PayloadBlocks
    let idOffsets: SegmentBytes
    let idBytes: SegmentBytes
    let idMap: SegmentBytes
    let rowLSNs: SegmentBytes
    let vectorSection: Int
    let payloadSection: Int
    /// What `directory` and `postings` point into.
    private let pinned: [AlignedBytes]

    /// The file name of a segment.
    package static func fileName(_ segmentID: UInt64) -> String {
        let digits = String(segmentID)
        return String(repeating: "0", count: 20 - digits.count) + digits + ".seg"
    }

    /// Maps a segment of a directory and checks it.
    package static func open(
        directory: String,
        description: SegmentDescription,
        identity: SegmentIdentity,
        configuration: CollectionConfiguration,
        fileSystem: any FileSystem
    ) throws(SegmentOpenError) -> Segment {
        try open(
            path: directory + "/" + fileName(description.segmentID),
            description: description,
            identity: identity,
            configuration: configuration,
            fileSystem: fileSystem
        )
    }

    /// Maps a segment file and checks it.
    ///
    /// - Throws: What the system refused, or the first thing that cannot be believed;
    ///   `formatTooNew` when a later version wrote the file.
    package static func open(
        path: String,
        description: SegmentDescription,
        identity: SegmentIdentity,
        configuration: CollectionConfiguration,
        fileSystem: any FileSystem
    ) throws(SegmentOpenError) -> Segment {
        let name = fileName(description.segmentID)
        let region = try SegmentFile.map(
            path: path,
            name: name,
            description: description,
            fileSystem: fileSystem
        )
        return try believing { () throws(CorruptionError) in
            do throws(CorruptionError) {
                let segment = try Segment(
                    region: region,
                    description: description,
                    identity: identity,
                    configuration: configuration
                )
                try segment.checkReadable()
                return segment
            } catch {
                // Zeros in the place of a page that cannot be read are no damage of the file.
                guard region.hasFailed else { throw error }
                throw .unreadable(StorageIOError(operation: .read, path: name, errno: EIO))
            }
        }
    }

    /// Checks the bytes of a segment file.
    init(
        region: MappedRegion,
        description: SegmentDescription,
        identity: SegmentIdentity,
        configuration: CollectionConfiguration
    ) throws(CorruptionError) {
        file = try SegmentFile(
            region: region,
            name: Self.fileName(description.segmentID),
            description: description,
            identity: identity,
            configuration: configuration
        )
        self.description = description
        segmentID = description.segmentID
        dimension = configuration.dimension
        let stride = SegmentLayout.rowStride(dimension: configuration.dimension)
        strideFloats = stride / 4
        rowCount = Int(description.rowCount)
        indexGeneration = identity.indexGeneration
        byteCount = description.byteCount
        let rows = description.rowCount

        let vectorBytes = try file.bytes(.vectors)
        try vectorBytes.requireByteCount(rows * UInt64(stride))
        vectors = vectorBytes.integers(at: 0, as: UInt32.self).withMemoryRebound(
            to: Float.self,
            capacity: rowCount * stride / 4
        ) { $0 }
        let payloadBytes = try file.bytes(.payloadBlocks)
        vectorSection = file.index(of: .vectors) ?? 0
        payloadSection = file.index(of: .payloadBlocks) ?? 0

        var copies: [AlignedBytes] = []
        let lists = try file.bytes(.listDirectory).pinned(by: &copies)
        directory = try PartitionDirectory(
            try file.bytes(.partitionDirectory),
            lists: lists,
            rowCount: rowCount,
            partitionCount: file.partitionCount
        )
        globalLists =
            if let index = file.index(of: .globalLists) {
                try GlobalLists(file.bytes(section: index), rowCount: rowCount)
            } else { nil }

        let (file, dimension, rowCount) = (file, dimension, rowCount)
        byteRows = try Self.optional(.byteRows, of: file) { section throws(CorruptionError) in
            try ByteRowSection(file, section: section, dimension: dimension, rowCount: rowCount)
        }
        let entries = directory.entries
        listCodes = try Self.optional(.listCodes, of: file) { section throws(CorruptionError) in
            let counts = entries.flatMap { entry in
                (0..<entry.nlist).map { entry.list($0).count }
            }
            return try SegmentCodes(
                file.bytes(section: section),
                dimension: dimension,
                listCounts: counts
            )
        }
        let postings = try Self.optional(.postings, of: file) { section throws(CorruptionError) in
            try Postings(file.bytes(section: section).pinned(by: &copies), rowCount: rowCount)
        }
        pinned = copies
        self.postings = postings
        postingCodes = try Self.optional(.postingCodes, of: file) {
            section throws(CorruptionError) in
            try SegmentCodes(
                file.bytes(section: section),
                dimension: dimension,
                listCounts: postings?.listCounts ?? []
            )
        }
        calibration = try Self.optional(.calibration, of: file) { section throws(CorruptionError) in
            let bytes = file.bytes(section: section)
            var reader = bytes.reader()
            let curve = try RecallCurve(&reader, nlist: postings?.nlist ?? 0)
            try bytes.requireByteCount(reader.offset - bytes.offset)
            return curve
        }
        flatCodes = try Self.optional(.flatCodes, of: file) { section throws(CorruptionError) in
            try FlatCodes(
                file.bytes(section: section),
                dimension: dimension,
                partitions: entries
            )
        }

        idOffsets = try file.bytes(.idOffsets)
        idBytes = try file.bytes(.idBytes)
        idMap = try file.bytes(.idMap)
        rowLSNs = try file.bytes(.rowLSNs)
        try idOffsets.requireByteCount((rows + 1) * 8)
        try idMap.requireByteCount(rows * 12)
        try rowLSNs.requireByteCount(rows * 8)
        columns = try Self.columns(
            try file.bytes(.columnDirectory),
            in: try file.bytes(.attributeColumns),
            attributes: configuration.attributes,
            rowCount: rowCount
        )
        payloads = try PayloadBlocks(
            directory: try file.bytes(.payloadBlockDirectory),
            locations: try file.bytes(.payloadLocations),
            sectionByteCount: UInt64(payloadBytes.count),
            rowCount: rowCount
        )
        try checkIDs()
        try checkLSNs()
        file.region.advise(
            .random,
            offset: Int(vectorBytes.offset),
            byteCount: vectorBytes.count
        )
    }

    /// What a section holds that not every segment has.
    private static func optional<T>(
        _ kind: SegmentSectionKind,
        of file: SegmentFile,
        _ read: (Int) throws(CorruptionError) -> T
    ) throws(CorruptionError) -> T? {
        guard let index = file.index(of: kind) else { return nil }
        return try read(index)
    }

    private static func columns(
        _ entries: SegmentBytes,
        in columns: SegmentBytes,
        attributes: [AttributeDeclaration],
        rowCount: Int
    ) throws(CorruptionError) -> [AttributeColumn] {
        try entries.requireByteCount(
            UInt64(attributes.count * ColumnDirectoryLayout.entryByteCount)
        )
        var result: [AttributeColumn] = []
        for (index, attribute) in attributes.enumerated() {
            result.append(
                try AttributeColumn(
                    entry: entries,
                    at: index * ColumnDirectoryLayout.entryByteCount,
                    columns: columns,
                    type: attribute.type,
                    rowCount: rowCount
                )
            )
        }
        return result
    }

    // MARK: - Partitions

    package var partitionCount: Int { directory.entries.count }

    /// In the order of the keys' UTF-8 bytes.
    package var partitions: [PartitionEntry] { directory.entries }

    package func partition(named name: String) -> PartitionEntry? {
        directory.entry(named: name)
    }
}
