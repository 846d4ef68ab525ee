// Spherical k-means in two levels.
//
// - A sample is split into about √nlist coarse clusters; the lists are shared out among them by
//   population (Sainte-Laguë), and each cluster is split into its lists. Cost n·√nlist·dimension
//   a round in place of n·nlist·dimension.
// - Then a few rounds over the whole sample against all centroids let rows cross coarse borders.
// - The same seed gives the same centroids on any number of threads: work is split into fixed pieces
//   and each sum is taken in row order.

/// How centroids are trained.
package struct KMeansOptions: Sendable {
    package var nlist: Int
    package var dimension: Int
    package var seed: UInt64 = 42
    /// Rounds at each of the two levels.
    package var iterations = 8
    /// Rounds over the whole sample at the end.
    package var refinements = 1
    /// The sample has at most this many rows a list.
    package var maximumPointsPerCentroid = 96
    package var threads = 1

    package init(nlist: Int, dimension: Int) {
        self.nlist = nlist
        self.dimension = dimension
    }
}

package enum KMeans {
    /// Trains unit centroids.
    ///
    /// - Parameters:
    ///   - count: Rows there are, all of unit length. With fewer rows than `nlist`, there are as many
    ///     lists as rows.
    ///   - loadRows: Copies the rows with the given, rising numbers to `[numbers × dimension]`.
    ///   - progress: Takes the share done; false cancels.
    /// - Returns: `[nlist × dimension]`, or nil when cancelled.
    package static func train(
        count: Int,
        options: KMeansOptions,
        loadRows: ([Int], UnsafeMutablePointer<Float>) -> Void,
        progress: ((Double) -> Bool)? = nil
    ) -> [Float]? {
        precondition(count > 0 && options.nlist > 0 && options.dimension > 0)
        let nlist = min(options.nlist, count)
        var random = SeededRandom(seed: options.seed)
        let sampleCount = min(count, max(nlist, nlist * options.maximumPointsPerCentroid))
        let rows = random.sampleIndices(count: sampleCount, from: count)
        let dimension = options.dimension
        let sample = [Float](unsafeUninitializedCapacity: sampleCount * dimension) {
            buffer,
            filled in
            guard let base = buffer.baseAddress else { return }
            base.initialize(repeating: 0, count: sampleCount * dimension)
            loadRows(rows, base)
            filled = sampleCount * dimension
        }
        func report(_ share: Double) -> Bool { progress?(share) ?? true }
        guard report(0.05) else { return nil }

        let points = PointSet(values: sample, dimension: dimension)
        var centroids = twoLevels(
            points,
            nlist: nlist,
            options: options,
            random: &random,
            report: report
        )
        guard centroids != nil else { return nil }
        for round in 0..<options.refinements {
            centroids = centroids.map {
                Lloyd(points: points, threads: options.threads).round($0)
            }
            let share = 0.7 + 0.3 * Double(round + 1) / Double(options.refinements)
            guard report(share) else { return nil }
        }
        return centroids
    }

    private static func twoLevels(
        _ points: PointSet,
        nlist: Int,
        options: KMeansOptions,
        random: inout SeededRandom,
        report: (Double) -> Bool
    ) -> [Float]? {
        let coarseCount = Int(Double(nlist).squareRoot().rounded())
        guard coarseCount >= 4 else {
            return Lloyd(points: points, threads: options.threads).train(
                nlist: nlist,
                iterations: options.iterations,
                seed: random.next()
            )
        }
        let coarseSample = points.subset(
            random.sampleIndices(count: min(points.count, coarseCount * 256), from: points.count)
        )
        let coarse = Lloyd(points: coarseSample, threads: options.threads).train(
            nlist: coarseCount,
            iterations: options.iterations,
            seed: random.next()
        )
        let members = Lloyd(points: points, threads: options.threads).members(of: coarse)
        guard report(0.2) else { return nil }

        let seats = Seats.share(nlist, among: members.map(\.count))
        let seeds = members.map { _ in random.next() }
        let starts = seats.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
        var centroids = [Float](repeating: 0, count: nlist * points.dimension)
        centroids.withUnsafeMutableBufferPointer { target in
            nonisolated(unsafe) let target = target  // Each cluster writes centroids of its own.
            ParallelWorkers.forEachChunk(
                count: members.count,
                chunk: 1,
                threads: options.threads
            ) { range in
                for cluster in range where seats[cluster] > 0 {
                    let part = Lloyd(points: points.subset(members[cluster]), threads: 1).train(
                        nlist: seats[cluster],
                        iterations: options.iterations,
                        seed: seeds[cluster]
                    )
                    for (offset, value) in part.enumerated() {
                        target[starts[cluster] * points.dimension + offset] = value
                    }
                }
            }
        }
        return report(0.7) ? centroids : nil
    }
}

/// Shares seats out by population (Sainte-Laguë, also called Webster's method).
enum Seats {
    /// - Returns: Seats by party; each with members has at least one, none more than its members.
    static func share(_ seats: Int, among populations: [Int]) -> [Int] {
        var shares = populations.map { $0 > 0 ? 1 : 0 }
        var remaining = seats - shares.reduce(0, +)
        precondition(remaining >= 0 && seats <= populations.reduce(0, +))
        while remaining > 0 {
            var best = -1
            var bestQuotient = -1.0
            for (party, population) in populations.enumerated() where shares[party] < population {
                let quotient = Double(population) / Double(2 * shares[party] + 1)
                if quotient > bestQuotient {
                    bestQuotient = quotient
                    best = party
                }
            }
            shares[best] += 1
            remaining -= 1
        }
        return shares
    }
}
