import CVectorKernels

/// One-bit codes of residuals in blocks of 32 rows (RaBitQ, arXiv:2405.12497).
package enum CodeBlocks {
    /// Rows of a block.
    package static let rowCount = Int(VK_CODE_BLOCK_ROWS)

    /// Bytes of a block: 4 bits a row for every 4 coordinates, then two floats a row.
    package static func byteCount(width: Int) -> Int { vk_code_block_bytes(width) }

    /// Blocks that hold `rows` rows.
    package static func count(rows: Int) -> Int { (rows + rowCount - 1) / rowCount }

    /// Encodes up to 32 rows.
    ///
    /// - Shapes: `rows` is `[count × width]` and rotated, as is `centroid`, `[width]`; `block` has
    ///   `byteCount(width:)` bytes, all written.
    package static func encode(
        rows: UnsafePointer<Float>,
        count: Int,
        centroid: UnsafePointer<Float>,
        width: Int,
        into block: UnsafeMutablePointer<UInt8>
    ) {
        precondition(count <= rowCount)
        vk_code_encode(rows, count, centroid, width, block)
    }

    /// Asks for memory ahead of its use.
    @inline(__always)
    package static func prefetch(_ start: UnsafeRawPointer, byteCount: Int) {
        vk_prefetch(start, byteCount)
    }
}

/// A query ready to be compared with codes of one rotation.
package struct CodeQuery: Sendable {
    private let table: [UInt8]
    private let groups: Int
    private let step: Float
    private let offset: Float

    /// Standard deviation of an estimate, as a multiple of the row's factor and the distance between
    /// query and centroid: √(1 − 2/π), what a sign leaves of a normal coordinate.
    package static let deviation: Float = 0.6028

    package init(_ query: [Float], rotation: CodeRotation) {
        precondition(query.count == rotation.dimension)
        let width = rotation.width
        var raw = vk_code_query()
        table = [UInt8](unsafeUninitializedCapacity: width * 4) { table, count in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: width) { rotated in
                query.withUnsafeBufferPointer { query in
                    guard let query = query.baseAddress, let rotated = rotated.baseAddress else {
                        return
                    }
                    rotation.rotate(query, into: rotated)
                    raw = vk_code_prepare(rotated, width, table.baseAddress)
                }
            }
            count = width * 4
        }
        groups = raw.groups
        step = raw.step
        offset = raw.offset
    }

    /// Finds the rows of a posting list whose similarity may reach `threshold`.
    ///
    /// - Parameters:
    ///   - blocks: The list's blocks.
    ///   - count: Its rows.
    ///   - similarity: Of query and centroid, both of unit length.
    ///   - deviations: How many standard deviations an estimate may be too low.
    ///   - first: What the list's first row is called.
    ///   - rows: Receives the rows, rising; has room for 16 more than the list's.
    ///   - bounds: Receives their upper bounds; as much room.
    /// - Returns: How many were found.
    @inline(__always)
    package func scan(
        blocks: UnsafePointer<UInt8>,
        count: Int,
        similarity: Float,
        deviations: Float,
        threshold: Float,
        first: UInt32,
        rows: UnsafeMutablePointer<UInt32>,
        bounds: UnsafeMutablePointer<Float>,
        tier: Kernels.Tier = Kernels.tier
    ) -> Int {
        let distance = max(0, 2 - 2 * similarity).squareRoot()
        return table.withUnsafeBufferPointer { table in
            var raw = vk_code_query(
                lut: table.baseAddress,
                groups: groups,
                step: step,
                offset: offset
            )
            return vk_code_scan_tier(
                tier.raw,
                &raw,
                blocks,
                count,
                similarity,
                deviations * Self.deviation * distance,
                threshold,
                first,
                rows,
                bounds
            )
        }
    }
}
