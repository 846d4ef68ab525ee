import StorageIO
package import VectorMath

/// One-bit codes of whole partitions, each under the mean of its rows; valid while the segment is
/// referenced.
package struct FlatCodes: @unchecked Sendable {
    // Safe to share: the blocks lie in the segment's read-only mapping.
    package let rotation: CodeRotation
    package let rotationSeed: UInt64

    /// One partition's codes.
    package struct Partition {
        /// One list with all rows.
        package var lists: CodedLists
        /// `[width]`, rotated.
        package var mean: UnsafePointer<Float>
    }

    private let blockByteCount: Int
    private let means: UnsafePointer<Float>
    private let blocks: UnsafePointer<UInt8>
    /// By the number of a partition: its entry.
    private let entryByPartition: [Int: Int]
    /// Four UInt32 an entry: where its one list starts and ends, in blocks from its first and in rows.
    private let starts: AlignedBytes
    private let firstBlocks: [Int]

    /// Reads a section and checks that its partitions are some of these.
    ///
    /// - Parameter partitions: The directory of the segment.
    init(
        _ bytes: SegmentBytes,
        dimension: Int,
        partitions: [PartitionEntry]
    ) throws(CorruptionError) {
        typealias Layout = FlatCodeLayout
        guard bytes.count >= Layout.entries else {
            throw bytes.invalid("flat codes", found: "\(bytes.count) bytes", expected: "a header")
        }
        let seed: UInt64 = bytes.integer(at: Layout.rotationSeed)
        rotation = CodeRotation(seed: seed, dimension: dimension)
        rotationSeed = seed
        blockByteCount = CodeBlocks.byteCount(width: rotation.width)
        let width: UInt32 = bytes.integer(at: Layout.width)
        let size: UInt32 = bytes.integer(at: Layout.blockByteCount)
        let blockCount: UInt64 = bytes.integer(at: Layout.blockCount)
        let count: UInt64 = bytes.integer(at: Layout.partitionCount)
        guard width == UInt32(rotation.width), size == UInt32(blockByteCount),
            count > 0, count <= UInt64(partitions.count)
        else {
            throw bytes.invalid(
                "flat codes",
                found: "\(count) partitions, blocks of \(size) bytes, width \(width)",
                expected: "1 to \(partitions.count) partitions, blocks of \(blockByteCount) bytes, "
                    + "width \(rotation.width)"
            )
        }
        let meansStart = Self.meansStart(count: Int(count))
        let blocksStart = meansStart + Int(count) * Int(width) * 4
        let whole = UInt64(blocksStart).addingReportingOverflow(
            blockCount.saturatingMultiplied(by: UInt64(size))
        )
        try bytes.requireByteCount(whole.overflow ? .max : whole.partialValue)
        starts = AlignedBytes(byteCount: Int(count) * 16)
        let starts = starts.start.bindMemory(to: UInt32.self, capacity: Int(count) * 4)
        var (entries, firsts, next, previous) = ([Int: Int](), [Int](), 0, -1)
        for entry in 0..<Int(count) {
            let number = Int(bytes.integer(at: Layout.entries + entry * 4, as: UInt32.self))
            guard number > previous, number < partitions.count else {
                throw bytes.invalid(
                    "partition \(entry) of flat codes",
                    found: "\(number)",
                    expected: "above \(previous), below \(partitions.count)"
                )
            }
            previous = number
            let rows = partitions[number].ordinals.count
            entries[number] = entry
            firsts.append(next)
            starts[entry * 4] = 0
            starts[entry * 4 + 1] = UInt32(CodeBlocks.count(rows: rows))
            starts[entry * 4 + 2] = 0
            starts[entry * 4 + 3] = UInt32(rows)
            next += CodeBlocks.count(rows: rows)
        }
        guard UInt64(next) == blockCount else {
            throw bytes.invalid(
                "blocks of flat codes",
                found: "\(blockCount)",
                expected: "\(next) for these partitions"
            )
        }
        means = bytes.integers(at: meansStart, as: UInt32.self).withMemoryRebound(
            to: Float.self,
            capacity: Int(count) * Int(width)
        ) { $0 }
        blocks = UnsafePointer(bytes.integers(at: blocksStart, as: UInt8.self))
        entryByPartition = entries
        firstBlocks = firsts
    }

    /// Where means begin in the section.
    static func meansStart(count: Int) -> Int {
        let alignment = FlatCodeLayout.alignment
        return (FlatCodeLayout.entries + count * 4 + alignment - 1) / alignment * alignment
    }

    /// The codes of a partition of the same segment, if it has some.
    package func partition(_ entry: PartitionEntry) -> Partition? {
        guard let place = entryByPartition[entry.number] else { return nil }
        let starts = starts.start.assumingMemoryBound(to: UInt32.self) + place * 4
        return Partition(
            lists: CodedLists(
                blocks: blocks + firstBlocks[place] * blockByteCount,
                blockStarts: UnsafePointer(starts),
                starts: UnsafePointer(starts + 2),
                ordinals: nil,
                firstRow: entry.ordinals.lowerBound,
                hasDuplicates: false
            ),
            mean: means + place * rotation.width
        )
    }
}
