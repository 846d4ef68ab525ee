import StorageIO
import VectorMath

/// How codes tell of rows that are known to be near a query.
///
/// A search loses a neighbour whose code puts it further below the k-th best than the search believes codes to
/// err; by how much that is depends on how close the neighbours of a query lie together.
struct NeighbourCodes {
    let rows: RotatedRows
    let index: CentroidIndex

    /// What a code says of a row.
    struct Estimate {
        var similarity: Float
        var deviation: Float

        /// Whether a search for rows of at least `least` that believes codes to err by so much looks at the row.
        func reaches(_ least: Float, deviations: Float) -> Bool {
            similarity + deviations * deviation >= least
        }
    }

    /// Rotated floats that `estimates` needs room for beside one.
    static let capacity = 1

    /// What the codes of rows say to a query.
    ///
    /// - Parameters:
    ///   - query: Of unit length.
    ///   - neighbours: Rows, each with the list under whose centroid it is encoded.
    ///   - scratch: Room of `capacity` rotated rows and one more.
    func estimates(
        _ query: [Float],
        rows neighbours: [(row: Int, list: Int)],
        scratch: UnsafeMutablePointer<Float>
    ) throws(CorruptionError) -> [Estimate] {
        let code = AlignedBytes(byteCount: CodeBlocks.byteCount(width: rows.rotation.width))
        var estimates: [Estimate] = []
        estimates.reserveCapacity(neighbours.count)
        try query.withUnsafeBufferPointer { vector throws(CorruptionError) in
            let prepared = CodeQuery(vector, rotation: rows.rotation)
            for (row, list) in neighbours {
                try encode(row, under: list, scratch: scratch, into: code)
                // `encode` leaves the rotated centroid at the beginning.
                let (similarity, length) = prepared.dot(scratch)
                let distance = max(0, 1 - 2 * similarity + length * length).squareRoot()
                func bound(_ deviations: Float) -> Float {
                    prepared.bounds(
                        blocks: UnsafePointer(code.start.assumingMemoryBound(to: UInt8.self)),
                        count: 1,
                        similarity: similarity,
                        distance: distance,
                        deviations: deviations
                    )[0]
                }
                let estimate = bound(0)
                estimates.append(Estimate(similarity: estimate, deviation: bound(1) - estimate))
            }
        }
        return estimates
    }

    private func encode(
        _ row: Int,
        under list: Int,
        scratch: UnsafeMutablePointer<Float>,
        into code: AlignedBytes
    ) throws(CorruptionError) {
        let (width, dimension) = (rows.rotation.width, rows.rotation.dimension)
        index.centroids.withUnsafeBufferPointer { centroids in
            guard let base = centroids.baseAddress else { return }
            rows.rotation.rotate(base + list * dimension, into: scratch)
        }
        try rows.load(row, into: scratch + width)
        CodeBlocks.encode(
            rows: scratch + width,
            count: 1,
            centroid: scratch,
            width: width,
            into: code.start.assumingMemoryBound(to: UInt8.self)
        )
    }
}
