import CVectorKernels

/// Dot products of float32 vectors on the best instruction set of the machine.
///
/// The value for a query and a row does not depend on how many rows are scored together. Nothing past
/// the last float of a row is read.
package enum Kernels {
    /// An instruction set.
    package enum Tier: UInt32, CaseIterable, Sendable {
        case scalar = 0
        case avx2 = 1
        case avx512 = 2
        case neon = 3

        var raw: vk_tier { vk_tier(rawValue: rawValue) }

        /// Whether this machine can run it.
        package var isSupported: Bool { vk_tier_supported(raw) != 0 }
        package var name: String { String(cString: vk_tier_name(raw)) }
    }

    /// The tier in use; the environment variable `VECTORSTORE_KERNEL` may name a lower one.
    package static var tier: Tier {
        Tier(rawValue: vk_active_tier().rawValue) ?? .scalar
    }

    /// Asks for a cache line ahead of its use.
    @inline(__always)
    package static func prefetch(_ address: UnsafeRawPointer) {
        vk_prefetch(address)
    }

    /// Scores `count` rows that lie `stride` floats apart.
    ///
    /// - Shapes: `query` is `[dimension]`, `rows` is `[count × stride]`, `scores` is `[count]`.
    @inline(__always)
    package static func dotRows(
        query: UnsafePointer<Float>,
        rows: UnsafePointer<Float>,
        stride: Int,
        count: Int,
        dimension: Int,
        into scores: UnsafeMutablePointer<Float>
    ) {
        vk_dot_rows(query, rows, stride, count, dimension, scores)
    }

    /// Scores the rows `base + ordinal · stride`.
    @inline(__always)
    package static func dotGather(
        query: UnsafePointer<Float>,
        base: UnsafePointer<Float>,
        stride: Int,
        ordinals: UnsafePointer<UInt32>,
        count: Int,
        dimension: Int,
        into scores: UnsafeMutablePointer<Float>
    ) {
        vk_dot_gather(query, base, stride, ordinals, count, dimension, scores)
    }

    /// Scores each row of one block against each row of another.
    ///
    /// - Shapes: `scores` is `[aCount × leadingDimension]`, row-major, filled up to `bCount`.
    @inline(__always)
    package static func dotBlock(
        a: UnsafePointer<Float>,
        aStride: Int,
        aCount: Int,
        b: UnsafePointer<Float>,
        bStride: Int,
        bCount: Int,
        dimension: Int,
        into scores: UnsafeMutablePointer<Float>,
        leadingDimension: Int
    ) {
        vk_dot_block(
            a,
            aStride,
            aCount,
            b,
            bStride,
            bCount,
            dimension,
            scores,
            leadingDimension
        )
    }

    /// `dotRows` on a given tier, which must be supported.
    package static func dotRows(
        tier: Tier,
        query: UnsafePointer<Float>,
        rows: UnsafePointer<Float>,
        stride: Int,
        count: Int,
        dimension: Int,
        into scores: UnsafeMutablePointer<Float>
    ) {
        precondition(tier.isSupported)
        vk_dot_rows_tier(tier.raw, query, rows, stride, count, dimension, scores)
    }

    /// `dotGather` on a given tier, which must be supported.
    package static func dotGather(
        tier: Tier,
        query: UnsafePointer<Float>,
        base: UnsafePointer<Float>,
        stride: Int,
        ordinals: UnsafePointer<UInt32>,
        count: Int,
        dimension: Int,
        into scores: UnsafeMutablePointer<Float>
    ) {
        precondition(tier.isSupported)
        vk_dot_gather_tier(
            tier.raw,
            query,
            base,
            stride,
            ordinals,
            count,
            dimension,
            scores
        )
    }

    /// `dotBlock` on a given tier, which must be supported.
    package static func dotBlock(
        tier: Tier,
        a: UnsafePointer<Float>,
        aStride: Int,
        aCount: Int,
        b: UnsafePointer<Float>,
        bStride: Int,
        bCount: Int,
        dimension: Int,
        into scores: UnsafeMutablePointer<Float>,
        leadingDimension: Int
    ) {
        precondition(tier.isSupported)
        vk_dot_block_tier(
            tier.raw,
            a,
            aStride,
            aCount,
            b,
            bStride,
            bCount,
            dimension,
            scores,
            leadingDimension
        )
    }
}
