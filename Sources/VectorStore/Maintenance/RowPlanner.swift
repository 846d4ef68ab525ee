// Puts rows in the order in which a segment stores them: by partition, then by that partition's
// posting lists; and lists them under the centroids of the whole collection.

import StorageIO
import VectorMath

/// Turns a choice of rows into a segment plan.
struct RowPlanner {
    let configuration: CollectionConfiguration
    let sources: [any RowStore]
    let generation: IndexGeneration?
    let threads: Int

    /// Rows whose vectors are copied together for one assignment.
    static let blockRowCount = 2_048

    /// - Parameters:
    ///   - rows: The rows, in any order.
    ///   - progress: Called with the share done; false cancels.
    /// - Returns: The plan, or nil when cancelled.
    func plan(
        _ rows: [SegmentPlan.RowReference],
        progress: (Double) -> Bool
    ) throws(CorruptionError) -> SegmentPlan? {
        let groups = groupByPartition(rows)
        var plan = SegmentPlan(rows: [], partitions: [], globalLists: nil)
        plan.rows.reserveCapacity(rows.count)
        let total = Double(max(rows.count, 1))
        for (key, members) in groups {
            let start = plan.rows.count
            let table = generation?.listTable(
                forPartition: key,
                isPartitioned: configuration.partitionKey != nil
            )
            if let generation, let table {
                let lists = try assign(members, to: generation.tables[table]) {
                    progress((Double(start) + $0 * Double(members.count)) / total)
                }
                guard let lists else { return nil }
                let nlist = generation.set.tables[table].nlist
                let (ordered, counts) = Self.order(members, by: lists, nlist: nlist)
                plan.rows += ordered
                plan.partitions.append(
                    SegmentPlan.Partition(
                        key: key,
                        rows: start..<plan.rows.count,
                        centroidTable: table,
                        listCounts: counts
                    )
                )
            } else {
                plan.rows += members
                plan.partitions.append(
                    SegmentPlan.Partition(
                        key: key,
                        rows: start..<plan.rows.count,
                        centroidTable: nil,
                        listCounts: nil
                    )
                )
            }
        }
        if configuration.partitionKey != nil, let generation, let table = generation.globalTable {
            let lists = try assign(plan.rows, to: generation.tables[table], progress: progress)
            guard let lists else { return nil }
            plan.globalLists = SegmentPlan.GlobalLists(
                nlist: generation.set.tables[table].nlist,
                assignments: lists
            )
        }
        return plan
    }

    /// Rows by partition in the order of the keys' UTF-8 bytes, each group in the given order.
    private func groupByPartition(
        _ rows: [SegmentPlan.RowReference]
    ) -> [(key: String, rows: [SegmentPlan.RowReference])] {
        guard configuration.partitionKey != nil else { return [("", rows)] }
        var groups: [PartitionName: [SegmentPlan.RowReference]] = [:]
        for row in rows {
            let key = PartitionName(sources[Int(row.source)].partition(at: Int(row.ordinal)))
            groups[key, default: []].append(row)
        }
        return groups.sorted { $0.key < $1.key }.map { ($0.key.text, $0.value) }
    }

    /// The posting list of each row.
    func assign(
        _ rows: [SegmentPlan.RowReference],
        to index: CentroidIndex,
        progress: (Double) -> Bool
    ) throws(CorruptionError) -> [UInt32]? {
        var lists = [UInt32](repeating: 0, count: rows.count)
        let dimension = configuration.dimension
        var block = [Float](repeating: 0, count: min(rows.count, Self.blockRowCount) * dimension)
        var first = 0
        while first < rows.count {
            let count = min(Self.blockRowCount, rows.count - first)
            try copyVectors(of: rows[first..<first + count], into: &block)
            block.withUnsafeBufferPointer { vectors in
                lists.withUnsafeMutableBufferPointer { lists in
                    guard let vectors = vectors.baseAddress, let lists = lists.baseAddress else {
                        return
                    }
                    index.nearest(
                        rows: vectors,
                        stride: dimension,
                        count: count,
                        into: lists + first,
                        threads: threads
                    )
                }
            }
            first += count
            guard progress(Double(first) / Double(rows.count)) else { return nil }
        }
        return lists
    }

    private func copyVectors(
        of rows: ArraySlice<SegmentPlan.RowReference>,
        into block: inout [Float]
    ) throws(CorruptionError) {
        let dimension = configuration.dimension
        for (slot, row) in rows.enumerated() {
            let vector = try sources[Int(row.source)].vector(at: Int(row.ordinal))
            block.withUnsafeMutableBufferPointer { block in
                guard let base = block.baseAddress else { return }
                (base + slot * dimension).update(from: vector, count: dimension)
            }
        }
    }

    /// A stable counting sort by list.
    private static func order(
        _ rows: [SegmentPlan.RowReference],
        by lists: [UInt32],
        nlist: Int
    ) -> (rows: [SegmentPlan.RowReference], counts: [UInt32]) {
        var counts = [UInt32](repeating: 0, count: nlist)
        for list in lists { counts[Int(list)] += 1 }
        var next = [Int](repeating: 0, count: nlist)
        var sum = 0
        for list in 0..<nlist {
            next[list] = sum
            sum += Int(counts[list])
        }
        var ordered = rows
        for (row, list) in zip(rows, lists) {
            ordered[next[Int(list)]] = row
            next[Int(list)] += 1
        }
        return (ordered, counts)
    }
}
