import Foundation
import StorageIO
import TestSupport
import Testing

@testable import VectorStore

@Suite struct `Power loss` {
    private static let isSoak = ProcessInfo.processInfo.environment["VS_TIER"] == "soak"

    @Test func `a crash at every operation leaves a committed prefix`() async throws {
        let seed: UInt64 = 20_261_123
        let whole = SimulatedFileSystem()
        let full = await Scenario.run(on: whole, seed: seed)
        #expect(full.wasClosed)
        let operations = whole.operationCount
        #expect(operations > 200, "the scenario shrank to \(operations) operations")
        var images = 0
        for number in 1...operations {
            let disk = SimulatedFileSystem()
            disk.armCrash(atOperation: number)
            let outcome = await Scenario.run(on: disk, seed: seed)
            var cases: [(CrashProfile, UInt64)] = [(.none, 0), (.all, 0)]
            for extra in 0..<(Self.isSoak ? 40 : 2) {
                cases.append((.weak, seed &+ UInt64(number * 100 + extra)))
            }
            for (profile, imageSeed) in cases {
                images += 1
                do {
                    try await RestartCheck.run(
                        disk.image(profile, seed: imageSeed),
                        outcome,
                        seed: imageSeed
                    )
                } catch {
                    Issue.record(
                        "crash at operation \(number), \(profile), seed \(imageSeed): \(error)"
                    )
                    return
                }
            }
        }
        print("power loss: \(operations) operations, \(images) images")
    }

    @Test func `a crash during recovery is recovered from`() async throws {
        let seed: UInt64 = 77
        let whole = SimulatedFileSystem()
        _ = await Scenario.run(on: whole, seed: seed)
        let operations = whole.operationCount
        let stride = Self.isSoak ? 3 : 23
        for number in Swift.stride(from: 5, through: operations, by: stride) {
            let disk = SimulatedFileSystem()
            disk.armCrash(atOperation: number)
            let outcome = await Scenario.run(on: disk, seed: seed)
            let found = disk.image(.all, seed: 0)
            let probe = found.image(.all, seed: 0)
            _ = try? VectorDatabase.open(
                at: "/data",
                options: Scenario.options,
                fileSystem: probe
            )
            for second in 1...max(1, probe.operationCount) {
                let again = found.image(.all, seed: 0)
                again.armCrash(atOperation: second)
                _ = try? VectorDatabase.open(
                    at: "/data",
                    options: Scenario.options,
                    fileSystem: again
                )
                for profile in CrashProfile.allCases {
                    let imageSeed = UInt64(number * 1_000 + second)
                    do {
                        try await RestartCheck.run(
                            again.image(profile, seed: imageSeed),
                            outcome,
                            seed: imageSeed
                        )
                    } catch {
                        Issue.record(
                            "crash at \(number), then at \(second) of recovery, \(profile): \(error)"
                        )
                        return
                    }
                }
            }
        }
    }
}
