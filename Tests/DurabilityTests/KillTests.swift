import Foundation
import Synchronization
import TestSupport
import Testing
import VectorMath

@testable import VectorStore

@Suite(.serialized) struct `Death of the process` {
    private static let isSoak = ProcessInfo.processInfo.environment["VS_TIER"] == "soak"

    /// What one writer did before it was killed.
    private struct Progress {
        var acknowledged: UInt64
        var issued: UInt64
    }

    /// Directories, what they should hold and what happened to them.
    private struct Campaign {
        var seed: UInt64
        var random: SeededRandom
        var directory = Scratch()
        var contents: [RecordID: Record] = [:]
        var next = [UInt64](repeating: 0, count: KillPlan.writerCount)
        var totals = (cycles: 0, inFlight: 0, acknowledged: 0, replayed: 0, copies: 0, refused: 0)
        var hits: [KillPoint: Int] = [:]

        init(seed: UInt64) {
            self.seed = seed
            random = SeededRandom(seed: seed)
        }

        /// Damage that adds up shows within some lives of one directory; then a new one.
        mutating func renew() {
            directory = Scratch()
            contents = [:]
            next = [UInt64](repeating: 0, count: KillPlan.writerCount)
            seed += 1
        }
    }

    private static let livesPerDirectory = 50

    @Test(.timeLimit(.minutes(600)))
    func `kill -9 loses no acknowledged write and brings no deleted row back`() async throws {
        let environment = ProcessInfo.processInfo.environment
        let cycles = Int(environment["VS_CYCLES"] ?? "") ?? (Self.isSoak ? 20_000 : 16)
        var campaign = Campaign(
            seed: UInt64(environment["VS_SEED"] ?? "") ?? UInt64.random(in: 1...1_000_000)
        )
        print("kill test: seed \(campaign.seed)")
        let start = ContinuousClock.now
        // Every second death is at a named point, the others at any time.
        let points = KillPoint.allCases
        for cycle in 0..<cycles {
            if cycle.isMultiple(of: Self.livesPerDirectory), cycle > 0 { campaign.renew() }
            let delay = Int.random(in: 5...300, using: &campaign.random)
            let point =
                Self.isSoak && !cycle.isMultiple(of: 2)
                ? points[cycle / 2 % points.count] : nil
            do {
                try await live(&campaign, milliseconds: point == nil ? delay : 1_500, point: point)
            } catch {
                Issue.record(
                    "cycle \(cycle), seed \(campaign.seed), \(delay) ms, \(String(describing: point)): \(error)"
                )
                return
            }
        }
        report(campaign, since: start)
        let totals = campaign.totals
        #expect(totals.inFlight * 2 >= totals.cycles, "the kills did not land in work")
        #expect(totals.replayed > 0, "no kill left anything to replay")
        guard Self.isSoak, cycles >= 20_000 else { return }
        for point in points {
            #expect(campaign.hits[point, default: 0] >= 30, "\(point) was hit too rarely")
        }
    }

    @Test(.timeLimit(.minutes(60)))
    func `death at every named point loses no acknowledged write`() async throws {
        var campaign = Campaign(seed: UInt64.random(in: 1...1_000_000))
        print("kill points: seed \(campaign.seed)")
        let start = ContinuousClock.now
        for point in KillPoint.allCases {
            do {
                // A rare point may not be met in one life, least of all on a busy machine.
                for attempt in 0..<12 where campaign.hits[point] == nil {
                    try await live(
                        &campaign,
                        milliseconds: attempt < 2 ? 3_000 : 8_000,
                        point: point,
                        passes: attempt < 2 ? nil : 1
                    )
                }
            } catch {
                Issue.record("\(point.rawValue), seed \(campaign.seed): \(error)")
                return
            }
            #expect(campaign.hits[point] != nil, "nobody came to \(point.rawValue)")
        }
        report(campaign, since: start)
    }

    private func report(_ campaign: Campaign, since start: ContinuousClock.Instant) {
        let totals = campaign.totals
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        let elapsed = Double(seconds) + Double(attoseconds) * 1e-18
        let rarest = KillPoint.allCases.map { campaign.hits[$0, default: 0] }.min() ?? 0
        print(
            "kill test: \(totals.cycles) cycles in \(Int(elapsed)) s, \(totals.inFlight) with "
                + "work in flight, \(campaign.hits.values.reduce(0, +)) at named points (the rarest "
                + "\(rarest)), \(totals.acknowledged) writes acknowledged, \(totals.replayed) changes "
                + "replayed, \(totals.copies) copies opened, \(totals.refused) unfinished ones refused"
        )
        let hits = KillPoint.allCases.map { "\($0.rawValue) \(campaign.hits[$0, default: 0])" }
        print("kill points: \(hits.joined(separator: ", "))")
    }

    /// One life: a worker runs and dies, and its store and copies are examined.
    private func live(
        _ campaign: inout Campaign,
        milliseconds: Int,
        point: KillPoint?,
        passes asked: Int? = nil
    ) async throws {
        let seed = campaign.seed
        let first = campaign.next.max() ?? 0
        let passes = point.map {
            asked ?? Int.random(in: 1...$0.maximumPassCount, using: &campaign.random)
        }
        let isRecovery = point?.isInRecovery == true
        var (progress, diedItself) = try runAndKill(
            campaign.directory.path,
            seed: seed,
            first: first,
            milliseconds: isRecovery
                ? Int.random(in: 80...250, using: &campaign.random) : milliseconds,
            point: isRecovery ? nil : point.map { ($0, passes ?? 1) }
        )
        if isRecovery, let point {
            // A second worker dies while it recovers from the first one's death.
            diedItself = try runAndKill(
                campaign.directory.path,
                seed: seed,
                first: first,
                milliseconds: 3_000,
                point: (point, 1)
            ).1
        }
        campaign.totals.cycles += 1
        if let point, diedItself { campaign.hits[point, default: 0] += 1 }
        let wasInFlight = progress.contains { $0.issued > $0.acknowledged }
        campaign.totals.inFlight += wasInFlight || point != nil && diedItself ? 1 : 0
        for writer in 0..<KillPlan.writerCount {
            campaign.totals.acknowledged += Int(progress[writer].acknowledged - first)
            campaign.next[writer] = progress[writer].issued
        }
        let path = campaign.directory.path
        let before = campaign.contents
        let store = try await VectorDatabase.open(at: path, options: KillPlan.options)
        campaign.totals.replayed += try store.statistics().recovery.replayedOperationCount
        // A slow machine may have been killed before its first write.
        let isUntouched = progress.allSatisfy { $0.acknowledged == first }
        let isEmpty = try before.isEmpty && isUntouched && StoreContents.read(store) == nil
        if !isEmpty {
            campaign.contents = try verify(
                store,
                before: before,
                progress: progress,
                first: first,
                seed: seed
            )
            try StoreContents.checkSearch(
                store,
                campaign.contents,
                query: (0..<12).map { _ in Float.random(in: -1...1, using: &campaign.random) }
            )
        }
        try await store.close()
        try await examineCopies(&campaign, before: before, progress: progress, first: first)
    }

    /// A finished copy holds, of each writer, what it had written at one moment; an unfinished one is
    /// no store.
    private func examineCopies(
        _ campaign: inout Campaign,
        before: [RecordID: Record],
        progress: [Progress],
        first: UInt64
    ) async throws {
        let files = FileManager.default
        for number in 1... {
            let copy = KillPlan.copy(of: campaign.directory.path, number: number)
            guard files.fileExists(atPath: copy) else { return }
            defer { try? files.removeItem(atPath: copy) }
            var options = KillPlan.options
            options.createIfMissing = false
            let store: VectorDatabase
            do {
                store = try await VectorDatabase.open(at: copy, options: options)
            } catch {
                try StoreContents.require(
                    error.code == .notAStore || error.code == .corrupt,
                    "copy \(number): \(error)"
                )
                campaign.totals.refused += 1
                continue
            }
            campaign.totals.copies += 1
            let found = try StoreContents.read(store) ?? [:]
            for writer in 0..<KillPlan.writerCount {
                let own = found.filter { isOwn($0.key, writer) }
                var expected = before.filter { isOwn($0.key, writer) }
                var isMoment = StoreContents.agree(own, expected)
                for operation in first..<max(first, progress[writer].issued) where !isMoment {
                    apply(
                        KillPlan.operation(seed: campaign.seed, writer: writer, number: operation),
                        &expected
                    )
                    isMoment = StoreContents.agree(own, expected)
                }
                try StoreContents.require(
                    isMoment,
                    "copy \(number): what writer \(writer) wrote is of no one moment"
                )
            }
            try await store.close()
        }
    }

    private func isOwn(_ id: RecordID, _ writer: Int) -> Bool {
        let lower = UInt64(writer) * 400
        if case .integer(let number) = id { return (lower..<lower + 400).contains(number) }
        return false
    }

    /// Compares the store with what the writers were told.
    ///
    /// - Returns: What the store holds.
    private func verify(
        _ store: VectorDatabase,
        before: [RecordID: Record],
        progress: [Progress],
        first: UInt64,
        seed: UInt64
    ) throws -> [RecordID: Record] {
        let found = try StoreContents.read(store) ?? [:]
        var remaining = found
        for writer in 0..<KillPlan.writerCount {
            var expected = before.filter { isOwn($0.key, writer) }
            for number in first..<progress[writer].acknowledged {
                apply(KillPlan.operation(seed: seed, writer: writer, number: number), &expected)
            }
            let own = found.filter { isOwn($0.key, writer) }
            for id in own.keys { remaining[id] = nil }
            if StoreContents.agree(own, expected) { continue }
            // One more may have been issued: all of it is there, or nothing.
            if progress[writer].issued > progress[writer].acknowledged {
                let number = progress[writer].acknowledged
                apply(KillPlan.operation(seed: seed, writer: writer, number: number), &expected)
            }
            try StoreContents.require(
                StoreContents.agree(own, expected),
                "writer \(writer): \(own.count) records, \(expected.count) expected after write "
                    + "\(progress[writer].acknowledged)"
            )
        }
        try StoreContents.require(remaining.isEmpty, "\(remaining.count) records of nobody")
        return found
    }

    private func apply(_ operation: KillPlan.Operation, _ contents: inout [RecordID: Record]) {
        switch operation {
        case .upsert(let records): for record in records { contents[record.id] = record }
        case .delete(let ids): for id in ids { contents[id] = nil }
        }
    }

    /// Starts a worker, waits for it to die or kills it, and reads what it said.
    ///
    /// - Returns: What the writers did, and whether the worker came to its point.
    private func runAndKill(
        _ directory: String,
        seed: UInt64,
        first: UInt64,
        milliseconds: Int,
        point: (KillPoint, Int)?
    ) throws -> ([Progress], Bool) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(CrashWorkerProgram.path))
        process.arguments =
            [directory, String(seed), String(first)]
            + (point.map { [$0.0.rawValue, String($0.1)] } ?? [])
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let collected = Mutex(Data())
        let done = DispatchSemaphore(value: 0)
        DispatchQueue.global().async {
            let data = pipe.fileHandleForReading.readDataToEndOfFile()
            collected.withLock { $0 = data }
            done.signal()
        }
        // The pipe ends with the worker.
        let diedItself = done.wait(timeout: .now() + .milliseconds(milliseconds)) == .success
        if !diedItself {
            kill(process.processIdentifier, SIGKILL)
            done.wait()
        }
        process.waitUntilExit()
        let progress = parse(collected.withLock { $0 }, first: first)
        if point?.0.isInRecovery == true, process.terminationReason == .exit,
            process.terminationStatus == 4
        {
            return (progress, false)
        }
        #expect(process.terminationReason == .uncaughtSignal, "the worker was not killed")
        #expect(process.terminationStatus == SIGKILL)
        return (progress, diedItself)
    }

    private func parse(_ data: Data, first: UInt64) -> [Progress] {
        var progress = [Progress](
            repeating: Progress(acknowledged: first, issued: first),
            count: KillPlan.writerCount
        )
        let bytes = [UInt8](data)
        for start in stride(from: 0, to: bytes.count - 15, by: 16) {
            var number: UInt64 = 0
            for index in 0..<8 { number |= UInt64(bytes[start + index]) << (8 * index) }
            let writer = Int(bytes[start + 9])
            if bytes[start + 8] == 1 {
                progress[writer].acknowledged = number + 1
            } else {
                progress[writer].issued = number + 1
            }
        }
        return progress
    }
}

/// The program that is made to die, built beside the tests.
enum CrashWorkerProgram {
    static var path: String? {
        let places = [
            Bundle.main.bundleURL.deletingLastPathComponent(),
            URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent(),
        ]
        return places.map { $0.appendingPathComponent("CrashWorker").path }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}

/// A directory of its own, removed afterwards.
final class Scratch {
    let path = NSTemporaryDirectory() + "vs-kill-" + UUID().uuidString

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
