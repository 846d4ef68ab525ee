/// The centroids of one index generation of a collection.
package struct CentroidSet: Sendable, Hashable {
    package var generation: UInt64
    package var collectionID: UInt32
    package var dimension: Int
    /// The seed of the training.
    package var seed: UInt64
    package var tables: [CentroidTable]

    package init(
        generation: UInt64,
        collectionID: UInt32,
        dimension: Int,
        seed: UInt64,
        tables: [CentroidTable]
    ) {
        self.generation = generation
        self.collectionID = collectionID
        self.dimension = dimension
        self.seed = seed
        self.tables = tables
    }
}

/// The centroids over one set of rows: the whole collection, or one partition.
package struct CentroidTable: Sendable, Hashable {
    /// Whether the table is over the whole collection.
    package var isGlobal: Bool
    /// The partition's key; empty for the whole collection.
    package var partition: String
    package var nlist: Int
    /// `[nlist × dimension]`, unit length; row *i* names posting list *i*.
    package var centroids: [Float]
    /// The rows that the training chose from.
    package var trainedRowCount: UInt64
    package var calibration: RecallCurve

    /// - Parameter partition: The partition's key, or nil for the whole collection.
    package init(
        partition: String?,
        nlist: Int,
        centroids: [Float],
        trainedRowCount: UInt64,
        calibration: RecallCurve
    ) {
        isGlobal = partition == nil
        self.partition = partition ?? ""
        self.nlist = nlist
        self.centroids = centroids
        self.trainedRowCount = trainedRowCount
        self.calibration = calibration
    }
}
