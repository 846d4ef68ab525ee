// What is trained in a rebuild, and how.

import StorageIO
import VectorMath

extension Rebuild {
    /// Bytes of bookkeeping a row: references, lists and their order.
    private static let bookkeepingByteCount = 64

    /// What training may take of the limit when `rowCount` rows are rebuilt.
    static func sampleByteCount(limit: Int, rowCount: Int) -> Int {
        max(16 << 20, min(limit / 2, limit - rowCount * bookkeepingByteCount - limit / 8))
    }

    /// One table to be trained.
    struct Scope {
        var partition: String?
        var rows: [SegmentPlan.RowReference]
        var nlist: Int
    }

    /// Posting lists for a collection of `rowCount` rows.
    ///
    /// About 6·√n, and lists of 48 to 64 rows: blocks of 32 codes are not mostly padding, and a
    /// million rows are not in lists so long that few of them cost more than they tell apart.
    static func defaultNlist(rowCount: Int) -> Int {
        let rows = Double(rowCount)
        let wanted = min(max(6 * rows.squareRoot(), rows / 64), rows / 48)
        return max(16, min(65_536, Int(wanted / 16) * 16))
    }

    func scopes(
        _ rows: [SegmentPlan.RowReference],
        sources: [any RowStore],
        configuration: CollectionConfiguration
    ) -> [Scope] {
        var scopes: [Scope] = []
        let minimum = core.options.minimumIndexedRowCount
        if rows.count >= max(minimum, 2) || (options.nlist != nil && rows.count > 1) {
            let nlist = options.nlist ?? Self.defaultNlist(rowCount: rows.count)
            scopes.append(Scope(partition: nil, rows: rows, nlist: min(nlist, rows.count)))
        }
        guard configuration.partitionKey != nil else { return scopes }
        var members: [PartitionName: [SegmentPlan.RowReference]] = [:]
        for row in rows {
            let key = PartitionName(sources[Int(row.source)].partition(at: Int(row.ordinal)))
            members[key, default: []].append(row)
        }
        for (key, rows) in members.sorted(by: { $0.key < $1.key })
        where rows.count >= max(minimum, 2) {
            scopes.append(
                Scope(
                    partition: key.text,
                    rows: rows,
                    nlist: Self.defaultNlist(rowCount: rows.count)
                )
            )
        }
        return scopes
    }

    func train(
        _ scope: Scope,
        sources: [any RowStore],
        dimension: Int,
        progress: @escaping (Double) -> Bool
    ) throws(VectorStoreError) -> CentroidTable {
        var options = KMeansOptions(nlist: scope.nlist, dimension: dimension)
        options.seed = self.options.seed
        options.threads = core.maintenanceThreads
        options.maximumSampleByteCount = Self.sampleByteCount(
            limit: core.options.memoryLimitBytes,
            rowCount: scope.rows.count
        )
        let rows = scope.rows
        let heldOut = HeldOutRows(seed: self.options.seed, rowCount: rows.count)
        let positions = try convertingCorruption { () throws(CorruptionError) in
            try heldOut.positions(in: rows, of: sources, areHeldOut: false)
        }
        var failure: CorruptionError?
        let centroids = KMeans.train(
            count: positions.count,
            options: options,
            loadRows: { numbers, target in
                for (slot, number) in numbers.enumerated() {
                    let row = rows[positions[number]]
                    do throws(CorruptionError) {
                        let vector = try sources[Int(row.source)].vector(at: Int(row.ordinal))
                        (target + slot * dimension).update(from: vector, count: dimension)
                    } catch {
                        failure = error
                        (target + slot * dimension).update(repeating: 0, count: dimension)
                    }
                }
            },
            progress: progress
        )
        if let failure { throw VectorStoreError(corruption: failure) }
        guard let centroids else { throw MaintenanceCancellation.error }
        return CentroidTable(
            partition: scope.partition,
            nlist: centroids.count / dimension,
            centroids: centroids,
            trainedRowCount: UInt64(rows.count),
            calibration: RecallCurve.exact(nlist: centroids.count / dimension)
        )
    }
}
