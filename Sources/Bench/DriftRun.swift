import Evaluation
import Foundation
import Synchronization
import VectorStore

/// The store of `vector-bench drift` and what is done with it.
final class DriftRun: Sendable {
    static let stepCount = 10
    /// Waking up takes about so long.
    private static let alertSeconds = 0.000_1

    private let command: DriftCommand
    private let database: VectorDatabase
    private let collection: VectorCollection
    /// The rows of the build, and those that are written later.
    private let (old, new): (SyntheticVectors, SyntheticVectors)

    /// What was found after a step.
    struct Step: Encodable {
        var written: Int
        var deleted: Int
        var recall: Double
        /// Codes and vectors that a search looks at, on average.
        var codes: Double
        /// The share that a rebuild would save.
        var savings: Double

        var line: String {
            String(
                format: "%14d %8d   %.4f %10.0f   %.2f",
                written,
                deleted,
                recall,
                codes,
                savings
            )
        }
    }

    /// What the store measured itself.
    struct Live: Encodable {
        var recall: Double
        var searches: Int
        /// The recall of as many searches as were judged, of the same kind.
        var trueRecall: Double
    }

    /// Searches before and during the rebuild, in microseconds from their intended start.
    struct Rebuild: Encodable {
        var seconds: Double
        var rate: Double
        var idleP50: Double
        var idleP99: Double
        var idleMaximum: Double
        var p50: Double
        var p99: Double
        var maximum: Double
        var searches: Int
    }

    init(command: DriftCommand, directory: String) async throws {
        self.command = command
        old = SyntheticVectors(
            dimension: command.dimension,
            count: command.rows,
            seed: command.seed
        )
        new = SyntheticVectors(
            dimension: command.dimension,
            count: command.stream,
            seed: command.seed &+ 0x1_0000
        )
        var options = StoreOptions()
        options.automaticIndexing = false
        options.maintenanceThreadCount = command.rebuildThreads
        // Often enough for a figure within a minute; the store spends no more time on it for that.
        options.liveRecallInterval = 16
        database = try await VectorDatabase.open(at: directory + "/store", options: options)
        collection = try await database.createCollection("drift", dimension: command.dimension)
        let (vectors, rows) = (old, command.rows)
        let next = Mutex(0)
        var importing = ImportOptions()
        importing.expectedRecordCount = rows
        importing.expectsIndex = true
        try await collection.importRecords(importing) {
            next.withLock { next in
                let batch = next..<min(next + 2_000, rows)
                next = batch.upperBound
                return batch.map { Self.record($0, of: vectors, offset: 0) }
            }
        }
        try await collection.rebuildIndex()
    }

    func close() async throws { try await database.close() }

    private static func record(_ row: Int, of vectors: SyntheticVectors, offset: Int) -> Record {
        var vector = [Float](repeating: 0, count: vectors.dimension)
        vectors.fill(row: row, into: &vector)
        return Record(id: .integer(UInt64(offset + row)), vector: vector)
    }

    private func written(through step: Int) -> Int { command.stream * step / Self.stepCount }

    private func deleted(through step: Int) -> Int {
        Int(Double(command.rows) * command.deletes) * step / Self.stepCount
    }

    /// Writes and deletes what a step adds; deletes lie all over the first rows.
    func change(step: Int) async throws {
        let rows = written(through: step - 1)..<written(through: step)
        for start in stride(from: rows.lowerBound, to: rows.upperBound, by: 1_000) {
            try await collection.upsert(
                (start..<min(start + 1_000, rows.upperBound)).map {
                    Self.record($0, of: new, offset: command.rows)
                }
            )
        }
        // A step coprime to the number of rows visits each once.
        var stride = 7_919
        while command.rows % stride == 0 { stride += 2 }
        let places = deleted(through: step - 1)..<deleted(through: step)
        let ids = places.map { RecordID.integer(UInt64($0 * stride % command.rows)) }
        for start in Swift.stride(from: 0, to: ids.count, by: 10_000) {
            try await collection.delete(ids: Array(ids[start..<min(start + 10_000, ids.count)]))
        }
        try await collection.flush()
    }

    /// A vector that is not in the store, of a new topic as often as its rows are.
    private func query(_ number: Int, step: Int) -> [Float] {
        let fresh = Double(written(through: step))
        let share = fresh / (fresh + Double(command.rows - deleted(through: step)))
        let isNew = Double((number * 37) % 100) / 100 < share
        let (vectors, count) = isNew ? (new, command.stream) : (old, command.rows)
        var vector = [Float](repeating: 0, count: command.dimension)
        vectors.fill(row: count + number, into: &vector)
        return vector
    }

    private func search(_ vector: [Float], target: Double) throws -> SearchResult {
        try collection.search(
            SearchQuery(vector: vector, k: command.k, recallTarget: target, include: [])
        )
    }

    /// Judges the first queries of a step by exact searches.
    func measure(step: Int) throws -> Step {
        let (recall, codes) = try judge(0..<command.queries, step: step)
        return Step(
            written: written(through: step),
            deleted: deleted(through: step),
            recall: recall,
            codes: codes,
            savings: try collection.statistics().rebuildSavings ?? 0
        )
    }

    private func judge(
        _ numbers: Range<Int>,
        step: Int
    ) throws -> (recall: Double, codes: Double) {
        var (recall, codes) = (0.0, 0)
        for number in numbers {
            let vector = query(number, step: step)
            let exact = try search(vector, target: 1)
            let answer = try search(vector, target: command.recallTarget)
            let found = answer.matches.enumerated().map {
                ($0.offset, Double($0.element.similarity))
            }
            let truth = exact.matches.map { Double($0.similarity) }
            recall += Recall.atWithTies(command.k, found: found, truth: truth, tolerance: 0) ?? 0
            codes += answer.statistics.codesScanned + answer.statistics.rowsScanned
        }
        return (recall / Double(numbers.count), Double(codes) / Double(numbers.count))
    }

    /// Asks for so many seconds, and says what recall the store measured of that.
    func askAtLength(seconds: Double) throws -> Live {
        let start = ContinuousClock.now
        // Far from the queries that are judged at each step, and more than are repeated.
        let pool = (10_000..<12_000).map { query($0, step: Self.stepCount) }
        var number = 0
        while elapsed(since: start) < seconds {
            _ = try search(pool[number % pool.count], target: command.recallTarget)
            number += 1
        }
        let report = try collection.statistics().liveRecall.first { $0.band == .unfiltered }
        let (truth, _) = try judge(10_000..<12_000, step: Self.stepCount)
        return Live(
            recall: report?.recall ?? 0,
            searches: report?.sampleCount ?? 0,
            trueRecall: truth
        )
    }

    /// Rebuilds while one thread asks.
    func rebuild() async throws -> Rebuild {
        let pool = (20_000..<21_000).map { query($0, step: Self.stepCount) }
        _ = try times(pool) { $0 < 1 }
        let idle = try times(pool) { $0 < 5 }
        let isDone = Mutex(false)
        let asking = Mutex<Result<[Double], any Error>?>(nil)
        let thread = Thread { [self] in
            let result = Result {
                try times(pool) { _ in !isDone.withLock { $0 } }
            }
            asking.withLock { $0 = result }
        }
        thread.start()
        let start = ContinuousClock.now
        let rebuilt: Result<RebuildReport, any Error>
        var forced = RebuildOptions()
        forced.isForced = true
        do { rebuilt = .success(try await collection.rebuildIndex(forced)) } catch {
            rebuilt = .failure(error)
        }
        let seconds = elapsed(since: start)
        isDone.withLock { $0 = true }
        while asking.withLock({ $0 == nil }) { try await Task.sleep(for: .milliseconds(5)) }
        _ = try rebuilt.get()
        let busy = try asking.withLock { try $0?.get() } ?? []
        return Rebuild(
            seconds: seconds,
            rate: command.rate,
            idleP50: Percentile.nearestRank(50, of: idle),
            idleP99: Percentile.nearestRank(99, of: idle),
            idleMaximum: idle.max() ?? 0,
            p50: Percentile.nearestRank(50, of: busy),
            p99: Percentile.nearestRank(99, of: busy),
            maximum: busy.max() ?? 0,
            searches: busy.count
        )
    }

    /// Microseconds of searches that are due at the command's rate, while `goesOn` says so of the seconds
    /// gone by.
    ///
    /// An open loop: a time counts from when the search was due, so that one long stall is felt by all
    /// the searches that were due meanwhile, at the end too. The thread sleeps until shortly before, as
    /// the threads of a server do: one that never slept would use up its share of a processor that a
    /// rebuild wants too, and be taken off it in the middle of searches.
    private func times(_ pool: [[Float]], while goesOn: (Double) -> Bool) throws -> [Double] {
        let start = ContinuousClock.now
        var times: [Double] = []
        var end = Double.infinity
        while true {
            let due = Double(times.count) / command.rate
            if end == .infinity, !goesOn(elapsed(since: start)) { end = elapsed(since: start) }
            guard due < end else { break }
            let pause = due - elapsed(since: start) - Self.alertSeconds
            if pause > 0 { Thread.sleep(forTimeInterval: pause) }
            while elapsed(since: start) < due {}
            _ = try search(pool[times.count % pool.count], target: command.recallTarget)
            times.append((elapsed(since: start) - due) * 1e6)
        }
        return times
    }
}

extension DriftRun {
    /// All that was measured.
    struct Findings: Encodable {
        var steps: [Step]
        var live: Live
        var rebuild: Rebuild
        var after: Step

        var text: String {
            String(
                format: """
                    measured by the store itself: recall %.4f of %d searches; exact searches say %.4f
                    rebuild in %.1f s: p50 %.0f µs before, %.0f meanwhile (%d searches, %.0f due a second, \
                    timed from when they were due); p99 %.0f before, %.0f meanwhile: %.2f times; longest \
                    %.0f before, %.0f meanwhile
                    after the rebuild: recall %.4f, %.0f codes (%.0f before), would save %.2f (%.2f before)
                    """,
                live.recall,
                live.searches,
                live.trueRecall,
                rebuild.seconds,
                rebuild.idleP50,
                rebuild.p50,
                rebuild.searches,
                rebuild.rate,
                rebuild.idleP99,
                rebuild.p99,
                rebuild.p99 / rebuild.idleP99,
                rebuild.idleMaximum,
                rebuild.maximum,
                after.recall,
                after.codes,
                steps.last?.codes ?? 0,
                after.savings,
                steps.last?.savings ?? 0
            )
        }

        var jsonLine: String {
            get throws {
                let encoder = JSONEncoder()
                encoder.outputFormatting = .sortedKeys
                return String(decoding: try encoder.encode(self), as: UTF8.self)
            }
        }

        /// What is not as it should be.
        func objections(of command: DriftCommand) -> [String] {
            var objections: [String] = []
            for step in steps + [after] where step.recall < command.recallTarget - 0.02 {
                objections.append("recall fell to \(String(format: "%.4f", step.recall))")
            }
            if abs(live.recall - live.trueRecall) > 0.01 {
                objections.append(
                    String(
                        format: "the store measured %.4f where %.4f is true",
                        live.recall,
                        live.trueRecall
                    )
                )
            }
            if after.savings >= steps.last?.savings ?? 0 {
                objections.append("a rebuild would still save as much")
            }
            // A queue that grows says nothing of single searches.
            if rebuild.idleP99 > 1e7 / rebuild.rate {
                objections.append(
                    String(
                        format: "%.0f searches a second are too many: give a lower --rate",
                        rebuild.rate
                    )
                )
            }
            if rebuild.p99 > command.mostSlowdown * rebuild.idleP99 {
                objections.append(
                    String(
                        format: "p99 is %.2f times as long during a rebuild, %.1f asked for",
                        rebuild.p99 / rebuild.idleP99,
                        command.mostSlowdown
                    )
                )
            }
            return objections
        }
    }
}
