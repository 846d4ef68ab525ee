import CVectorKernels

/// One-bit codes of residuals in blocks of 32 rows (RaBitQ, arXiv:2405.12497).
package enum CodeBlocks {
    /// Rows of a block.
    package static let rowCount = Int(VK_CODE_BLOCK_ROWS)

    /// Bytes of a block: 4 bits a row for every 4 coordinates, then two binary16 a row.
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
}

/// Rotated rows of one byte a coordinate, all with the same step.
package enum ByteRows {
    /// Writes the bytes of a rotated row.
    ///
    /// - Shapes: both are `[width]`.
    /// - Returns: The length of what the bytes leave out.
    package static func encode(
        _ row: UnsafePointer<Float>,
        width: Int,
        into bytes: UnsafeMutablePointer<UInt8>
    ) -> Float {
        vk_byte_encode(row, width, bytes)
    }
}
