import Glibc

/// When the requests of an open loop are meant to start, whatever the server does.
///
/// A latency counted from these times contains the wait behind a slow answer, which a client that
/// sends after the answer leaves out (coordinated omission).
package struct ArrivalClock: Sendable {
    /// How the gaps between arrivals are spread.
    package enum Spacing: String, Sendable, CaseIterable {
        /// Equal gaps.
        case constant
        /// Exponential gaps: arrivals that know nothing of each other.
        case poisson
    }

    /// Arrivals a second once the ramp is over.
    package let rate: Double
    /// Seconds in which the rate grows linearly from 0.
    package let rampSeconds: Double
    private let spacing: Spacing
    private var random: RowRandom
    /// How many arrivals are expected up to the last one.
    private var expected = 0.0

    /// Makes a clock; the same seed gives the same times.
    ///
    /// - Precondition: `rate` is above 0 and `rampSeconds` not below 0, both finite.
    package init(rate: Double, spacing: Spacing, rampSeconds: Double = 0, seed: UInt64) {
        precondition(rate > 0 && rate.isFinite && rampSeconds >= 0 && rampSeconds.isFinite)
        self.rate = rate
        self.spacing = spacing
        self.rampSeconds = rampSeconds
        random = RowRandom(seed: seed, row: 0)
    }

    /// The next intended start, in nanoseconds from the start of the run.
    package mutating func next() -> UInt64 {
        switch spacing {
        case .constant: expected += 1
        case .poisson: expected += -log(1 - random.unit())
        }
        return UInt64(seconds(at: expected) * 1e9)
    }

    /// The time by which `count` arrivals are expected: the inverse of the rate's integral.
    private func seconds(at count: Double) -> Double {
        let inRamp = rate * rampSeconds / 2
        if count < inRamp { return (2 * count * rampSeconds / rate).squareRoot() }
        return rampSeconds + (count - inRamp) / rate
    }
}
