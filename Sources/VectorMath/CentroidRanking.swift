extension CentroidIndex {
    /// A posting list and the similarity of its centroid to a query.
    package struct Ranked: Sendable {
        package var list: UInt32
        package var similarity: Float

        init(list: UInt32, similarity: Float) {
            self.list = list
            self.similarity = similarity
        }

        /// Orders by falling similarity, then by rising list, as one integer comparison.
        fileprivate var sortKey: UInt64 {
            let bits = similarity.bitPattern
            let rising = bits >> 31 == 0 ? bits | 0x8000_0000 : ~bits
            return UInt64(~rising) << 32 | UInt64(list)
        }

        fileprivate init(sortKey: UInt64) {
            let rising = ~UInt32(truncatingIfNeeded: sortKey >> 32)
            let bits = rising >> 31 == 1 ? rising & 0x7FFF_FFFF : ~rising
            list = UInt32(truncatingIfNeeded: sortKey)
            similarity = Float(bitPattern: bits)
        }
    }

    /// The `count` lists nearest to a query, nearest first; of equals the smaller list first.
    package func nearest(to query: [Float], count: Int) -> [Ranked] {
        precondition(query.count == dimension)
        let wanted = min(count, nlist)
        guard wanted > 0 else { return [] }
        var keys = [UInt64](unsafeUninitializedCapacity: nlist) { keys, filled in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: nlist) { scores in
                query.withUnsafeBufferPointer { query in
                    centroids.withUnsafeBufferPointer { centroids in
                        guard let query = query.baseAddress, let base = centroids.baseAddress,
                            let scores = scores.baseAddress
                        else { return }
                        Kernels.dotRows(
                            query: query,
                            rows: base,
                            stride: dimension,
                            count: nlist,
                            dimension: dimension,
                            into: scores
                        )
                        for list in 0..<nlist {
                            keys[list] =
                                Ranked(list: UInt32(list), similarity: scores[list]).sortKey
                        }
                    }
                }
            }
            filled = nlist
        }
        keys.sort()
        return keys.prefix(wanted).map { Ranked(sortKey: $0) }
    }
}
