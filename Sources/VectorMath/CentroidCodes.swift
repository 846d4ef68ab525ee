import CVectorKernels

/// Centroids under a rotation, for ranking: groups of neighbours, codes under the means of these, and byte
/// rows.
package final class CentroidCodes: Sendable {
    /// Fewer centroids are one group.
    private static let leastGroupedCount = 1_024

    package let count: Int
    package let rotation: CodeRotation
    private let width: Int
    private let groupCount: Int
    /// Blocks of codes, each group from a new one on.
    private let blocks: AlignedBytes
    /// `[count × width]`, group by group.
    private let rows: AlignedBytes
    /// The list of each row of `rows`.
    private let lists: AlignedBytes
    /// `[groups × width]`: the groups' means.
    private let groupRows: AlignedBytes
    /// The first row of each group, and their number.
    private let groupStarts: AlignedBytes

    /// - Shapes: `centroids` is `[count × dimension]`, unit length.
    package init(_ centroids: [Float], rotation: CodeRotation) {
        let (dimension, width) = (rotation.dimension, rotation.width)
        count = centroids.count / dimension
        self.rotation = rotation
        self.width = width
        let groups = Self.groups(of: centroids, count: count, dimension: dimension)
        groupCount = groups.count
        let blockByteCount = CodeBlocks.byteCount(width: width)
        let blockCount = groups.reduce(0) { $0 + CodeBlocks.count(rows: $1.count) }
        blocks = AlignedBytes(byteCount: blockCount * blockByteCount)
        rows = AlignedBytes(byteCount: count * width)
        lists = AlignedBytes(byteCount: count * 4)
        groupRows = AlignedBytes(byteCount: groupCount * width)
        groupStarts = AlignedBytes(byteCount: (groupCount + 1) * 4)

        var (row, block) = (0, 0)
        for (group, members) in groups.enumerated() {
            groupStarts.start.storeBytes(of: UInt32(row), toByteOffset: group * 4, as: UInt32.self)
            let turned = Self.rotated(members, of: centroids, rotation)
            let mean = Self.mean(turned, count: members.count, width: width)
            _ = mean.withUnsafeBufferPointer { mean in
                mean.baseAddress.map {
                    ByteRows.encode($0, width: width, into: bytes(of: groupRows, group * width))
                }
            }
            turned.withUnsafeBufferPointer { turned in
                mean.withUnsafeBufferPointer { mean in
                    guard let turned = turned.baseAddress, let mean = mean.baseAddress else {
                        return
                    }
                    for (place, list) in members.enumerated() {
                        lists.start.storeBytes(
                            of: UInt32(list),
                            toByteOffset: (row + place) * 4,
                            as: UInt32.self
                        )
                        _ = ByteRows.encode(
                            turned + place * width,
                            width: width,
                            into: bytes(of: rows, (row + place) * width)
                        )
                    }
                    for first in stride(from: 0, to: members.count, by: CodeBlocks.rowCount) {
                        CodeBlocks.encode(
                            rows: turned + first * width,
                            count: min(CodeBlocks.rowCount, members.count - first),
                            centroid: mean,
                            width: width,
                            into: bytes(of: blocks, block * blockByteCount)
                        )
                        block += 1
                    }
                }
            }
            row += members.count
        }
        groupStarts.start.storeBytes(
            of: UInt32(row),
            toByteOffset: groupCount * 4,
            as: UInt32.self
        )
    }

    /// Whether a ranking of so many lists leaves centroids out, and may miss one of the nearest.
    package func isRankedInPart(_ wanted: Int) -> Bool {
        var table = raw
        return vk_ranks_in_part(&table, wanted) != 0
    }

    private func bytes(of memory: AlignedBytes, _ offset: Int) -> UnsafeMutablePointer<UInt8> {
        (memory.start + offset).assumingMemoryBound(to: UInt8.self)
    }

    /// The lists of each group, rising.
    private static func groups(of centroids: [Float], count: Int, dimension: Int) -> [[Int]] {
        guard count >= leastGroupedCount else { return [Array(0..<count)] }
        let wanted = Int(Double(count).squareRoot())
        let means = centroids.withUnsafeBufferPointer { centroids in
            KMeans.train(
                count: count,
                options: KMeansOptions(nlist: wanted, dimension: dimension),
                loadRows: { numbers, target in
                    guard let source = centroids.baseAddress else { return }
                    for (place, number) in numbers.enumerated() {
                        (target + place * dimension).update(
                            from: source + number * dimension,
                            count: dimension
                        )
                    }
                }
            )
        }
        guard let means else { return [Array(0..<count)] }
        let groupCount = means.count / dimension
        var nearest = [UInt32](repeating: 0, count: count)
        centroids.withUnsafeBufferPointer { centroids in
            nearest.withUnsafeMutableBufferPointer { nearest in
                guard let rows = centroids.baseAddress, let first = nearest.baseAddress else {
                    return
                }
                ListAssignment(
                    centroids: means,
                    nlist: groupCount,
                    dimension: dimension,
                    threads: 1
                ).assign(rows: rows, stride: dimension, count: count, first: first, threads: 1)
            }
        }
        var groups = [[Int]](repeating: [], count: groupCount)
        for list in 0..<count { groups[Int(nearest[list])].append(list) }
        return groups.filter { !$0.isEmpty }
    }

    /// `[members × width]`.
    private static func rotated(
        _ members: [Int],
        of centroids: [Float],
        _ rotation: CodeRotation
    ) -> [Float] {
        let (dimension, width) = (rotation.dimension, rotation.width)
        var turned = [Float](repeating: 0, count: members.count * width)
        turned.withUnsafeMutableBufferPointer { turned in
            centroids.withUnsafeBufferPointer { centroids in
                guard let target = turned.baseAddress, let source = centroids.baseAddress else {
                    return
                }
                for (place, list) in members.enumerated() {
                    rotation.rotate(source + list * dimension, into: target + place * width)
                }
            }
        }
        return turned
    }

    private static func mean(_ rows: [Float], count: Int, width: Int) -> [Float] {
        var sum = [Double](repeating: 0, count: width)
        for row in 0..<count {
            for column in 0..<width { sum[column] += Double(rows[row * width + column]) }
        }
        return sum.map { Float($0 / Double(count)) }
    }

    var raw: vk_centroids {
        func words(_ memory: AlignedBytes) -> UnsafeMutablePointer<UInt32> {
            memory.start.assumingMemoryBound(to: UInt32.self)
        }
        return vk_centroids(
            blocks: bytes(of: blocks, 0),
            rows: bytes(of: rows, 0),
            lists: words(lists),
            group_rows: bytes(of: groupRows, 0),
            group_starts: words(groupStarts),
            group_count: groupCount,
            count: count,
            width: width
        )
    }
}
