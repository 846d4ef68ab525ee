import StorageIO
package import VectorMath

/// The one-bit codes of a segment's posting lists; valid while the segment is referenced.
package final class SegmentCodes: @unchecked Sendable {
    // Safe to share: what the pointers name is constant.
    package let rotation: CodeRotation
    package let rotationSeed: UInt64
    package let blockByteCount: Int
    /// A copy in huge pages: every search reads here and there in it.
    private let blocks: AlignedBytes
    /// The first block of each list, and the end: UInt32.
    private let blockStarts: AlignedBytes
    private let blockCount: Int

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
        blockStarts = AlignedBytes(byteCount: (listCounts.count + 1) * 4)
        let starts = blockStarts.start.bindMemory(to: UInt32.self, capacity: listCounts.count + 1)
        starts[0] = 0
        for (list, count) in listCounts.enumerated() {
            starts[list + 1] = starts[list] + UInt32(CodeBlocks.count(rows: count))
        }
        blockCount = Int(starts[listCounts.count])
        let width: UInt32 = bytes.integer(at: CodeLayout.width)
        let size: UInt32 = bytes.integer(at: CodeLayout.blockByteCount)
        let count: UInt64 = bytes.integer(at: CodeLayout.blockCount)
        guard width == UInt32(rotation.width), size == UInt32(blockByteCount),
            count == UInt64(blockCount)
        else {
            throw bytes.invalid(
                "codes",
                found: "\(count) blocks of \(size) bytes, width \(width)",
                expected: "\(blockCount) blocks of \(blockByteCount) bytes, width "
                    + "\(rotation.width)"
            )
        }
        try bytes.requireByteCount(UInt64(CodeLayout.blocks) + count * UInt64(size))
        blocks = AlignedBytes(copying: bytes.bytes(CodeLayout.blocks..<bytes.count))
    }

    package var byteCount: Int { blockCount * blockByteCount }

    /// The lists of a partition, whose rows lie together.
    ///
    /// - Parameter entry: A partition with lists of its own, in the directory of the same segment.
    package func lists(of entry: PartitionEntry) -> CodedLists? {
        guard let starts = entry.listStarts else { return nil }
        return CodedLists(
            blocks: UnsafePointer(blocks.start.assumingMemoryBound(to: UInt8.self)),
            blockStarts: UnsafePointer(
                blockStarts.start.assumingMemoryBound(to: UInt32.self) + entry.firstList
            ),
            starts: starts,
            ordinals: nil,
            firstRow: entry.ordinals.lowerBound,
            hasDuplicates: false
        )
    }

    /// The lists over all rows.
    package func lists(of postings: Postings) -> CodedLists {
        CodedLists(
            blocks: UnsafePointer(blocks.start.assumingMemoryBound(to: UInt8.self)),
            blockStarts: UnsafePointer(blockStarts.start.assumingMemoryBound(to: UInt32.self)),
            starts: postings.starts,
            ordinals: postings.ordinals,
            firstRow: 0,
            hasDuplicates: postings.hasDuplicates
        )
    }
}

/// Posting lists over all rows of a segment, a row in one or two of them; valid while the segment is.
package struct Postings: @unchecked Sendable {
    // Safe to share: both pointers lie in the segment's read-only mapping.
    package let nlist: Int
    package let hasDuplicates: Bool
    let starts: UnsafePointer<UInt32>
    let ordinals: UnsafePointer<UInt32>

    /// Reads the section and checks that its lists name every row once or twice.
    init(_ bytes: SegmentBytes, rowCount: Int) throws(CorruptionError) {
        guard bytes.count >= PostingsLayout.starts + 4 else {
            throw bytes.invalid("postings", found: "\(bytes.count) bytes", expected: "a count")
        }
        let nlist: UInt32 = bytes.integer(at: PostingsLayout.nlist)
        guard nlist > 0, 4 * (UInt64(nlist) + 2) <= UInt64(bytes.count) else {
            throw bytes.invalid("nlist", found: "\(nlist)", expected: "starts of at least 1 list")
        }
        self.nlist = Int(nlist)
        starts = bytes.integers(at: PostingsLayout.starts, as: UInt32.self)
        ordinals = starts + Int(nlist) + 1
        let total = (bytes.count - 4 * (Int(nlist) + 2)) / 4
        try bytes.requireByteCount(4 * (UInt64(nlist) + 2 + UInt64(total)))
        try PartitionDirectory.check(starts, nlist: self.nlist, rows: UInt64(total), of: bytes)
        var (once, twice) = (Bitmap(count: rowCount), Bitmap(count: rowCount))
        var (seen, doubled) = (0, 0)
        for place in 0..<total {
            let ordinal = Int(UInt32(littleEndian: ordinals[place]))
            guard ordinal < rowCount, !twice.contains(ordinal) else {
                throw bytes.invalid(
                    "ordinal \(place) in postings",
                    found: "\(ordinal)",
                    expected: "each of \(rowCount) rows once or twice"
                )
            }
            if once.contains(ordinal) {
                twice.insert(ordinal)
                doubled += 1
            } else {
                once.insert(ordinal)
                seen += 1
            }
        }
        guard seen == rowCount else {
            throw bytes.invalid(
                "postings",
                found: "\(seen) rows",
                expected: "each of \(rowCount) rows once or twice"
            )
        }
        hasDuplicates = doubled > 0
    }

    /// Rows of each list.
    var listCounts: [Int] {
        (0..<nlist).map {
            Int(UInt32(littleEndian: starts[$0 + 1])) - Int(UInt32(littleEndian: starts[$0]))
        }
    }
}
