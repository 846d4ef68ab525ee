import CVectorKernels
import Glibc
import Testing

@testable import VectorMath

@Suite struct `One-bit codes` {
    static let dimensions = [1, 3, 64, 65, 200, 384, 768, 1_000, 1_536, 3_072, 16_000]

    private func unit(_ dimension: Int, _ random: inout SeededRandom) -> [Float] {
        let raw = (0..<dimension).map { _ in Float.random(in: -1...1, using: &random) }
        let norm = raw.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
        return raw.map { $0 / norm }
    }

    private func dot(_ left: [Float], _ right: [Float]) -> Double {
        zip(left, right).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    private func rotated(_ vector: [Float], _ rotation: CodeRotation) -> [Float] {
        var result = [Float](repeating: .nan, count: rotation.width)
        rotation.rotate(vector, into: &result)
        return result
    }

    /// Blocks of rows under a centroid.
    private func encode(
        _ rows: [[Float]],
        _ centroid: [Float],
        _ rotation: CodeRotation
    ) -> [UInt8] {
        let size = CodeBlocks.byteCount(width: rotation.width)
        var blocks = [UInt8](repeating: 0xAA, count: CodeBlocks.count(rows: rows.count) * size)
        let center = rotated(centroid, rotation)
        for first in stride(from: 0, to: rows.count, by: CodeBlocks.rowCount) {
            let part = rows[first..<min(rows.count, first + CodeBlocks.rowCount)]
            let turned = part.flatMap { rotated($0, rotation) }
            blocks.withUnsafeMutableBufferPointer {
                guard let base = $0.baseAddress else { return }
                CodeBlocks.encode(
                    rows: turned,
                    count: part.count,
                    centroid: center,
                    width: rotation.width,
                    into: base + first / CodeBlocks.rowCount * size
                )
            }
        }
        return blocks
    }

    private func scan(
        _ code: CodeQuery,
        _ blocks: [UInt8],
        count: Int,
        similarity: Float,
        deviations: Float = 0,
        threshold: Float = -.infinity,
        tier: Kernels.Tier = Kernels.tier
    ) -> [UInt32: Float] {
        var rows = [UInt32](repeating: .max, count: count + 16)
        var bounds = [Float](repeating: .nan, count: count + 16)
        let found = code.scan(
            blocks: blocks,
            count: count,
            similarity: similarity,
            deviations: deviations,
            threshold: threshold,
            first: 100,
            rows: &rows,
            bounds: &bounds,
            tier: tier
        )
        #expect(Array(rows[..<found]) == rows[..<found].sorted(), "rows rise")
        return Dictionary(uniqueKeysWithValues: zip(rows[..<found], bounds[..<found]))
    }

    @Test(arguments: dimensions)
    func `the rotation keeps lengths and inner products`(dimension: Int) {
        var random = SeededRandom(seed: UInt64(dimension))
        let rotation = CodeRotation(seed: 9, dimension: dimension)
        #expect(rotation.width % 64 == 0 && rotation.width >= dimension)
        let (a, b) = (unit(dimension, &random), unit(dimension, &random))
        let (turnedA, turnedB) = (rotated(a, rotation), rotated(b, rotation))
        #expect(abs(dot(turnedA, turnedA) - 1) < 1e-4)
        #expect(abs(dot(turnedA, turnedB) - dot(a, b)) < 1e-4)
    }

    @Test(arguments: dimensions)
    func `every tier finds the same rows with the same bounds, up to a page's end`(
        dimension: Int
    ) {
        var random = SeededRandom(seed: UInt64(dimension) + 1)
        let rotation = CodeRotation(seed: 3, dimension: dimension)
        for count in [1, 15, 16, 17, 31, 32, 33, 70] {
            let centroid = unit(dimension, &random)
            let rows = (0..<count).map { _ in unit(dimension, &random) }
            let blocks = encode(rows, centroid, rotation)
            let query = unit(dimension, &random)
            let code = CodeQuery(query, rotation: rotation)
            let similarity = Float(dot(query, centroid))
            let all = scan(code, blocks, count: count, similarity: similarity, tier: .scalar)
            #expect(all.count == count, "no threshold leaves no row out, and padding never shows")
            let middle = all.values.sorted()[count / 2]
            for tier in Kernels.Tier.allCases where tier.isSupported {
                #expect(
                    scan(code, blocks, count: count, similarity: similarity, tier: tier) == all
                )
                let some = scan(
                    code,
                    blocks,
                    count: count,
                    similarity: similarity,
                    threshold: middle,
                    tier: tier
                )
                #expect(some == all.filter { $0.value >= middle }, "\(tier)")
            }
        }
    }

    /// A normal estimate errs by more than 2 deviations on its low side in 2.3 % of cases, by more than
    /// 3 in 0.13 %.
    @Test(arguments: [128, 384, 1_000, 1_536])
    func `estimates are unbiased and err as the theory says`(dimension: Int) {
        var random = SeededRandom(seed: UInt64(dimension) + 2)
        let rotation = CodeRotation(seed: 5, dimension: dimension)
        var (errors, total, beyondTwo, beyondThree, outside) = (0.0, 0, 0, 0, 0)
        for _ in 0..<60 {
            let centroid = unit(dimension, &random)
            let rows = (0..<64).map { _ -> [Float] in
                let noise = unit(dimension, &random)
                return normalised(zip(centroid, noise).map { 0.7 * $0 + 0.7 * $1 })
            }
            let query = normalised(zip(centroid, unit(dimension, &random)).map { $0 + $1 })
            let blocks = encode(rows, centroid, rotation)
            let code = CodeQuery(query, rotation: rotation)
            let similarity = Float(dot(query, centroid))
            func bounds(_ deviations: Float) -> [UInt32: Float] {
                scan(code, blocks, count: 64, similarity: similarity, deviations: deviations)
            }
            let (estimates, two, three) = (bounds(0), bounds(2), bounds(3))
            for (index, row) in rows.enumerated() {
                let exact = dot(query, row)
                let key = UInt32(100 + index)
                errors += Double(estimates[key] ?? .nan) - exact
                if Double(two[key] ?? .nan) < exact { beyondTwo += 1 }
                if Double(three[key] ?? .nan) < exact { beyondThree += 1 }
                if abs(Double(estimates[key] ?? .nan) - exact) > 0.2 { outside += 1 }
                total += 1
            }
        }
        #expect(abs(errors / Double(total)) < 0.004, "bias \(errors / Double(total))")
        #expect(outside == 0)
        #expect(
            (0.012...0.036).contains(Double(beyondTwo) / Double(total)),
            "\(beyondTwo)/\(total)"
        )
        #expect(Double(beyondThree) / Double(total) < 0.005, "\(beyondThree)/\(total)")
    }

    private func normalised(_ vector: [Float]) -> [Float] {
        let norm = vector.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
        return vector.map { $0 / norm }
    }

    @Test func `a row that is its centroid is estimated exactly`() {
        var random = SeededRandom(seed: 8)
        let rotation = CodeRotation(seed: 1, dimension: 96)
        let (centroid, query) = (unit(96, &random), unit(96, &random))
        let blocks = encode([centroid], centroid, rotation)
        let similarity = Float(dot(query, centroid))
        let found = scan(
            CodeQuery(query, rotation: rotation),
            blocks,
            count: 1,
            similarity: similarity
        )
        #expect(abs((found[100] ?? .nan) - similarity) < 1e-5)
    }

    @Test func `a cut is reached by what is wanted and by few more`() {
        var random = SeededRandom(seed: 12)
        for count in [1, 2, 17, 300, 5_000] {
            for wanted in [1, 3, 50, 400] where wanted <= count {
                let values = (0..<count).map { _ in Float.random(in: -1...1, using: &random) }
                let cut = vk_cut(values, count, wanted)
                let reached = values.count { $0 >= cut }
                #expect(reached >= wanted, "\(wanted) of \(count): \(reached)")
                #expect(reached <= wanted + count / 32 + 4, "\(wanted) of \(count): \(reached)")
            }
        }
        let same = [Float](repeating: 0.5, count: 40)
        #expect(same.count { $0 >= vk_cut(same, 40, 3) } == 40)
    }

    @Test func `centroids chosen by codes are nearly always the nearest`() {
        var random = SeededRandom(seed: 21)
        let dimension = 128
        let centers = (0..<40).map { _ in unit(dimension, &random) }
        let centroids = (0..<1_200).map { number -> [Float] in
            normalised(
                zip(centers[number % 40], unit(dimension, &random)).map { 0.6 * $0 + $1 }
            )
        }
        let rotation = CodeRotation(seed: 4, dimension: dimension)
        let index = CentroidIndex(
            centroids: centroids.flatMap(\.self),
            nlist: 1_200,
            dimension: dimension,
            rotation: rotation
        )
        var (found, total) = (0, 0)
        for _ in 0..<100 {
            let query = normalised(
                zip(centers[total % 40], unit(dimension, &random)).map { $0 + $1 }
            )
            let exact = index.nearest(to: query, count: 30)
            let chosen = index.nearest(
                to: query,
                code: CodeQuery(query, rotation: rotation),
                count: 30
            )
            #expect(chosen.count == 30)
            #expect(zip(chosen, chosen.dropFirst()).allSatisfy { $0.similarity >= $1.similarity })
            found += Set(exact.map(\.list)).intersection(chosen.map(\.list)).count
            total += 30
        }
        #expect(Double(found) / Double(total) > 0.985, "\(found) of \(total)")
    }
}
