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

    /// Whether a vector is surely within `tolerance` of length one, by a float32 product with itself.
    ///
    /// False says nothing: `normalise` decides.
    package static func isUnit(_ vector: UnsafeBufferPointer<Float>) -> Bool {
        guard let base = vector.baseAddress else { return false }
        var square: Float = 0
        Kernels.dotRows(
            query: base,
            rows: base,
            stride: vector.count,
            count: 1,
            dimension: vector.count,
            into: &square
        )
        // The square is off twice as far as the length; the product's own error is far below the rest.
        return abs(Double(square) - 1) <= tolerance / 2
    }

    /// Scales `source` to length one.
    ///
    /// - Shapes: both are `[source.count]`.
    /// - Returns: Why it cannot be done, or nil. The sum of squares is taken in double precision, in
    ///   which no float32 overflows or vanishes.
    package static func normalise(
        _ source: UnsafeBufferPointer<Float>,
        into target: UnsafeMutablePointer<Float>
    ) -> NormalisationFailure? {
        // Four sums, for one would wait for each addition.
        var sums = SIMD4<Double>.zero
        var first = 0
        while first + 4 <= source.count {
            let values = SIMD4<Double>(
                Double(source[first]),
                Double(source[first + 1]),
                Double(source[first + 2]),
                Double(source[first + 3])
            )
            sums += values * values
            first += 4
        }
        var sum = (sums[0] + sums[1]) + (sums[2] + sums[3])
        for value in source[first...] { sum += Double(value) * Double(value) }
        guard sum.isFinite else {
            let position = source.firstIndex { !$0.isFinite } ?? 0
            return .notFinite(position: position)
        }
        guard sum > 0 else { return .zero }
        let norm = sum.squareRoot()
        if abs(norm - 1) <= tolerance {
            guard let base = source.baseAddress else { return .zero }
            target.update(from: base, count: source.count)
            return nil
        }
        for (index, value) in source.enumerated() { target[index] = Float(Double(value) / norm) }
        return nil
    }

    /// The cosine distance of two unit vectors, kept within 0…2 against rounding.
    @inline(__always)
    package static func cosineDistance(fromDot dot: Float) -> Float {
        min(max(1 - dot, 0), 2)
    }
}
