import Foundation

/// Where an axis is labelled.
package enum Ticks {
    /// Multiples of 1, 2 or 5 times a power of ten that enclose `range`, about `count` of them.
    ///
    /// - Precondition: `count` is at least 2.
    package static func linear(_ range: ClosedRange<Double>, count: Int) -> [Double] {
        precondition(count >= 2)
        let span = range.upperBound - range.lowerBound
        guard span > 0, span.isFinite else {
            let step = range.lowerBound == 0 ? 1 : abs(range.lowerBound)
            return [range.lowerBound - step, range.lowerBound, range.lowerBound + step]
        }
        let step = niceStep(span / Double(count))
        let first = (range.lowerBound / step + 1e-9).rounded(.down)
        let last = (range.upperBound / step - 1e-9).rounded(.up)
        return stride(from: first, through: last, by: 1).map { rounded($0 * step, to: step) }
    }

    /// Powers of ten that enclose `range`; with 2 and 5 times them when `range` spans two or less,
    /// and cut to the nearest of those.
    ///
    /// - Precondition: `range` lies above 0.
    package static func logarithmic(_ range: ClosedRange<Double>) -> [Double] {
        precondition(range.lowerBound > 0)
        let lowest = (log10(range.lowerBound) + 1e-9).rounded(.down)
        let highest = max((log10(range.upperBound) - 1e-9).rounded(.up), lowest + 1)
        let decades = log10(range.upperBound / range.lowerBound)
        let factors = decades > 2.5 ? [1.0] : [1, 2, 5]
        var ticks = stride(from: lowest, through: highest, by: 1).flatMap { exponent in
            factors.map { $0 * pow(10, exponent) }
        }
        while ticks.count > 2, ticks[1] <= range.lowerBound * (1 + 1e-9) { ticks.removeFirst() }
        while ticks.count > 2, ticks[ticks.count - 2] >= range.upperBound * (1 - 1e-9) {
            ticks.removeLast()
        }
        return ticks
    }

    /// The smallest of 1, 2, 5 and 10 times a power of ten that is not below `step`.
    private static func niceStep(_ step: Double) -> Double {
        let power = pow(10, log10(step).rounded(.down))
        let factor = [1.0, 2, 5, 10].first { $0 * power >= step * (1 - 1e-9) } ?? 10
        return factor * power
    }

    /// `value` without the noise of the multiplication, so that 3 × 0.1 is labelled 0.3.
    private static func rounded(_ value: Double, to step: Double) -> Double {
        let digits = max(0, -log10(step).rounded(.down)) + 1
        let scale = pow(10, digits)
        return digits > 12 ? value : (value * scale).rounded() / scale
    }
}
