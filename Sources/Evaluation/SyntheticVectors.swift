import Glibc

/// Random numbers that a seed and a row determine, so that rows can be made in any order.
struct RowRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64, row: UInt64) {
        state = seed &+ row &* 0xD134_2543_DE82_EF95
        _ = next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Uniform from 0 up to, but not including, 1.
    mutating func unit() -> Double {
        Double(next() >> 11) / 9_007_199_254_740_992
    }

    /// About normal: the sum of four uniform numbers, scaled to variance 1.
    mutating func normal() -> Float {
        let bits = next()
        var sum: Float = 0
        for part in 0..<4 {
            sum += Float(UInt16(truncatingIfNeeded: bits >> UInt64(16 * part))) / 65_536
        }
        return (sum - 2) * 1.732_050_8
    }
}

/// Clustered unit vectors of low intrinsic dimension.
///
/// A mixture of clusters in a random subspace, with some noise in every direction. The same seed gives
/// the same row on any number of threads.
package struct SyntheticVectors: Sendable {
    package let dimension: Int
    package let seed: UInt64
    package let clusterCount: Int
    private let intrinsic: Int
    /// `[intrinsic × dimension]`.
    private let axes: [Float]
    /// `[clusterCount × intrinsic]`.
    private let centres: [Float]
    /// `[clusterCount × intrinsic]`: how far each centre has moved after the last row.
    private let paths: [Float]
    private let count: Int

    /// - Parameter drift: How far a topic moves while the rows are inserted, in units of the distance
    ///   of topics from their middle: 0 keeps every topic where it is, 1 replaces it by about another.
    package init(dimension: Int, count: Int, seed: UInt64, drift: Double = 0) {
        precondition(drift >= 0 && drift.isFinite)
        self.dimension = dimension
        self.seed = seed
        self.count = count
        let intrinsic = max(1, min(dimension, 24))
        let clusterCount = max(1, min(4_096, count / 64))
        self.intrinsic = intrinsic
        self.clusterCount = clusterCount
        var random = RowRandom(seed: seed, row: .max)
        let scale = 1 / Float(dimension).squareRoot()
        axes = (0..<intrinsic * dimension).map { _ in random.normal() * scale }
        centres = (0..<clusterCount * intrinsic).map { _ in random.normal() }
        var ofPaths = RowRandom(seed: seed ^ 0x6C07_8965, row: .max)
        paths =
            drift == 0
            ? [] : (0..<clusterCount * intrinsic).map { _ in Float(drift) * ofPaths.normal() }
    }

    /// The cluster of a row; cluster sizes fall as in Zipf's law.
    package func cluster(ofRow row: Int) -> Int {
        var random = RowRandom(seed: seed ^ 0x5851_F42D, row: UInt64(row))
        return Self.zipf(clusterCount, &random)
    }

    /// The share of the insert stream that lies before a row; 1 for rows after it, which are queries.
    private func age(ofRow row: Int) -> Float {
        row >= count ? 1 : Float(row) / Float(count)
    }

    /// Fills `[dimension]` with a row.
    package func fill(row: Int, into target: UnsafeMutablePointer<Float>) {
        let cluster = cluster(ofRow: row)
        var random = RowRandom(seed: seed, row: UInt64(row))
        for column in 0..<dimension { target[column] = random.normal() * 0.004 }
        let age = age(ofRow: row)
        for axis in 0..<intrinsic {
            var weight = centres[cluster * intrinsic + axis] + 0.5 * random.normal()
            if !paths.isEmpty { weight += age * paths[cluster * intrinsic + axis] }
            axes.withUnsafeBufferPointer { axes in
                for column in 0..<dimension {
                    target[column] += weight * axes[axis * dimension + column]
                }
            }
        }
        var sum: Float = 0
        for column in 0..<dimension { sum += target[column] * target[column] }
        let norm = sum.squareRoot()
        for column in 0..<dimension { target[column] /= norm }
    }

    /// The partition of a row: one of `count`, of Zipf size, mostly by topic.
    package func partition(ofRow row: Int, of count: Int) -> UInt16 {
        var random = RowRandom(seed: seed ^ 0x1405_7B7E, row: UInt64(row))
        if UInt64.random(in: 0..<10, using: &random) < 8 {
            var byTopic = RowRandom(seed: seed ^ 0x2545, row: UInt64(cluster(ofRow: row)))
            return UInt16(Self.zipf(count, &byTopic))
        }
        return UInt16(Self.zipf(count, &random))
    }

    /// 0 ..< count with weight about 1 / (1 + i): the inverse of the logarithm.
    private static func zipf(_ count: Int, _ random: inout RowRandom) -> Int {
        min(count - 1, Int(pow(Double(count) + 1, random.unit()) - 1))
    }
}
