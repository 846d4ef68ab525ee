// How a search looks for its answer.
//
// - The plan follows from how many rows there are to look at, never from a knob: few rows are all
//   compared, many rows are reached through posting lists.
// - A plan never limits how many matches come back: when lists yield fewer than k, the search goes
//   on over all rows.

import VectorMath

/// The work that a search will do over segments.
struct QueryPlan {
    /// How rows of segments are reached.
    enum Access: Equatable {
        /// Compare every row of the scope.
        case exact
        /// Look at codes: of the nearest posting lists of each index generation, or of whole
        /// partitions.
        case codes
        /// Find the matching rows first, then compare each of them.
        case gather
    }

    /// The posting lists that are visited in one segment.
    struct Probe {
        var curve: RecallCurve
        /// What ranks the lists; nil where the index has no codes.
        var centroids: CentroidCodes?
        var nprobe: Int

        /// The same with every list.
        var whole: Probe { Probe(curve: curve, centroids: centroids, nprobe: curve.nlist) }
    }

    var access: Access
    /// Of each segment; nil where there are no lists for the scope.
    var probes: [Probe?] = []
    /// What calibration alone says of the recall.
    var calibratedRecall = 1.0
    var band = LiveRecallReport.Band.unfiltered

    /// Up to this many rows, comparing all of them costs less than preparing a query for codes.
    static let exactRowLimit = 96
    /// Up to this many rows of a partition, byte rows alone cost less than codes before them.
    static let byteRowLimit = 400
    /// A filter that lets fewer than one row in this many pass is resolved before distances.
    static let gatherSelectivity = 1.0 / 16
    /// Rows that are tried to estimate how many match a filter.
    ///
    /// Each costs a cache miss, so the first sample
    /// has to do for a filter that is found to let so many pass.
    static let (firstSampleCount, filterSampleCount) = (128, 512)
    static let commonSelectivity = 0.4
}

/// The rows that a search is about.
struct SearchScope {
    let live: LiveSet
    /// Nil for the whole collection.
    let partitions: [String]?
    /// Each segment's row ranges in the scope.
    let ranges: [[PartitionRange]]

    /// One partition's rows of one segment.
    struct PartitionRange {
        var ordinals: Range<Int>
        var entry: PartitionEntry?
    }

    init(live: LiveSet, partitions: [String]?) {
        self.live = live
        self.partitions = partitions
        ranges = live.segments.indices.map { index in
            let segment = live.segments[index].segment
            guard let partitions else {
                if live.configuration.partitionKey == nil {
                    let entry = segment.partition(named: "")
                    return [PartitionRange(ordinals: 0..<segment.rowCount, entry: entry)]
                }
                return [PartitionRange(ordinals: 0..<segment.rowCount, entry: nil)]
            }
            return partitions.compactMap { name in
                segment.partition(named: name).map {
                    PartitionRange(ordinals: $0.ordinals, entry: $0)
                }
            }
        }
    }

    /// Rows of segments in the scope, hidden ones included.
    var segmentRowCount: Int {
        ranges.reduce(0) { $0 + $1.reduce(0) { $0 + $1.ordinals.count } }
    }
}
