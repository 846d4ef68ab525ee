/// Which rows a new segment holds, in which order, under which posting lists.
package struct SegmentPlan: Sendable {
    /// A row of one of the sources.
    package struct RowReference: Sendable, Hashable {
        package var source: UInt32
        package var ordinal: UInt32

        package init(source: UInt32, ordinal: UInt32) {
            self.source = source
            self.ordinal = ordinal
        }
    }

    /// The rows of one partition.
    package struct Partition: Sendable {
        package var key: String
        /// In the segment.
        package var rows: Range<Int>
        /// The table of the index generation whose lists the rows are in, if any.
        package var centroidTable: Int?
        /// Rows of each list; they add up to the partition's rows.
        package var listCounts: [UInt32]?

        package init(key: String, rows: Range<Int>, centroidTable: Int?, listCounts: [UInt32]?) {
            self.key = key
            self.rows = rows
            self.centroidTable = centroidTable
            self.listCounts = listCounts
        }
    }

    /// The lists of the whole collection, when it has partitions too.
    package struct GlobalLists: Sendable {
        package var nlist: Int
        /// The list of each row, in final order.
        package var assignments: [UInt32]

        package init(nlist: Int, assignments: [UInt32]) {
            self.nlist = nlist
            self.assignments = assignments
        }
    }

    /// In final order: by partition, then by that partition's lists.
    package var rows: [RowReference]
    /// In the order of the keys' UTF-8 bytes; their ranges cover the rows without a gap.
    package var partitions: [Partition]
    package var globalLists: GlobalLists?
    /// The second list of each row under the table over the whole collection, in final order; a row
    /// whose second list is its first has none.
    package var secondLists: [UInt32]?

    package init(rows: [RowReference], partitions: [Partition], globalLists: GlobalLists?) {
        self.rows = rows
        self.partitions = partitions
        self.globalLists = globalLists
    }

    /// Traps when the plan contradicts itself.
    func checkInvariants() {
        precondition(UInt64(rows.count) <= SegmentLayout.maximumRowCount)
        var next = 0
        var previous: String?
        for partition in partitions {
            precondition(partition.rows.lowerBound == next, "partitions cover rows in order")
            next = partition.rows.upperBound
            if let previous {
                precondition(
                    previous.utf8.lexicographicallyPrecedes(partition.key.utf8),
                    "partition keys rise"
                )
            }
            previous = partition.key
            precondition((partition.centroidTable == nil) == (partition.listCounts == nil))
            if let counts = partition.listCounts {
                precondition(
                    !counts.isEmpty
                        && counts.reduce(0) { $0 + Int($1) } == partition.rows.count,
                    "the lists hold the partition's rows"
                )
            }
        }
        precondition(next == rows.count, "every row is in a partition")
        if let second = secondLists {
            precondition(second.count == rows.count)
        }
        if let lists = globalLists {
            precondition(lists.nlist > 0 && lists.assignments.count == rows.count)
            precondition(lists.assignments.allSatisfy { Int($0) < lists.nlist })
        }
    }
}
