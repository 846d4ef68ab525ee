/// Percentiles of a few values, exactly, where a histogram of many would round.
package enum Percentile {
    /// The smallest of `values` that `percentile` percent of them do not exceed (nearest rank).
    ///
    /// - Precondition: `values` is not empty and `percentile` is 0 to 100.
    package static func nearestRank(_ percentile: Double, of values: [Double]) -> Double {
        precondition(!values.isEmpty && (0...100).contains(percentile))
        let sorted = values.sorted()
        // 99 % of 100 is 99, also where the product comes out a little above it.
        let rank = (percentile * Double(sorted.count) / 100 - 1e-9).rounded(.up)
        return sorted[min(sorted.count, max(1, Int(rank))) - 1]
    }

    /// The middle value, or the mean of the middle two.
    ///
    /// - Precondition: `values` is not empty.
    package static func median(of values: [Double]) -> Double {
        precondition(!values.isEmpty)
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2)
            ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
}
