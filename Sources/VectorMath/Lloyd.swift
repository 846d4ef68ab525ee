/// Unit vectors side by side.
struct PointSet: Sendable {
    /// `[count × dimension]`.
    let values: [Float]
    let dimension: Int

    var count: Int { values.count / dimension }

    /// The points with the given numbers.
    func subset(_ numbers: [Int]) -> PointSet {
        let subset = [Float](unsafeUninitializedCapacity: numbers.count * dimension) {
            buffer,
            filled in
            guard let target = buffer.baseAddress else { return }
            values.withUnsafeBufferPointer { source in
                guard let source = source.baseAddress else { return }
                for (slot, number) in numbers.enumerated() {
                    (target + slot * dimension).initialize(
                        from: source + number * dimension,
                        count: dimension
                    )
                }
            }
            filled = numbers.count * dimension
        }
        return PointSet(values: subset, dimension: dimension)
    }
}

/// Lloyd's rounds on the unit sphere: assign to the nearest centroid, average, scale to length one.
struct Lloyd {
    let points: PointSet
    let threads: Int

    /// Trains from distinct points chosen at random.
    func train(nlist: Int, iterations: Int, seed: UInt64) -> [Float] {
        precondition(nlist <= points.count)
        var random = SeededRandom(seed: seed)
        var centroids = points.subset(random.sampleIndices(count: nlist, from: points.count)).values
        guard nlist > 1 else { return round(centroids) }
        for _ in 0..<iterations { centroids = round(centroids) }
        return centroids
    }

    /// The numbers of the points nearest to each centroid, rising.
    func members(of centroids: [Float]) -> [[Int]] {
        let index = CentroidIndex(
            centroids: centroids,
            nlist: centroids.count / points.dimension,
            dimension: points.dimension
        )
        var lists = [UInt32](repeating: 0, count: points.count)
        lists.withUnsafeMutableBufferPointer { lists in
            points.values.withUnsafeBufferPointer { values in
                guard let rows = values.baseAddress, let out = lists.baseAddress else { return }
                index.nearest(
                    rows: rows,
                    stride: points.dimension,
                    count: points.count,
                    into: out,
                    threads: threads
                )
            }
        }
        var members = [[Int]](repeating: [], count: index.nlist)
        for (number, list) in lists.enumerated() { members[Int(list)].append(number) }
        return members
    }

    /// One round; centroids that lost all their points take over a part of the largest.
    func round(_ centroids: [Float]) -> [Float] {
        let dimension = points.dimension
        let members = members(of: centroids)
        var next = centroids
        next.withUnsafeMutableBufferPointer { target in
            nonisolated(unsafe) let target = target  // Each chunk writes centroids of its own.
            ParallelWorkers.forEachChunk(count: members.count, chunk: 16, threads: threads) {
                range in
                for list in range where !members[list].isEmpty {
                    guard let base = target.baseAddress else { return }
                    average(members[list], into: base + list * dimension)
                }
            }
        }
        repair(&next, sizes: members.map(\.count))
        return next
    }

    /// The direction of the sum; a sum of zero leaves the centroid as it was.
    private func average(_ numbers: [Int], into centroid: UnsafeMutablePointer<Float>) {
        let dimension = points.dimension
        var sum = [Double](repeating: 0, count: dimension)
        points.values.withUnsafeBufferPointer { values in
            for number in numbers {
                for column in 0..<dimension {
                    sum[column] += Double(values[number * dimension + column])
                }
            }
        }
        let norm = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard norm > 0 else { return }
        for column in 0..<dimension { centroid[column] = Float(sum[column] / norm) }
    }

    /// Splits the largest clusters: alternate coordinates are moved by ±1/1024, as FAISS does.
    private func repair(_ centroids: inout [Float], sizes: [Int]) {
        let dimension = points.dimension
        var sizes = sizes
        for list in sizes.indices where sizes[list] == 0 {
            guard let largest = sizes.indices.max(by: { sizes[$0] < sizes[$1] }),
                sizes[largest] > 1
            else { return }
            for column in 0..<dimension {
                let value = centroids[largest * dimension + column]
                let shift: Float = column.isMultiple(of: 2) ? 1 / 1_024 : -1 / 1_024
                centroids[list * dimension + column] = value * (1 + shift)
                centroids[largest * dimension + column] = value * (1 - shift)
            }
            for changed in [list, largest] { normalise(&centroids, changed) }
            sizes[list] = sizes[largest] / 2
            sizes[largest] -= sizes[list]
        }
    }

    private func normalise(_ centroids: inout [Float], _ list: Int) {
        let dimension = points.dimension
        let range = list * dimension..<(list + 1) * dimension
        let norm = centroids[range].reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        guard norm > 0 else { return }
        for position in range { centroids[position] = Float(Double(centroids[position]) / norm) }
    }
}
