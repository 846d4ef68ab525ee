import StorageIO
package import VectorMath

/// The one-bit codes of a segment's posting lists; valid while the segment is referenced.
package struct SegmentCodes: @unchecked Sendable {
    // Safe to share: the blocks lie in the segment's read-only mapping.
    package let rotation: CodeRotation
    package let rotationSeed: UInt64
    /// Rows of the longest list.
    package let longestList: Int
    package let blockByteCount: Int
    private let blocks: UnsafePointer<UInt8>
    /// The first block of each list, and the end.
    private let starts: [UInt32]

    /// Reads a section and checks that it has the blocks of these lists.
    ///
    /// - Parameter listCounts: Rows of each list, in the order of the section.
    init(
        _ bytes: SegmentBytes,
        dimension: Int,
        listCounts: [Int]
    ) throws(CorruptionError) {
        guard bytes.count >= CodeLayout.blocks else {
            throw bytes.invalid("codes", found: "\(bytes.count) bytes", expected: "a header")
        }
        let seed: UInt64 = bytes.integer(at: CodeLayout.rotationSeed)
        rotation = CodeRotation(seed: seed, dimension: dimension)
        rotationSeed = seed
        blockByteCount = CodeBlocks.byteCount(width: rotation.width)
        var starts: [UInt32] = [0]
        starts.reserveCapacity(listCounts.count + 1)
        var next: UInt32 = 0
        for count in listCounts {
            next += UInt32(CodeBlocks.count(rows: count))
            starts.append(next)
        }
        let width: UInt32 = bytes.integer(at: CodeLayout.width)
        let size: UInt32 = bytes.integer(at: CodeLayout.blockByteCount)
        let count: UInt64 = bytes.integer(at: CodeLayout.blockCount)
        guard width == UInt32(rotation.width), size == UInt32(blockByteCount),
            count == UInt64(next)
        else {
            throw bytes.invalid(
                "codes",
                found: "\(count) blocks of \(size) bytes, width \(width)",
                expected: "\(next) blocks of \(blockByteCount) bytes, width \(rotation.width)"
            )
        }
        try bytes.requireByteCount(UInt64(CodeLayout.blocks) + count * UInt64(size))
        self.starts = starts
        longestList = listCounts.max() ?? 0
        blocks = UnsafePointer(
            bytes.integers(at: CodeLayout.blocks, as: UInt8.self)
        )
    }

    /// The first block of a list, which is counted over all lists of the section.
    @inline(__always)
    package func list(_ index: Int) -> UnsafePointer<UInt8> {
        blocks + Int(starts[index]) * blockByteCount
    }

    /// Bytes of a list's blocks.
    @inline(__always)
    package func byteCount(ofList index: Int) -> Int {
        Int(starts[index + 1] - starts[index]) * blockByteCount
    }

    package var byteCount: Int { Int(starts[starts.count - 1]) * blockByteCount }
}
