import Glibc
import Testing

@testable import VectorMath

/// Floats that end where a page begins that must not be touched.
final class GuardedFloats {
    let floats: UnsafeMutablePointer<Float>
    private let base: UnsafeMutableRawPointer
    private let byteCount: Int

    init(_ count: Int) {
        let page = Int(getpagesize())
        byteCount = (count * 4 + page - 1) / page * page + page
        base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        mprotect(base + byteCount - page, page, PROT_NONE)
        floats = (base + byteCount - page - count * 4).assumingMemoryBound(to: Float.self)
    }

    deinit { munmap(base, byteCount) }
}

@Suite struct `Distance kernels` {
    static let tiers = Kernels.Tier.allCases.filter(\.isSupported)
    static let dimensions = Array(1...257) + [384, 768, 1_536]

    /// |error| ≤ 2 · dim · 2⁻²⁴ · Σ|aᵢbᵢ| for any order of float32 additions (Higham, Accuracy and
    /// Stability of Numerical Algorithms, section 3.1, with room for the fused steps).
    private func check(
        _ found: Float,
        _ a: UnsafePointer<Float>,
        _ b: UnsafePointer<Float>,
        _ dimension: Int,
        _ what: @autoclosure () -> String
    ) {
        var (sum, magnitude) = (0.0, 0.0)
        for column in 0..<dimension {
            let product = Double(a[column]) * Double(b[column])
            sum += product
            magnitude += abs(product)
        }
        let bound = 2 * Double(dimension) / 16_777_216 * magnitude
        if abs(Double(found) - sum) > bound {
            Issue.record("\(what()): \(found), exact \(sum), bound \(bound)")
        }
    }

    @Test(arguments: tiers)
    func `every dimension agrees with the double-precision sum, up to a guard page`(
        tier: Kernels.Tier
    ) {
        var random = SeededRandom(seed: 5)
        for dimension in Self.dimensions {
            let rowCount = dimension % 9 + 1
            let rows = GuardedFloats(rowCount * dimension)
            let query = GuardedFloats(dimension)
            for place in 0..<rowCount * dimension {
                rows.floats[place] = Float.random(in: -1...1, using: &random)
            }
            for place in 0..<dimension {
                query.floats[place] = Float.random(in: -1...1, using: &random)
            }
            var scores = [Float](repeating: 0, count: rowCount)
            Kernels.dotRows(
                tier: tier,
                query: query.floats,
                rows: rows.floats,
                stride: dimension,
                count: rowCount,
                dimension: dimension,
                into: &scores
            )
            for row in 0..<rowCount {
                check(
                    scores[row],
                    query.floats,
                    rows.floats + row * dimension,
                    dimension,
                    "\(tier.name), dimension \(dimension), row \(row) of \(rowCount)"
                )
            }
            let ordinals = (0..<rowCount).map { UInt32(rowCount - 1 - $0) }
            var gathered = [Float](repeating: 0, count: rowCount)
            Kernels.dotGather(
                tier: tier,
                query: query.floats,
                base: rows.floats,
                stride: dimension,
                ordinals: ordinals,
                count: rowCount,
                dimension: dimension,
                into: &gathered
            )
            #expect(gathered == scores.reversed(), "rows and gather differ at \(dimension)")
            var block = [Float](repeating: 0, count: rowCount)
            Kernels.dotBlock(
                tier: tier,
                a: rows.floats,
                aStride: dimension,
                aCount: rowCount,
                b: query.floats,
                bStride: dimension,
                bCount: 1,
                dimension: dimension,
                into: &block,
                leadingDimension: 1
            )
            for row in 0..<rowCount {
                check(
                    block[row],
                    query.floats,
                    rows.floats + row * dimension,
                    dimension,
                    "\(tier.name) block, dimension \(dimension), row \(row)"
                )
            }
        }
    }

    @Test(arguments: tiers)
    func `alignment does not change a value`(tier: Kernels.Tier) {
        var random = SeededRandom(seed: 6)
        let values = (0..<2 * 400).map { _ in Float.random(in: -1...1, using: &random) }
        for dimension in [1, 7, 16, 31, 33, 100, 384] {
            var first: Float?
            for offset in 0..<16 {
                let rows = GuardedFloats(dimension + 16)
                let query = GuardedFloats(dimension + 16)
                for column in 0..<dimension {
                    rows.floats[offset + column] = values[column]
                    query.floats[offset + column] = values[400 + column]
                }
                var score: Float = 0
                Kernels.dotRows(
                    tier: tier,
                    query: query.floats + offset,
                    rows: rows.floats + offset,
                    stride: dimension,
                    count: 1,
                    dimension: dimension,
                    into: &score
                )
                #expect(score == first ?? score, "offset \(offset), dimension \(dimension)")
                first = score
            }
        }
    }

    @Test(arguments: tiers)
    func `a row's value does not depend on its neighbours`(tier: Kernels.Tier) {
        var random = SeededRandom(seed: 7)
        let dimension = 77
        let rows = (0..<9 * dimension).map { _ in Float.random(in: -1...1, using: &random) }
        let query = (0..<dimension).map { _ in Float.random(in: -1...1, using: &random) }
        func score(_ count: Int, from first: Int) -> [Float] {
            var scores = [Float](repeating: 0, count: count)
            rows.withUnsafeBufferPointer { rows in
                guard let base = rows.baseAddress else { return }
                Kernels.dotRows(
                    tier: tier,
                    query: query,
                    rows: base + first * dimension,
                    stride: dimension,
                    count: count,
                    dimension: dimension,
                    into: &scores
                )
            }
            return scores
        }
        let all = score(9, from: 0)
        for first in 0..<9 {
            for count in 1...9 - first {
                #expect(score(count, from: first) == Array(all[first..<first + count]))
            }
        }
    }

    @Test(arguments: tiers)
    func `blocks of every shape agree with single rows`(tier: Kernels.Tier) {
        var random = SeededRandom(seed: 8)
        for (aCount, bCount, dimension) in [(1, 1, 3), (5, 7, 40), (13, 9, 129), (7, 23, 384)] {
            let a = (0..<aCount * dimension).map { _ in Float.random(in: -1...1, using: &random) }
            let b = (0..<bCount * dimension).map { _ in Float.random(in: -1...1, using: &random) }
            var out = [Float](repeating: .nan, count: aCount * bCount)
            Kernels.dotBlock(
                tier: tier,
                a: a,
                aStride: dimension,
                aCount: aCount,
                b: b,
                bStride: dimension,
                bCount: bCount,
                dimension: dimension,
                into: &out,
                leadingDimension: bCount
            )
            for row in 0..<aCount {
                for column in 0..<bCount {
                    let (left, right) = (
                        Array(a[row * dimension..<(row + 1) * dimension]),
                        Array(b[column * dimension..<(column + 1) * dimension])
                    )
                    check(
                        out[row * bCount + column],
                        left,
                        right,
                        dimension,
                        "\(aCount) × \(bCount) × \(dimension) at \(row), \(column)"
                    )
                }
            }
        }
    }
}
