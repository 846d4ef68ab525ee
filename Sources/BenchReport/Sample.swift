/// What several runs of one figure gave.
package struct Sample: Sendable, Equatable {
    /// The values by rising size; at least one.
    private let sorted: [Double]

    /// - Precondition: `values` is not empty.
    package init(_ values: [Double]) {
        precondition(!values.isEmpty)
        sorted = values.sorted()
    }

    package var count: Int { sorted.count }
    package var minimum: Double { sorted[0] }
    package var maximum: Double { sorted[sorted.count - 1] }

    /// The middle value, or the mean of the middle two.
    package var median: Double {
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2)
            ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }

    /// (maximum − minimum) / median, and 0 when all are 0.
    package var spread: Double {
        maximum == minimum ? 0 : (maximum - minimum) / median
    }
}
