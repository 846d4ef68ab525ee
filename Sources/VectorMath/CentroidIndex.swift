/// Centroids ready for assignment and ranking.
package struct CentroidIndex: Sendable {
    /// `[nlist × dimension]`, unit length.
    package let centroids: [Float]
    package let nlist: Int
    package let dimension: Int

    /// What a query ranks the centroids by; nil in training.
    package let codes: CentroidCodes?

    /// - Parameter rotation: What codes are made under; without it there are none.
    package init(
        centroids: [Float],
        nlist: Int,
        dimension: Int,
        rotation: CodeRotation? = nil
    ) {
        precondition(centroids.count == nlist * dimension && nlist > 0)
        self.centroids = centroids
        self.nlist = nlist
        self.dimension = dimension
        codes = rotation.map { CentroidCodes(centroids, rotation: $0) }
    }
}
