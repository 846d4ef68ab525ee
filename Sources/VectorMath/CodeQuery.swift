import CVectorKernels

/// A query ready to be compared with codes and byte rows of one rotation.
///
/// It lies in memory of the calling thread: it is valid on that thread until another one is made there,
/// and what it returns until it is asked again.
package struct CodeQuery: ~Copyable {
    let scratch: OpaquePointer
    let raw: vk_query

    /// Rotates a query and fills its tables.
    ///
    /// - Precondition: `query` has unit length and the rotation's dimension.
    package init(
        _ query: UnsafeBufferPointer<Float>,
        rotation: CodeRotation,
        tier: Kernels.Tier = Kernels.tier
    ) {
        precondition(query.count == rotation.dimension)
        var prepared = vk_query()
        guard let memory = vk_scratch_of_thread(),
            rotation.withSigns({ signs in
                vk_query_prepare_tier(
                    tier.raw,
                    memory,
                    query.baseAddress,
                    query.count,
                    signs,
                    &prepared
                )
            }) != 0
        else { fatalError("no memory for a query of \(query.count) floats") }
        scratch = memory
        raw = prepared
    }

    /// Upper bounds of the similarities of the rows of consecutive blocks.
    ///
    /// - Parameters:
    ///   - similarity: Of the query and the rows' centroid.
    ///   - distance: Between the two.
    ///   - deviations: How many standard deviations an estimate may be too low; 0 gives the estimates.
    package func bounds(
        blocks: UnsafePointer<UInt8>,
        count: Int,
        similarity: Float,
        distance: Float,
        deviations: Float,
        tier: Kernels.Tier = Kernels.tier
    ) -> [Float] {
        var query = raw
        var bounds = [Float](repeating: 0, count: count + 16)
        let slack = deviations * VK_CODE_DEVIATION * distance
        guard
            vk_code_bounds_tier(
                tier.raw,
                scratch,
                &query,
                blocks,
                count,
                similarity,
                slack,
                &bounds
            ) != 0
        else { fatalError("no memory for bounds") }
        bounds.removeLast(16)
        return bounds
    }

    /// Posting lists in about falling order of their centroids' similarity.
    package struct Ranking {
        fileprivate(set) var lists: UnsafePointer<vk_ranked>?
        package fileprivate(set) var count: Int

        package func list(_ place: Int) -> Int {
            precondition(place < count)
            return lists.map { Int($0[place].list) } ?? 0
        }

        package func similarity(_ place: Int) -> Float {
            precondition(place < count)
            return lists?[place].similarity ?? 0
        }
    }

    /// The `count` lists nearest to the query, by byte rows of the centroids.
    ///
    /// Of large indexes only those centroids are looked at whose codes are far above the average: a list
    /// that is much nearer than its estimate may be missed, which the margin of candidates makes rare.
    package func nearest(in centroids: CentroidCodes, count: Int) -> Ranking {
        var lists: UnsafePointer<vk_ranked>?
        var query = raw
        var table = centroids.raw
        let found = vk_rank(scratch, &query, &table, count, &lists)
        return Ranking(lists: lists, count: found)
    }
}

/// Centroids under a rotation: codes under their mean, and byte rows.
package final class CentroidCodes: Sendable {
    package let count: Int
    private let width: Int
    /// Blocks of codes.
    private let blocks: AlignedBytes
    /// `[count × width]`.
    private let rows: AlignedBytes
    /// `[width]` floats.
    private let mean: AlignedBytes

    /// - Shapes: `centroids` is `[count × dimension]`, unit length.
    package init(_ centroids: [Float], rotation: CodeRotation) {
        let (dimension, width) = (rotation.dimension, rotation.width)
        count = centroids.count / dimension
        self.width = width
        let size = CodeBlocks.byteCount(width: width)
        blocks = AlignedBytes(byteCount: CodeBlocks.count(rows: count) * size)
        rows = AlignedBytes(byteCount: count * width)
        mean = AlignedBytes(byteCount: width * 4)
        let codes = blocks.start.assumingMemoryBound(to: UInt8.self)
        let bytes = rows.start.assumingMemoryBound(to: UInt8.self)
        let center = mean.start.assumingMemoryBound(to: Float.self)
        var sum = [Double](repeating: 0, count: width)
        var rotated = [Float](repeating: 0, count: CodeBlocks.rowCount * width)
        centroids.withUnsafeBufferPointer { centroids in
            rotated.withUnsafeMutableBufferPointer { rotated in
                guard let source = centroids.baseAddress, let turned = rotated.baseAddress else {
                    return
                }
                for row in 0..<count {
                    rotation.rotate(source + row * dimension, into: turned)
                    for column in 0..<width { sum[column] += Double(turned[column]) }
                    _ = ByteRows.encode(turned, width: width, into: bytes + row * width)
                }
                for column in 0..<width { center[column] = Float(sum[column] / Double(count)) }
                for first in stride(from: 0, to: count, by: CodeBlocks.rowCount) {
                    let part = min(CodeBlocks.rowCount, count - first)
                    for row in 0..<part {
                        rotation.rotate(
                            source + (first + row) * dimension,
                            into: turned + row * width
                        )
                    }
                    CodeBlocks.encode(
                        rows: turned,
                        count: part,
                        centroid: center,
                        width: width,
                        into: codes + first / CodeBlocks.rowCount * size
                    )
                }
            }
        }
    }

    fileprivate var raw: vk_centroids {
        vk_centroids(
            blocks: blocks.start.assumingMemoryBound(to: UInt8.self),
            rows: rows.start.assumingMemoryBound(to: UInt8.self),
            mean: mean.start.assumingMemoryBound(to: Float.self),
            count: count,
            width: width
        )
    }
}
