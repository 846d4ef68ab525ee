package import VectorMath

/// A centroid set in use: its tables with what search and assignment need beside the floats.
package final class IndexGeneration: Sendable {
    package let number: UInt64
    package let set: CentroidSet
    /// One entry a table of the set, in its order.
    package let tables: [CentroidIndex]
    /// What codes of this generation are made under.
    package let rotation: CodeRotation
    /// The table over the whole collection.
    package let globalTable: Int?
    private let tableByPartition: [PartitionName: Int]

    package init(_ set: CentroidSet) {
        number = set.generation
        self.set = set
        let rotation = CodeRotation(seed: set.seed, dimension: set.dimension)
        self.rotation = rotation
        tables = set.tables.map { table in
            CentroidIndex(
                centroids: table.centroids,
                nlist: table.nlist,
                dimension: set.dimension,
                rotation: rotation
            )
        }
        var byPartition: [PartitionName: Int] = [:]
        for (index, table) in set.tables.enumerated() {
            if !table.isGlobal { byPartition[PartitionName(table.partition)] = index }
        }
        tableByPartition = byPartition
        globalTable = set.tables.firstIndex { $0.isGlobal }
    }

    /// The rows that a table was not trained on.
    func heldOut(fromTable table: Int) -> HeldOutRows {
        HeldOutRows(seed: self.set.seed, rowCount: Int(self.set.tables[table].trainedRowCount))
    }

    /// The table that rows of a partition are listed under: its own, or in a collection without
    /// partitions the global one.
    package func listTable(forPartition partition: String, isPartitioned: Bool) -> Int? {
        guard isPartitioned else { return globalTable }
        return tableByPartition[PartitionName(partition)]
    }
}
