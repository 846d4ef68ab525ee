/// The centroids of one partition, or of the whole collection.
package struct CentroidTable: Sendable, Hashable {
    /// Nil for the table over the whole collection.
    package var partition: String?
    package var nlist: Int
    /// `[nlist × dimension]`, unit length; row i names posting list i.
    package var centroids: [Float]
    /// Rows there were when the table was trained.
    package var trainedRowCount: UInt64
    package var calibration: RecallCurve

    package var isGlobal: Bool { partition == nil }
}

/// One index generation: everything that assigns rows to lists.
package struct CentroidSet: Sendable, Hashable {
    package var generation: UInt64
    package var collectionID: UInt32
    package var dimension: Int
    package var seed: UInt64
    package var tables: [CentroidTable]
}
