/// Why a vector has no direction.
package enum NormalisationFailure: Error, Equatable, Sendable {
    /// The float at `position` is NaN or infinite.
    case notFinite(position: Int)
    /// Every float is zero.
    case zero
}

/// Vectors of length one, of which the dot product is the cosine.
package enum UnitVector {
    /// Vectors whose length is this close to one are kept bit for bit.
    package static let tolerance = 1e-6

    /// A vector at length one: itself when it has that already.
    ///
    /// - Throws: Why it cannot be done. The sum of squares is taken in double precision, in which no
    ///   float32 overflows or vanishes.
    package static func normalised(_ vector: [Float]) throws(NormalisationFailure) -> [Float] {
        let sum = vector.withUnsafeBufferPointer(squareSum)
        guard sum.isFinite else {
            throw .notFinite(position: vector.firstIndex { !$0.isFinite } ?? 0)
        }
        guard sum > 0 else { throw .zero }
        let norm = sum.squareRoot()
        if abs(norm - 1) <= tolerance { return vector }
        return vector.map { Float(Double($0) / norm) }
    }

    private static func squareSum(_ vector: UnsafeBufferPointer<Float>) -> Double {
        guard let base = vector.baseAddress else { return 0 }
        // Sixteen sums, for one would wait for each addition.
        var (sums, others) = (SIMD8<Double>.zero, SIMD8<Double>.zero)
        var first = 0
        while first + 16 <= vector.count {
            let start = UnsafeRawPointer(base + first)
            let left = SIMD8<Double>(start.loadUnaligned(as: SIMD8<Float>.self))
            let right = SIMD8<Double>((start + 32).loadUnaligned(as: SIMD8<Float>.self))
            sums += left * left
            others += right * right
            first += 16
        }
        var sum = (sums + others).sum()
        for value in vector[first...] { sum += Double(value) * Double(value) }
        return sum
    }

    /// The cosine distance of two unit vectors, kept within 0…2 against rounding.
    @inline(__always)
    package static func cosineDistance(fromDot dot: Float) -> Float {
        min(max(1 - dot, 0), 2)
    }
}
