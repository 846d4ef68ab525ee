// Centroids in int8 panels: the side of the product that all rows share.
//
// - Up to `flatCount` centroids, a row is compared with all of them.
// - More are put in about √nlist groups around heads. A row is compared with the heads, then with the
//   centroids of the `chosenGroupCount` nearest groups: cost √nlist a row in place of nlist.
// - All centroids have one step, so that scores of one row are ordered as integers.

import CVectorKernels

struct ByteLists: Sendable {
    /// Centroids around their heads, in the order of the heads.
    struct Groups: Sendable {
        /// The heads' panels.
        var heads: [Int8]
        var count: Int
        /// Lists by group, and where each group starts; `count + 1` starts.
        var members: [UInt32]
        var starts: [Int]
        /// Where each group's panels start, in bytes.
        var panelStarts: [Int]
        /// Groups that a row is compared with.
        var chosen: Int
    }

    /// Up to so many centroids are compared with every row.
    static let flatCount = 4_096
    /// Groups a row is compared with.
    static let chosenGroupCount = 16

    let nlist: Int
    let dimension: Int
    let width: Int
    let step: Float
    /// The greatest length that was rounded away from a centroid.
    let error: Float
    /// `[nlist × width]`.
    let bytes: [Int8]
    let panels: [Int8]
    let groups: Groups?

    /// - Parameter centroids: `[nlist × dimension]`, unit length.
    init(
        _ centroids: [Float],
        nlist: Int,
        dimension: Int,
        threads: Int,
        flatCount: Int = Self.flatCount
    ) {
        precondition(nlist > 0 && centroids.count == nlist * dimension)
        let width = vk_i8_width(dimension)
        self.nlist = nlist
        self.dimension = dimension
        self.width = width
        let largest = centroids.reduce(Float(0)) { max($0, abs($1)) }
        let step = largest / 127
        self.step = step
        var worst: Float = 0
        var bytes = [Int8](repeating: 0, count: nlist * width)
        bytes.withUnsafeMutableBufferPointer { bytes in
            centroids.withUnsafeBufferPointer { centroids in
                guard let target = bytes.baseAddress, let source = centroids.baseAddress else {
                    return
                }
                for list in 0..<nlist {
                    var error: Float = 0
                    vk_i8_quantise_step(
                        source + list * dimension,
                        dimension,
                        step,
                        target + list * width,
                        &error
                    )
                    worst = max(worst, error)
                }
            }
        }
        error = worst
        self.bytes = bytes
        if nlist <= flatCount {
            panels = Self.pack(bytes, nil, count: nlist, width: width)
            groups = nil
        } else {
            let members = Self.group(
                centroids,
                nlist: nlist,
                dimension: dimension,
                threads: threads
            )
            (groups, panels) = Self.arrange(members, bytes: bytes, width: width)
        }
    }

    /// Rows that are scored together by one thread.
    var chunkRowCount: Int { groups == nil ? 32 : 256 }

    static func pack(
        _ bytes: [Int8],
        _ ordinals: [UInt32]?,
        count: Int,
        width: Int
    ) -> [Int8] {
        [Int8](unsafeUninitializedCapacity: vk_i8_panel_bytes(count, width)) { panels, filled in
            vk_i8_pack(bytes, ordinals, count, width, panels.baseAddress)
            filled = vk_i8_panel_bytes(count, width)
        }
    }

    // MARK: - Groups

    private typealias Members = (heads: ByteLists, lists: [[UInt32]])

    /// Heads by k-means over the centroids.
    private static func group(
        _ centroids: [Float],
        nlist: Int,
        dimension: Int,
        threads: Int
    ) -> Members {
        let rows = RoundedRows(count: nlist, dimension: dimension)
        centroids.withUnsafeBufferPointer { centroids in
            guard let base = centroids.baseAddress else { return }
            for list in 0..<nlist { rows.set(list, to: base + list * dimension) }
        }
        let count = Int(Double(nlist).squareRoot().rounded())
        var random = SeededRandom(seed: UInt64(nlist))
        var lloyd = ByteLloyd(rows: rows, nlist: count, threads: threads, random: &random)
        for _ in 0..<5 { lloyd.roundOverAll() }
        let heads = ByteLists(
            lloyd.centroids,
            nlist: count,
            dimension: dimension,
            threads: threads,
            flatCount: count
        )
        var lists = [UInt32](repeating: 0, count: nlist)
        lloyd.assignAll(heads, into: &lists)
        var members = [[UInt32]](repeating: [], count: count)
        for (list, head) in lists.enumerated() { members[Int(head)].append(UInt32(list)) }
        return (heads, members)
    }

    private static func arrange(
        _ members: Members,
        bytes: [Int8],
        width: Int
    ) -> (Groups, [Int8]) {
        var groups = Groups(
            heads: members.heads.panels,
            count: members.lists.count,
            members: [],
            starts: [0],
            panelStarts: [0],
            chosen: min(chosenGroupCount, members.lists.count)
        )
        var panels: [Int8] = []
        for lists in members.lists {
            groups.members += lists
            groups.starts.append(groups.members.count)
            panels += pack(bytes, lists, count: lists.count, width: width)
            groups.panelStarts.append(panels.count)
        }
        return (groups, panels)
    }
}
