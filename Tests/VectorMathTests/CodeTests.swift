import Testing

@testable import VectorMath

@Suite struct `One-bit codes` {
    static let dimensions = [1, 3, 64, 65, 200, 384, 768, 1_000, 1_536, 3_072, 16_000]

    private func unit(_ dimension: Int, _ random: inout SeededRandom) -> [Float] {
        CodeFixture.unit(dimension, &random)
    }

    @Test(arguments: dimensions)
    func `the rotation keeps lengths and inner products, to the same bits on every tier`(
        dimension: Int
    ) {
        var random = SeededRandom(seed: UInt64(dimension))
        let rotation = CodeRotation(seed: 9, dimension: dimension)
        #expect(rotation.width % 64 == 0 && rotation.width >= dimension)
        let (a, b) = (unit(dimension, &random), unit(dimension, &random))
        let turned = CodeFixture.rotated(a, rotation, tier: .scalar)
        let other = CodeFixture.rotated(b, rotation, tier: .scalar)
        #expect(abs(CodeFixture.dot(turned, turned) - 1) < 1e-4)
        #expect(abs(CodeFixture.dot(turned, other) - CodeFixture.dot(a, b)) < 1e-4)
        for tier in Kernels.Tier.allCases where tier.isSupported {
            #expect(CodeFixture.rotated(a, rotation, tier: tier) == turned, "\(tier)")
        }
    }

    @Test(arguments: dimensions)
    func `every tier finds the same bounds`(dimension: Int) {
        var random = SeededRandom(seed: UInt64(dimension) + 1)
        let rotation = CodeRotation(seed: 3, dimension: dimension)
        for count in [1, 15, 16, 17, 31, 32, 33, 70] {
            let centroid = unit(dimension, &random)
            let rows = (0..<count).map { _ in unit(dimension, &random) }
            let blocks = CodeFixture.encode(rows, centroid, rotation)
            let query = unit(dimension, &random)
            func bounds(_ tier: Kernels.Tier) -> [Float] {
                CodeFixture.bounds(
                    query,
                    blocks,
                    count: count,
                    centroid: centroid,
                    rotation: rotation,
                    deviations: 1,
                    tier: tier
                )
            }
            let reference = bounds(.scalar)
            #expect(reference.allSatisfy { $0 > -10 }, "padding never shows")
            for tier in Kernels.Tier.allCases where tier.isSupported {
                #expect(bounds(tier) == reference, "\(tier), \(count) rows")
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
                return CodeFixture.normalised(zip(centroid, noise).map { 0.7 * $0 + 0.7 * $1 })
            }
            let query = CodeFixture.normalised(
                zip(centroid, unit(dimension, &random)).map { $0 + $1 }
            )
            let blocks = CodeFixture.encode(rows, centroid, rotation)
            func bounds(_ deviations: Float) -> [Float] {
                CodeFixture.bounds(
                    query,
                    blocks,
                    count: 64,
                    centroid: centroid,
                    rotation: rotation,
                    deviations: deviations
                )
            }
            let (estimates, two, three) = (bounds(0), bounds(2), bounds(3))
            for (index, row) in rows.enumerated() {
                let exact = CodeFixture.dot(query, row)
                errors += Double(estimates[index]) - exact
                if Double(two[index]) < exact { beyondTwo += 1 }
                if Double(three[index]) < exact { beyondThree += 1 }
                if abs(Double(estimates[index]) - exact) > 0.2 { outside += 1 }
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

    @Test func `a row that is its centroid is estimated to a binary16's precision`() {
        var random = SeededRandom(seed: 8)
        let rotation = CodeRotation(seed: 1, dimension: 96)
        let (centroid, query) = (unit(96, &random), unit(96, &random))
        let blocks = CodeFixture.encode([centroid], centroid, rotation)
        let found = CodeFixture.bounds(
            query,
            blocks,
            count: 1,
            centroid: centroid,
            rotation: rotation
        )
        #expect(abs(Double(found[0]) - CodeFixture.dot(query, centroid)) < 1e-5)
    }

    @Test(arguments: [1, 64, 200, 384, 1_536])
    func `byte rows leave out little, and say how much`(dimension: Int) {
        var random = SeededRandom(seed: UInt64(dimension) + 6)
        let rotation = CodeRotation(seed: 2, dimension: dimension)
        let row = CodeFixture.rotated(unit(dimension, &random), rotation)
        var bytes = [UInt8](repeating: 0, count: rotation.width)
        let lost = ByteRows.encode(row, width: rotation.width, into: &bytes)
        let step = 4.2 / (127 * Double(rotation.width).squareRoot())
        let rest = zip(row, bytes).map { Double($0) - (Double($1) - 128) * step }
        let length = rest.reduce(0) { $0 + $1 * $1 }.squareRoot()
        #expect(abs(length - Double(lost)) < 1e-4)
        #expect(lost < 0.08, "\(lost)")
    }

    @Test func `centroids chosen by codes are nearly always the nearest`() {
        var random = SeededRandom(seed: 21)
        let dimension = 128
        let centers = (0..<40).map { _ in unit(dimension, &random) }
        let centroids = (0..<1_200).map { number -> [Float] in
            CodeFixture.normalised(
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
        guard let codes = index.codes else {
            Issue.record("an index with a rotation has codes")
            return
        }
        for count in [30, 600, 1_200] {
            var (found, total) = (0, 0)
            for _ in 0..<100 {
                let query = CodeFixture.normalised(
                    zip(centers[total % 40], unit(dimension, &random)).map { $0 + $1 }
                )
                let exact = index.nearest(to: query, count: count)
                query.withUnsafeBufferPointer {
                    let chosen = CodeQuery($0, rotation: rotation).nearest(in: codes, count: count)
                    #expect(chosen.count == count)
                    let lists = (0..<chosen.count).map(chosen.list)
                    #expect(Set(lists).count == count, "no list is named twice")
                    for place in 1..<chosen.count {
                        // Within a bin of a 128th of the span the order does not matter.
                        #expect(chosen.similarity(place) <= chosen.similarity(place - 1) + 0.02)
                    }
                    found += Set(exact.map { Int($0.list) }).intersection(lists).count
                }
                total += count
            }
            // Byte rows of 128 coordinates err by about 0.001: one of thirty at the edge may change.
            #expect(Double(found) / Double(total) > 0.965, "\(found) of \(total)")
        }
    }
}
