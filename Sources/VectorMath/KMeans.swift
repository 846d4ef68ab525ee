// Spherical k-means over an int8 sample.
//
// - It starts at rows chosen at random; two rounds against all centroids, then rounds against the
//   neighbours of each row's centroid until few rows move (see `ByteLloyd`).
// - Memory is the sample, a byte a coordinate, and the centroids; never more than asked for.
// - The same seed gives the same centroids on any number of threads.

/// How centroids are trained.
package struct KMeansOptions: Sendable {
    package var nlist: Int
    package var dimension: Int
    package var seed: UInt64 = 42
    /// Rounds against all centroids.
    package var fullRounds = 2
    /// Rounds against neighbours, at the most.
    package var neighbourRounds = 10
    /// Rounds end when fewer than this share of the rows moves.
    package var settledShare = 0.01
    /// The sample has at most this many rows a list.
    package var maximumPointsPerCentroid = 96
    /// The sample takes at most this many bytes, but has a row for each list.
    package var maximumSampleByteCount = 512 << 20
    package var threads = 1

    package init(nlist: Int, dimension: Int) {
        self.nlist = nlist
        self.dimension = dimension
    }
}

package enum KMeans {
    /// Rows that are loaded together: at most so many floats.
    private static let loadedFloatCount = 1 << 20

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
        func report(_ share: Double) -> Bool { progress?(share) ?? true }
        var random = SeededRandom(seed: options.seed)
        let affordable =
            options.maximumSampleByteCount / RoundedRows.byteCount(dimension: options.dimension)
        let wanted = min(nlist * options.maximumPointsPerCentroid, affordable)
        let numbers = random.sampleIndices(count: min(count, max(nlist, wanted)), from: count)
        guard
            let rows = sample(
                numbers,
                options: options,
                loadRows: loadRows,
                proceed: { share in
                    report(0.1 * share)
                }
            )
        else { return nil }

        var lloyd = ByteLloyd(rows: rows, nlist: nlist, threads: options.threads, random: &random)
        let fullRounds = Double(options.fullRounds)
        for round in 0..<options.fullRounds {
            let isDone = lloyd.roundOverAll {
                report(0.1 + 0.6 * (Double(round) + $0) / fullRounds)
            }
            guard isDone else { return nil }
        }
        for round in 0..<options.neighbourRounds {
            let moved = lloyd.roundOverNeighbours()
            guard report(0.7 + 0.3 * Double(round + 1) / Double(options.neighbourRounds)) else {
                return nil
            }
            if moved < options.settledShare { break }
        }
        guard report(1) else { return nil }
        return lloyd.centroids
    }

    /// Loads and rounds rows; nil when cancelled.
    private static func sample(
        _ numbers: [Int],
        options: KMeansOptions,
        loadRows: ([Int], UnsafeMutablePointer<Float>) -> Void,
        proceed: (Double) -> Bool
    ) -> RoundedRows? {
        let dimension = options.dimension
        let rows = RoundedRows(count: numbers.count, dimension: dimension)
        let blockCount = max(1, loadedFloatCount / dimension)
        var isComplete = true
        withUnsafeTemporaryAllocation(
            of: Float.self,
            capacity: min(blockCount, numbers.count) * dimension
        ) { block in
            guard let base = block.baseAddress else { return }
            base.initialize(repeating: 0, count: block.count)
            for first in stride(from: 0, to: numbers.count, by: blockCount) {
                let part = Array(numbers[first..<min(numbers.count, first + blockCount)])
                loadRows(part, base)
                nonisolated(unsafe) let loaded = base  // Read by all, written by none meanwhile.
                ParallelWorkers.forEachChunk(
                    count: part.count,
                    chunk: 256,
                    threads: options.threads
                ) { range in
                    for row in range { rows.set(first + row, to: loaded + row * dimension) }
                }
                isComplete = proceed(Double(first + part.count) / Double(numbers.count))
                if !isComplete { return }
            }
        }
        return isComplete ? rows : nil
    }
}
