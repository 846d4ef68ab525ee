import Foundation
import StorageIO
import TestSupport
import Testing

@testable import VectorStore

@Suite struct `Failing disk calls` {
    private static let isSoak = ProcessInfo.processInfo.environment["VS_TIER"] == "soak"
    private static let seed: UInt64 = 20_261_124

    @Test(.timeLimit(.minutes(30)), arguments: Fault.allCases)
    func `each call of a store's life fails, and no acknowledged write suffers`(
        _ fault: Fault
    ) async throws {
        let stride = Self.isSoak ? 1 : 9
        var (runs, refused) = (0, 0)
        for isSticky in [false, true] {
            var number = 1
            while true {
                let plan = FaultPlan(fault, number: number, isSticky: isSticky)
                let simulated = SimulatedFileSystem()
                let disk = FaultInjectingFileSystem(simulated)
                var run = FaultRun(on: disk, root: "/data", plan: plan, seed: Self.seed)
                do {
                    try await run.run()
                    try await checkRestart(simulated, run)
                } catch {
                    Issue.record("\(plan) (\(disk.firstFiring)), seed \(Self.seed): \(error)")
                    return
                }
                runs += 1
                refused += run.refusedCount
                if disk.firedCount == 0 { break }
                number += stride
            }
        }
        print("faults: \(fault), \(runs) runs, \(refused) writes refused")
        #expect(runs > 2, "no call can fail with \(fault)")
    }

    /// After the process died, after power was lost, and on the disk as it is.
    private func checkRestart(_ disk: SimulatedFileSystem, _ run: FaultRun) async throws {
        let outcome = Scenario.Outcome(history: run.possible, acknowledged: 0, wasClosed: false)
        for profile in CrashProfile.allCases {
            do {
                try await RestartCheck.run(
                    disk.image(profile, seed: run.seed),
                    outcome,
                    seed: run.seed
                )
            } catch {
                throw StoreContents.Violation(description: "restart (\(profile)): \(error)")
            }
        }
        try await RestartCheck.run(disk, outcome, seed: run.seed)
    }
}
