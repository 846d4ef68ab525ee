import Foundation
import StorageIO
import Synchronization
import TestSupport
import Testing
import VectorMath

@testable import VectorStore

@Suite struct `Crash images` {
    private static let isSoak = ProcessInfo.processInfo.environment["VS_TIER"] == "soak"
    /// Images to open in the big tier.
    private static let wanted =
        Int(ProcessInfo.processInfo.environment["VS_IMAGES"] ?? "") ?? 2_000_000

    @Test(.timeLimit(.minutes(600)))
    func `every image of a random life, and of recovery from it, holds a committed prefix`()
        async throws
    {
        let base = UInt64(ProcessInfo.processInfo.environment["VS_SEED"] ?? "") ?? 20_261_125
        let start = ContinuousClock.now
        let goal = Self.isSoak ? Self.wanted : 3_000
        let lanes = Self.isSoak ? 2 : 1
        let tallies = try await withThrowingTaskGroup(of: CrashExploration.Tally.self) { group in
            for lane in 0..<lanes {
                group.addTask {
                    var total = CrashExploration.Tally()
                    var seed = base + UInt64(lane)
                    while total.total < goal / lanes {
                        var budget = CrashExploration.Budget()
                        budget.limit = min(goal / lanes - total.total, Self.isSoak ? .max : 600)
                        var exploration = CrashExploration(budget: budget, seed: seed)
                        try await exploration.explore(RandomLife(seed: seed, stepCount: 14))
                        total += exploration.tally
                        seed += UInt64(lanes)
                    }
                    return total
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        var total = CrashExploration.Tally()
        for tally in tallies { total += tally }
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        let elapsed = Double(seconds) + Double(attoseconds) * 1e-18
        print(
            "crash images: \(total.total) distinct (by depth \(total.images)), "
                + "\(total.repeated) repeated, \(total.operations) operations, "
                + "\(Int(Double(total.total) / elapsed)) a second, seeds from \(base)"
        )
        let deep = total.images[1] + total.images[2]
        #expect(deep * 4 >= total.total, "\(deep) of \(total.total) images are of depth 2 or more")
    }

    /// What the disk is asked to do, without the bytes.
    private func trace(seed: UInt64) async -> [String] {
        let disk = TracingFileSystem(SimulatedFileSystem())
        _ = await RandomLife(seed: seed, stepCount: 12).run(on: disk, progress: .init())
        return disk.calls
    }

    @Test(arguments: [UInt64(1), 2, 3]) func `the same seed makes the same calls`(
        _ seed: UInt64
    ) async throws {
        let first = await trace(seed: seed)
        #expect(first.count > 60)
        #expect(await trace(seed: seed) == first)
    }

    // MARK: - Syncs that fail

    @Test(.timeLimit(.minutes(60)), arguments: FailedSync.allCases)
    func `a failed sync loses no acknowledged write, whatever the cache makes of it`(
        _ model: FailedSync
    ) async throws {
        var runs = 0
        for seed in UInt64(1)...(Self.isSoak ? 60 : 2) {
            let life = RandomLife(seed: seed, stepCount: 12)
            var number = 1
            while true {
                let disk = SimulatedFileSystem()
                disk.armSync(number, model)
                do {
                    let failed = try await failAndRestart(disk, life: life, model: model)
                    guard failed else { break }
                } catch {
                    Issue.record("\(model), sync \(number) of life \(seed): \(error)")
                    return
                }
                runs += 1
                number += Self.isSoak ? 1 : 4
            }
        }
        print("failed syncs: \(model), \(runs) runs")
        #expect(runs > 10)
    }

    /// - Returns: Whether a sync failed.
    private func failAndRestart(
        _ disk: SimulatedFileSystem,
        life: RandomLife,
        model: FailedSync
    ) async throws -> Bool {
        let progress = RandomLife.Progress()
        // What was acknowledged when the sync failed, or said falsely that it had not.
        let error = await life.run(on: disk, progress: progress)
        guard disk.hasSyncFailed else { return false }
        var outcome = progress.outcome
        try StoreContents.require(error != nil || outcome.history.count > 0, "no error")
        // Which of the writes before a lie are durable, only their order tells.
        if model == .late { outcome.acknowledged = 0 }
        let options = life.options
        // The process dies; the cache is what it is.
        let restarted = disk.clone()
        let seen = try contents(of: restarted, options)
        try requirePrefix(seen, progress.outcome, "restart")
        // Power fails after that restart: what was shown is not taken back.
        let after = try contents(of: restarted.image(.none), options)
        try StoreContents.require(
            StoreContents.agree(after ?? [:], seen ?? [:]),
            "restart showed \(seen?.count ?? -1) records, power loss after it \(after?.count ?? -1)"
        )
        // Power fails at once.
        try requirePrefix(try contents(of: disk.image(.none), options), outcome, "power loss")
        return true
    }

    private func contents(
        of disk: SimulatedFileSystem,
        _ options: StoreOptions
    ) throws -> Scenario.Contents? {
        try StoreContents.read(
            VectorDatabase.open(at: "/data", options: options, fileSystem: disk)
        )
    }

    private func requirePrefix(
        _ contents: Scenario.Contents?,
        _ outcome: Scenario.Outcome,
        _ place: String
    ) throws {
        let allowed = outcome.history[outcome.acknowledged...]
        let isPrefix = allowed.contains { StoreContents.agree($0, contents ?? [:]) }
        try StoreContents.require(
            isPrefix,
            "\(place): \(contents?.count ?? -1) records are no prefix from write "
                + "\(outcome.acknowledged) of \(outcome.history.count - 1)"
        )
    }
}
