/// What calibration measured: the recall that a number of probed lists buys, for several k.
package struct RecallCurve: Sendable, Hashable {
    /// One measured point.
    package struct Point: Sendable, Hashable {
        package var nprobe: UInt32
        package var recall: Float
    }

    /// The points for one number of neighbours, by rising nprobe and recall.
    package struct Curve: Sendable, Hashable {
        package var k: UInt32
        package var points: [Point]
    }

    package var nlist: Int
    /// By rising k; empty when nothing was measured, and every target then visits every list.
    package var curves: [Curve]

    package init(nlist: Int, curves: [Curve]) {
        self.nlist = nlist
        self.curves = curves
    }

    /// A curve that knows nothing.
    package static func exact(nlist: Int) -> RecallCurve {
        RecallCurve(nlist: nlist, curves: [])
    }

    /// The numbers of lists to measure at: every one up to 64, then 3 % apart.
    package static func grid(nlist: Int) -> [Int] {
        var grid = Array(1...min(64, nlist))
        while let last = grid.last, last < nlist {
            grid.append(min(nlist, max(last + 1, last + last * 3 / 100)))
        }
        return grid
    }

    /// The fewest lists that are expected to find `target` of the `k` nearest.
    ///
    /// Between measured k the number is interpolated over log k; beyond the largest it grows on as
    /// fast as between the last two. A target of 1 or more takes every list.
    package func nprobe(forTarget target: Double, k: Int) -> Int {
        guard target < 1, let first = curves.first else { return nlist }
        let wanted = curves.map { (k: Double($0.k), nprobe: needed($0, target: target)) }
        guard k > Int(first.k), wanted.count > 1 else { return Int(wanted[0].nprobe.rounded(.up)) }
        let upper = wanted.firstIndex { $0.k >= Double(k) } ?? wanted.count - 1
        let (low, high) = (wanted[upper - 1], wanted[upper])
        let share = (log2(Double(k)) - log2(low.k)) / (log2(high.k) - log2(low.k))
        let nprobe = low.nprobe + (high.nprobe - low.nprobe) * share
        return min(nlist, max(1, Int(nprobe.rounded(.up))))
    }

    /// The expected recall of the `k` nearest with `nprobe` lists, 0 to 1.
    package func recall(nprobe: Int, k: Int) -> Double {
        guard nprobe < nlist, !curves.isEmpty else { return 1 }
        let curve = curves.last { Int($0.k) <= k } ?? curves[0]
        let point = curve.points.last { Int($0.nprobe) <= nprobe }
        return point.map { Double($0.recall) } ?? 0
    }

    private func needed(_ curve: Curve, target: Double) -> Double {
        Double(curve.points.first { Double($0.recall) >= target }?.nprobe ?? UInt32(nlist))
    }

    /// log2 without a math library: exact enough between powers of two for interpolation.
    private func log2(_ value: Double) -> Double {
        let exponent = Double(value.exponent)
        let fraction = value.significand - 1
        // A cubic through the ends, error below 1e-2.
        return exponent + fraction * (1.4225 + fraction * (-0.5821 + fraction * 0.1596))
    }
}
