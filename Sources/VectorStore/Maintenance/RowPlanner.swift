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
    static let blockRowCount = 4_096

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
                let spills = configuration.partitionKey == nil
                let lists = try assign(members, to: generation.tables[table], spills: spills) {
                    progress((Double(start) + $0 * Double(members.count)) / total)
                }
                guard let lists else { return nil }
                let nlist = generation.set.tables[table].nlist
                let (order, counts) = Self.order(of: lists.first, nlist: nlist)
                plan.rows += order.map { members[$0] }
                if let second = lists.second { plan.secondLists = order.map { second[$0] } }
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
            let lists = try assign(
                plan.rows,
                to: generation.tables[table],
                spills: true,
                progress: progress
            )
            guard let lists else { return nil }
            plan.globalLists = SegmentPlan.GlobalLists(
                nlist: generation.set.tables[table].nlist,
                assignments: lists.first
            )
            plan.secondLists = lists.second
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

    /// The posting list of each row, and its second one.
    func assign(
        _ rows: [SegmentPlan.RowReference],
        to index: CentroidIndex,
        spills: Bool,
        progress: (Double) -> Bool
    ) throws(CorruptionError) -> (first: [UInt32], second: [UInt32]?)? {
        var first = [UInt32](repeating: 0, count: rows.count)
        var second = [UInt32](repeating: 0, count: spills ? rows.count : 0)
        guard !rows.isEmpty else { return (first, spills ? second : nil) }
        let dimension = configuration.dimension
        let assignment = ListAssignment(
            centroids: index.centroids,
            nlist: index.nlist,
            dimension: dimension,
            threads: threads
        )
        var block = [Float](repeating: 0, count: min(rows.count, Self.blockRowCount) * dimension)
        var start = 0
        while start < rows.count {
            let count = min(Self.blockRowCount, rows.count - start)
            try copyVectors(of: rows[start..<start + count], into: &block)
            first.withUnsafeMutableBufferPointer { first in
                second.withUnsafeMutableBufferPointer { second in
                    guard let first = first.baseAddress else { return }
                    assignment.assign(
                        rows: block,
                        stride: dimension,
                        count: count,
                        first: first + start,
                        second: spills ? second.baseAddress.map { $0 + start } : nil,
                        threads: threads
                    )
                }
            }
            start += count
            guard progress(Double(start) / Double(rows.count)) else { return nil }
        }
        return (first, spills ? second : nil)
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

    /// A stable counting sort by list: the places in order, and the rows of each list.
    private static func order(
        of lists: [UInt32],
        nlist: Int
    ) -> (order: [Int], counts: [UInt32]) {
        var counts = [UInt32](repeating: 0, count: nlist)
        for list in lists { counts[Int(list)] += 1 }
        var next = [Int](repeating: 0, count: nlist)
        var sum = 0
        for list in 0..<nlist {
            next[list] = sum
            sum += Int(counts[list])
        }
        var order = [Int](repeating: 0, count: lists.count)
        for (place, list) in lists.enumerated() {
            order[next[Int(list)]] = place
            next[Int(list)] += 1
        }
        return (order, counts)
    }
}
