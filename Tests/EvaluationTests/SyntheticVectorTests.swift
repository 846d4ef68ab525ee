import Dispatch
import Testing

@testable import Evaluation

@Suite struct `Synthetic vectors` {
    private static func rows(_ source: SyntheticVectors, _ rows: Range<Int>) -> [[Float]] {
        rows.map { row in
            var vector = [Float](repeating: 0, count: source.dimension)
            vector.withUnsafeMutableBufferPointer { buffer in
                if let base = buffer.baseAddress { source.fill(row: row, into: base) }
            }
            return vector
        }
    }

    private static func similarity(_ x: [Float], _ y: [Float]) -> Double {
        zip(x, y).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    }

    @Test func `a seed and a row determine a vector, whoever asks in whatever order`() {
        let source = SyntheticVectors(dimension: 40, count: 2_000, seed: 7)
        let again = SyntheticVectors(dimension: 40, count: 2_000, seed: 7)
        let other = SyntheticVectors(dimension: 40, count: 2_000, seed: 8)
        let forward = Self.rows(source, 0..<300)
        let backward = (0..<300).reversed().flatMap { Self.rows(again, $0..<$0 + 1) }
        #expect(forward == backward.reversed())
        #expect(zip(forward, Self.rows(other, 0..<300)).allSatisfy { $0 != $1 })
        #expect(Set(forward).count == 300, "rows differ")
    }

    @Test(arguments: [1, 2, 17, 384])
    func `every vector has unit length`(dimension: Int) {
        let source = SyntheticVectors(dimension: dimension, count: 1_000, seed: 3)
        for vector in Self.rows(source, 0..<200) {
            #expect(abs(Self.similarity(vector, vector) - 1) < 1e-5)
        }
    }

    @Test func `rows of one cluster are nearer than rows of two`() {
        let source = SyntheticVectors(dimension: 96, count: 4_000, seed: 5)
        let vectors = Self.rows(source, 0..<600)
        var (within, between) = ([Double](), [Double]())
        for first in 0..<600 {
            for second in 0..<first {
                let similarity = Self.similarity(vectors[first], vectors[second])
                if source.cluster(ofRow: first) == source.cluster(ofRow: second) {
                    within.append(similarity)
                } else {
                    between.append(similarity)
                }
            }
        }
        let near = within.reduce(0, +) / Double(within.count)
        let far = between.reduce(0, +) / Double(between.count)
        #expect(within.count > 1_000 && near > 0.6, "within \(near) of \(within.count)")
        #expect(abs(far) < 0.2, "between \(far)")
    }

    @Test func `clusters and partitions fall in size as in Zipf's law`() {
        let source = SyntheticVectors(dimension: 8, count: 20_000, seed: 9)
        var clusters = [Int](repeating: 0, count: source.clusterCount)
        for row in 0..<20_000 { clusters[source.cluster(ofRow: row)] += 1 }
        #expect(clusters[0] > 4 * clusters[9] && clusters[9] > 4 * clusters[99])
        var sizes = [Int](repeating: 0, count: 20)
        for row in 0..<20_000 { sizes[Int(source.partition(ofRow: row, of: 20))] += 1 }
        #expect(sizes.max().map { $0 > 3_000 } == true, "\(sizes)")
        #expect(sizes.min().map { $0 > 0 && $0 < 1_000 } == true, "\(sizes)")
    }

    @Test func `a partition follows from the topic for most rows`() {
        let source = SyntheticVectors(dimension: 8, count: 20_000, seed: 9)
        var byCluster: [Int: [UInt16: Int]] = [:]
        for row in 0..<20_000 {
            byCluster[source.cluster(ofRow: row), default: [:]][
                source.partition(ofRow: row, of: 50),
                default: 0
            ] += 1
        }
        let usual = byCluster.values.reduce(0) { $0 + ($1.values.max() ?? 0) }
        #expect((14_000...19_000).contains(usual), "\(usual) of 20000")
    }

    @Test func `without drift the rows are the same rows as ever`() {
        let source = SyntheticVectors(dimension: 24, count: 1_000, seed: 11)
        let still = SyntheticVectors(dimension: 24, count: 1_000, seed: 11, drift: 0)
        #expect(Self.rows(source, 0..<100) == Self.rows(still, 0..<100))
    }

    @Test func `with drift the topics of the last rows have left those of the first`() {
        func gap(drift: Double) -> (Double, Double) {
            let source = SyntheticVectors(dimension: 64, count: 4_000, seed: 12, drift: drift)
            var sums = (0.0, 0.0)
            var counts = (0, 0)
            let vectors = Self.rows(source, 0..<200) + Self.rows(source, 3_800..<4_000)
            let rows = Array(0..<200) + Array(3_800..<4_000)
            for first in 0..<400 {
                for second in 0..<first {
                    guard source.cluster(ofRow: rows[first]) == source.cluster(ofRow: rows[second])
                    else { continue }
                    let similarity = Self.similarity(vectors[first], vectors[second])
                    if (first < 200) == (second < 200) {
                        sums.0 += similarity
                        counts.0 += 1
                    } else {
                        sums.1 += similarity
                        counts.1 += 1
                    }
                }
            }
            return (sums.0 / Double(counts.0), sums.1 / Double(counts.1))
        }
        let still = gap(drift: 0)
        let moving = gap(drift: 1)
        #expect(abs(still.0 - still.1) < 0.05, "\(still)")
        #expect(moving.0 > 0.6 && moving.0 - moving.1 > 0.1, "\(moving)")
        let far = SyntheticVectors(dimension: 64, count: 4_000, seed: 12, drift: 1)
        let again = SyntheticVectors(dimension: 64, count: 4_000, seed: 12, drift: 1)
        #expect(Self.rows(far, 3_900..<4_000) == Self.rows(again, 3_900..<4_000))
    }
}
