/// The recall of a collection's latest searches, measured by answering some of them exactly.
public struct LiveRecallReport: Sendable, Hashable {
    /// Searches told apart by the share of rows that their filters let pass.
    public enum Band: String, Sendable, Hashable, CaseIterable {
        /// No filter.
        case unfiltered
        /// At least one row in two.
        case half
        /// Fewer, but at least one row in four.
        case quarter
        /// Fewer than one row in four. Filters that let fewer than one row in sixteen pass are
        /// answered exactly.
        case fewer

        /// - Parameter selectivity: The estimated share of rows that match; nil without a filter.
        init(selectivity: Double?) {
            self =
                switch selectivity {
                case nil: .unfiltered
                case .some(0.5...): .half
                case .some(0.25...): .quarter
                default: .fewer
                }
        }

        var place: Int {
            switch self {
            case .unfiltered: 0
            case .half: 1
            case .quarter: 2
            case .fewer: 3
            }
        }
    }

    /// Which searches.
    public var band: Band
    /// Searches that were measured, the last 512 at most.
    public var sampleCount: Int
    /// The mean share of the true k nearest that they found.
    public var recall: Double
    /// The mean share that was asked for.
    public var target: Double
    /// The mean share that calibration promised.
    public var calibrated: Double
    /// How much is missed of what calibration expects to be: for more, later searches look at more lists,
    /// for less at fewer; 1 where it is about as much.
    public var excess: Double
}
