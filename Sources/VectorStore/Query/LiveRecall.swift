// Recall of the searches that users ask, measured while they are served.
//
// - One search in so many is answered once more, without leaving out a list, when the first answer has
//   long gone out. The share of its matches that both answers have is its recall.
// - Measuring takes at most a fiftieth of one core for each collection, and never keeps more than a few
//   live sets alive.
// - Where measured recall stays below what calibration promised, later searches look at more lists; where
//   it is surely above, for users ask easier queries than rows are, at fewer.

import Dispatch
import StorageIO
import Synchronization
import VectorMath

/// Measures the recall of one collection's searches as they come.
package final class LiveRecall: Sendable {
    /// A search to be answered again.
    private struct Sample: @unchecked Sendable {
        // Safe to share: a value whose query has no clock.
        var query: CheckedQuery
        var live: LiveSet
        /// The similarities in the answer.
        var scores: [Float]
        /// What calibration alone says of the search.
        var calibrated: Double
        var band: LiveRecallReport.Band
    }

    /// What one answer was worth.
    struct Measured {
        var recall: Double
        var target: Double
        var calibrated: Double
    }

    private struct State {
        var pending: [Sample] = []
        var isRunning = false
        var isStopped = false
        /// The segments of the live set in force.
        var segments: [UInt64] = []
        /// The index generation that the figures are of.
        var generation: UInt64 = 0
        /// The last `window` figures of each band, oldest first.
        var measured: [LiveRecallReport.Band: [Measured]] = [:]
    }

    /// Figures that count, in each band.
    static let window = 512
    /// Figures without which nothing is corrected.
    static let leastForCorrection = 64
    private static let maximumPending = 4
    /// Time without measuring after a measurement, as a multiple of what that took.
    private static let rest = 49

    private let interval: Int
    private let turn = Atomic<Int>(0)
    private let state = Mutex(State())
    /// How much of what calibration expects to miss is missed, by band.
    private let excess: [Excess]
    private static let queue = DispatchQueue(label: "vectorstore.recall", qos: .background)

    /// The correction of one band, 1 where all is well; read without a lock.
    final class Excess: Sendable {
        private let ratio = Atomic<UInt32>(Float(1).bitPattern)
        /// The mean share that the measured searches were allowed to miss.
        private let measured = Atomic<UInt32>(Float(0).bitPattern)

        var value: Double { Double(Float(bitPattern: ratio.load(ordering: .relaxed))) }

        /// What holds for searches that may miss such a share.
        ///
        /// Easy targets, at which little is missed, say nothing of strict ones: fewer lists only for
        /// those that may miss about as much as the measured ones, or more.
        func of(misses: Double) -> Double {
            let value = value
            let mean = Double(Float(bitPattern: measured.load(ordering: .relaxed)))
            return value < 1 && misses < 0.4 * mean ? 1 : value
        }

        func set(_ value: Double, measured mean: Double) {
            // A reader between the two sees the old correction for other searches, no worse than before.
            measured.store(Float(mean).bitPattern, ordering: .relaxed)
            ratio.store(Float(value).bitPattern, ordering: .relaxed)
        }
    }

    private let isInBackground: Bool

    /// - Parameters:
    ///   - interval: One search in so many is measured; 0 for none.
    ///   - isInBackground: Whether that happens by itself.
    package init(interval: Int, isInBackground: Bool = true) {
        self.isInBackground = isInBackground
        self.interval = interval
        excess = LiveRecallReport.Band.allCases.map { _ in Excess() }
    }

    // MARK: - Corrections

    /// The recall to ask the calibration for, so that a target is met.
    func target(_ target: Double, in band: LiveRecallReport.Band) -> Double {
        1 - (1 - target) / excess[band.place].of(misses: 1 - target)
    }

    /// What is to be expected where the calibration promises `recall`.
    func expected(_ recall: Double, in band: LiveRecallReport.Band) -> Double {
        max(0, 1 - (1 - recall) * excess[band.place].of(misses: 1 - recall))
    }

    // MARK: - Measuring

    /// Takes note of a search, which costs next to nothing unless it is chosen.
    func note(_ query: CheckedQuery, _ outcome: Searcher.Outcome, live: LiveSet) {
        guard interval > 0, let calibrated = outcome.calibratedRecall, query.nprobe == nil,
            turn.wrappingAdd(1, ordering: .relaxed).oldValue % interval == 0
        else { return }
        var query = query
        query.clock = nil
        query.deadline = nil
        let sample = Sample(
            query: query,
            live: live,
            scores: outcome.rows.map(\.score),
            calibrated: calibrated,
            band: outcome.band
        )
        let begins = state.withLock { state in
            guard !state.isStopped, state.pending.count < Self.maximumPending else { return false }
            state.pending.append(sample)
            if state.isRunning { return false }
            state.isRunning = true
            return true
        }
        if begins, isInBackground { Self.queue.async { [weak self] in self?.step() } }
    }

    /// Measures what waits, now and on this thread.
    package func measurePending() {
        while let sample = state.withLock({ $0.pending.popLast() }) { measure(sample) }
        state.withLock { $0.isRunning = false }
    }

    /// Measures one search and comes back after a rest.
    private func step() {
        let sample = state.withLock { state -> Sample? in
            guard !state.pending.isEmpty else {
                state.isRunning = false
                return nil
            }
            return state.pending.removeFirst()
        }
        guard let sample else { return }
        let begin = MonotonicTime.now
        measure(sample)
        let taken = Int(MonotonicTime.now.microseconds(since: begin))
        Self.queue.asyncAfter(deadline: .now() + .microseconds(Self.rest * taken)) { [weak self] in
            self?.step()
        }
    }

    private func measure(_ sample: Sample) {
        let searcher = Searcher(live: sample.live)
        // A damaged file is the business of the searches that users wait for, and of the scrub.
        guard
            let best = try? sample.live.reading({ () throws(CorruptionError) in
                try searcher.searchThoroughly(sample.query)
            })
        else { return }
        guard let least = best.sorted().last?.score else { return }
        // Both compared the same rows, so a match that reaches the last true one is a true one.
        let found = sample.scores.count { $0 >= least }
        record(
            Measured(
                recall: min(1, Double(found) / Double(best.count)),
                target: sample.query.recallTarget,
                calibrated: sample.calibrated
            ),
            band: sample.band,
            generation: sample.live.currentGeneration
        )
    }

    private func record(
        _ measured: Measured,
        band: LiveRecallReport.Band,
        generation: UInt64
    ) {
        state.withLock { state in
            guard begin(generation, &state) else { return }
            var figures = state.measured[band] ?? []
            if figures.count == Self.window { figures.removeFirst() }
            figures.append(measured)
            state.measured[band] = figures
            guard figures.count >= Self.leastForCorrection else { return }
            let allowed = figures.reduce(0) { $0 + 1 - $1.target }
            excess[band.place].set(
                Self.excess(of: figures),
                measured: allowed / Double(figures.count)
            )
        }
    }

    /// The share of the expected misses that were met; 1 for about as many.
    static func excess(of figures: [Measured]) -> Double {
        let count = Double(figures.count)
        let missed = figures.reduce(0) { $0 + 1 - $1.recall }
        // A miss in a thousand is within what the codes may lose.
        let promised = max(figures.reduce(0) { $0 + 1 - $1.calibrated }, 0.001 * count)
        if missed >= promised {
            return missed < 1.05 * promised ? 1 : min(missed / promised, largestExcess)
        }
        // Fewer lists only where chance cannot be the reason: two standard errors, and three answers for
        // samples in which hardly anything was missed (the rule of three).
        let mean = missed / count
        let squares = figures.reduce(0) { $0 + (1 - $1.recall - mean) * (1 - $1.recall - mean) }
        let most = missed + 2 * squares.squareRoot() + 3
        return most > 0.95 * promised ? 1 : max(most / promised, leastExcess)
    }

    /// Forgets what was measured of an earlier generation; false for one that is gone.
    private func begin(_ generation: UInt64, _ state: inout State) -> Bool {
        guard generation != state.generation else { return true }
        guard generation > state.generation else { return false }
        state.generation = generation
        state.measured = [:]
        for excess in excess { excess.set(1, measured: 0) }
        return true
    }

    /// Takes note of a live set that segments were replaced in: what waits to be measured of the old
    /// ones would keep their files, and of an old index says nothing of the new one.
    func follow(_ live: LiveSet) {
        let segments = live.segments.map(\.segment.segmentID)
        state.withLock { state in
            if segments != state.segments {
                state.segments = segments
                state.pending = []
                // What was found in memtables lies in lists now: what was easy may no longer be.
                for band in LiveRecallReport.Band.allCases where excess[band.place].value < 1 {
                    state.measured[band] = nil
                    excess[band.place].set(1, measured: 0)
                }
            }
            _ = begin(live.currentGeneration, &state)
        }
    }

    /// Calibration is not corrected by more than this.
    private static let (leastExcess, largestExcess) = (0.5, 20.0)

    // MARK: - Reports

    /// What was measured of the index in force, by band.
    package var reports: [LiveRecallReport] {
        state.withLock { state in
            LiveRecallReport.Band.allCases.compactMap { band in
                guard let figures = state.measured[band], !figures.isEmpty else { return nil }
                let count = Double(figures.count)
                return LiveRecallReport(
                    band: band,
                    sampleCount: figures.count,
                    recall: figures.reduce(0) { $0 + $1.recall } / count,
                    target: figures.reduce(0) { $0 + $1.target } / count,
                    calibrated: figures.reduce(0) { $0 + $1.calibrated } / count,
                    excess: excess[band.place].value
                )
            }
        }
    }

    /// Ends measuring; a measurement that is under way ends by itself.
    package func stop() {
        state.withLock { state in
            state.isStopped = true
            state.pending = []
        }
    }
}
