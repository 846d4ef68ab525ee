import StorageIO
package import VectorMath

/// The byte rows of a segment; valid while the segment is referenced.
package final class ByteRowSection: @unchecked Sendable {
    // Safe to share: the rows lie in the segment's read-only mapping, or in a copy that is constant.
    package let rotation: CodeRotation
    package let rotationSeed: UInt64
    package let table: ByteRowTable
    private let hot: HotMemory.Copy?

    /// Reads a section and checks its frame; rows are checked when they are first read.
    ///
    /// - Parameters:
    ///   - section: The section's index.
    ///   - rowCount: Rows of the segment.
    init(
        _ file: SegmentFile,
        section: Int,
        dimension: Int,
        rowCount: Int
    ) throws(CorruptionError) {
        typealias Layout = ByteRowLayout
        let bytes = file.bytes(section: section)
        guard bytes.count >= Layout.rows + Layout.errorByteCount else {
            throw bytes.invalid("byte rows", found: "\(bytes.count) bytes", expected: "a header")
        }
        try file.verify(section: section, range: 0..<Layout.rows)
        try file.verify(
            section: section,
            range: bytes.count - Layout.errorByteCount..<bytes.count
        )
        let seed: UInt64 = bytes.integer(at: Layout.rotationSeed)
        rotation = CodeRotation(seed: seed, dimension: dimension)
        rotationSeed = seed
        let width: UInt32 = bytes.integer(at: Layout.width)
        guard width == UInt32(rotation.width) else {
            throw bytes.invalid(
                "byte rows",
                found: "width \(width)",
                expected: "width \(rotation.width)"
            )
        }
        try bytes.requireByteCount(
            UInt64(Layout.rows) + UInt64(rowCount) * UInt64(width) + UInt64(Layout.errorByteCount)
        )
        let error = Float(
            bitPattern: bytes.integer(at: bytes.count - Layout.errorByteCount, as: UInt32.self)
        )
        guard error.isFinite, error >= 0, error <= 2 else {
            throw bytes.invalid("largest error", found: "\(error)", expected: "0 to 2")
        }
        let rows = Layout.rows..<bytes.count - Layout.errorByteCount
        if HotMemory.reserve(rows.count) {
            let copy = HotMemory.copy(bytes.bytes(rows))
            try file.verify(section: section, range: 0..<bytes.count)
            hot = copy
            file.region.advise(.dontNeed, offset: Int(bytes.offset), byteCount: bytes.count)
            table = ByteRowTable(
                start: UnsafePointer(copy.bytes.start.assumingMemoryBound(to: UInt8.self)),
                count: rowCount,
                largestError: error,
                verified: nil,
                offset: 0
            )
        } else {
            hot = nil
            table = ByteRowTable(
                start: UnsafePointer(bytes.integers(at: Layout.rows, as: UInt8.self)),
                count: rowCount,
                largestError: error,
                verified: file.verification.bits,
                offset: file.firstBlocks[section] * SegmentLayout.blockByteCount + Layout.rows
            )
        }
    }
}
