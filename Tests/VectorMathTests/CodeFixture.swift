import VectorMath

/// Vectors and their codes for tests.
enum CodeFixture {
    static func unit(_ dimension: Int, _ random: inout SeededRandom) -> [Float] {
        normalised((0..<dimension).map { _ in Float.random(in: -1...1, using: &random) })
    }

    static func normalised(_ vector: [Float]) -> [Float] {
        let norm = dot(vector, vector).squareRoot()
        return vector.map { Float(Double($0) / norm) }
    }

    static func dot(_ left: [Float], _ right: [Float]) -> Double {
        zip(left, right).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    static func rotated(
        _ vector: [Float],
        _ rotation: CodeRotation,
        tier: Kernels.Tier = Kernels.tier
    ) -> [Float] {
        var result = [Float](repeating: .nan, count: rotation.width)
        rotation.rotate(vector, into: &result, tier: tier)
        return result
    }

    /// Blocks of rows under a centroid.
    static func encode(
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

    /// Bounds of rows under a centroid of unit length.
    static func bounds(
        _ query: [Float],
        _ blocks: [UInt8],
        count: Int,
        centroid: [Float],
        rotation: CodeRotation,
        deviations: Float = 0,
        tier: Kernels.Tier = Kernels.tier
    ) -> [Float] {
        let similarity = Float(dot(query, centroid))
        return query.withUnsafeBufferPointer { query in
            CodeQuery(query, rotation: rotation, tier: tier).bounds(
                blocks: blocks,
                count: count,
                similarity: similarity,
                distance: max(0, 2 - 2 * similarity).squareRoot(),
                deviations: deviations,
                tier: tier
            )
        }
    }
}
