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

    /// How many rows of posting lists a search for the k nearest gathers before it compares the first of them.
    package static func firstRowCount(k: Int) -> Int { vk_first_row_count(k) }

    /// How many of those it compares first, whatever they reach: those of the best bounds.
    package static func bestRowCount(k: Int) -> Int { vk_best_row_count(k) }

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
    /// Of large indexes only the groups of centroids nearest to the query are looked at, and in these the
    /// centroids whose codes are best: a list of another group or much nearer than its estimate may be
    /// missed, which the margin of both makes rare.
    package func nearest(in centroids: CentroidCodes, count: Int) -> Ranking {
        var lists: UnsafePointer<vk_ranked>?
        var query = raw
        var table = centroids.raw
        let found = vk_rank(scratch, &query, &table, count, &lists)
        return Ranking(lists: lists, count: found)
    }
}
