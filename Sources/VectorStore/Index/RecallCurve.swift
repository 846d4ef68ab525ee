import Glibc
import VectorMath

/// Recall by nprobe for one centroid table, as measured when the index was built.
///
/// - Between measured nprobe values recall is interpolated linearly, between measured k on log k;
///   outside the measured k the nearest curve holds.
/// - Recall never falls as nprobe grows: a measured dip is noise and is levelled.
/// - An index without curves promises nothing: every target asks for all lists.
package struct RecallCurve: Sendable, Hashable {
    /// The recall at one nprobe.
    package struct Point: Sendable, Hashable {
        package var nprobe: UInt32
        package var recall: Float

        package init(nprobe: UInt32, recall: Float) {
            self.nprobe = nprobe
            self.recall = recall
        }
    }

    /// The points of one k, by growing nprobe.
    package struct Curve: Sendable, Hashable {
        package var k: UInt32
        package var points: [Point]

        package init(k: UInt32, points: [Point]) {
            self.k = k
            self.points = points
        }
    }

    package let nlist: Int
    /// By growing k.
    package let curves: [Curve]

    /// - Precondition: every k and nprobe is at least 1, no nprobe is above `nlist`; the file reader
    ///   checks the same.
    package init(nlist: Int, curves: [Curve]) {
        self.nlist = nlist
        self.curves =
            curves.filter { !$0.points.isEmpty }
            .sorted { $0.k < $1.k }
            .map { curve in
                var best: Float = 0
                let points = curve.points.sorted { $0.nprobe < $1.nprobe }.map { point in
                    best = max(best, min(point.recall, 1))
                    return Point(nprobe: point.nprobe, recall: best)
                }
                return Curve(k: curve.k, points: points)
            }
    }

    /// The curve of an index that was not measured.
    package static func exact(nlist: Int) -> RecallCurve {
        RecallCurve(nlist: nlist, curves: [])
    }

    /// The nprobe values at which recall is measured, rising: every one up to 8, then four to a doubling, and
    /// both sides of where searches begin to look more closely.
    package static func grid(nlist: Int) -> [Int] {
        var values: Set<Int> = []
        var next = 1
        while next < nlist {
            values.insert(next)
            next += next < 8 ? 1 : 1 << (Int.bitWidth - next.leadingZeroBitCount - 3)
        }
        // Shares of the lists at which codes are believed less, or no search ends early.
        for share in CodeDeviations.shares + [SearchPatience.share] {
            let first = (nlist + share - 1) / share
            values.formUnion([first - 1, first].filter { $0 > 0 })
        }
        if nlist > 0 { values.insert(nlist) }
        return values.sorted()
    }

    /// The smallest nprobe that is expected to reach a recall.
    ///
    /// - Parameter target: The share of the true k nearest that should be found; 1 or more asks for
    ///   all lists.
    /// - Complexity: O(log² *points*).
    package func nprobe(forTarget target: Double, k: Int) -> Int {
        guard target < 1, let (below, above, share) = pair(k) else { return nlist }
        // Recall is stored as Float; a target that was measured exactly must be met by that point.
        let wanted = target - 1e-6
        func isReached(_ nprobe: Int) -> Bool {
            recall(nprobe, between: below, above, share) >= wanted
        }
        // Among the measured values first, then between two of them.
        var (first, last) = (0, below.points.count)
        while first < last {
            let middle = (first + last) / 2
            let isEnough = isReached(Int(below.points[middle].nprobe))
            (first, last) = isEnough ? (first, middle) : (middle + 1, last)
        }
        var low = first > 0 ? Int(below.points[first - 1].nprobe) + 1 : 1
        var high = first < below.points.count ? Int(below.points[first].nprobe) : max(nlist, 1)
        while low < high {
            let middle = (low + high) / 2
            if isReached(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The recall to expect; 1 when all lists are probed, 0 when nothing is known.
    package func recall(nprobe: Int, k: Int) -> Double {
        guard nprobe < nlist else { return 1 }
        guard nprobe > 0, let (below, above, share) = pair(k) else { return 0 }
        return recall(nprobe, between: below, above, share)
    }

    /// The curves on both sides of a k, and how far it is from the first to the second.
    private func pair(_ k: Int) -> (Curve, Curve, share: Double)? {
        guard let first = curves.first, let last = curves.last else { return nil }
        if k <= Int(first.k) { return (first, first, 0) }
        if k >= Int(last.k) { return (last, last, 0) }
        // Few curves: a walk is faster than a search.
        guard let upper = curves.firstIndex(where: { Int($0.k) >= k }), upper > 0 else {
            return nil
        }
        let (below, above) = (curves[upper - 1], curves[upper])
        if k == Int(above.k) { return (above, above, 0) }
        let share =
            log2(Double(k) / Double(below.k))
            / log2(Double(above.k) / Double(below.k))
        return (below, above, share)
    }

    private func recall(
        _ nprobe: Int,
        between below: Curve,
        _ above: Curve,
        _ share: Double
    ) -> Double {
        guard nprobe < nlist else { return 1 }
        let low = recall(nprobe, on: below)
        return share == 0 ? low : low + (recall(nprobe, on: above) - low) * share
    }

    private func recall(_ nprobe: Int, on curve: Curve) -> Double {
        var (low, high) = (0, curve.points.count)
        while low < high {
            let middle = (low + high) / 2
            if Int(curve.points[middle].nprobe) < nprobe { low = middle + 1 } else { high = middle }
        }
        // Recall is 0 without a probe; all lists find everything.
        let right =
            low < curve.points.count
            ? (Double(curve.points[low].nprobe), Double(curve.points[low].recall))
            : (Double(nlist), 1)
        let left =
            low > 0
            ? (Double(curve.points[low - 1].nprobe), Double(curve.points[low - 1].recall)) : (0, 0)
        guard right.0 > left.0 else { return right.1 }
        return left.1 + (right.1 - left.1) * (Double(nprobe) - left.0) / (right.0 - left.0)
    }
}
