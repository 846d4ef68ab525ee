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

    @Test func `kill -9 loses no acknowledged write and brings no deleted row back`() async throws {
        let cycles = Self.isSoak ? 1_000 : 40
        let generationsPerDirectory = 50
        var seed = UInt64.random(in: 1...1_000_000)
        var random = SeededRandom(seed: seed)
        print("kill test: seed \(seed)")
        var totals = (inFlight: 0, acknowledged: 0, replayed: 0)
        var directory = Scratch()
        var contents: [RecordID: Record] = [:]
        var next = [UInt64](repeating: 0, count: KillPlan.writerCount)
        for cycle in 0..<cycles {
            if cycle.isMultiple(of: generationsPerDirectory), cycle > 0 {
                directory = Scratch()
                contents = [:]
                next = [UInt64](repeating: 0, count: KillPlan.writerCount)
                seed += 1
            }
            let first = next.max() ?? 0
            let delay = Int.random(in: 5...300, using: &random)
            let progress = try runAndKill(
                directory.path,
                seed: seed,
                first: first,
                milliseconds: delay
            )
            let wasInFlight = progress.contains { $0.issued > $0.acknowledged }
            totals.inFlight += wasInFlight ? 1 : 0
            for writer in 0..<KillPlan.writerCount {
                totals.acknowledged += Int(progress[writer].acknowledged - first)
                next[writer] = progress[writer].issued
            }
            let store = try await VectorDatabase.open(at: directory.path, options: KillPlan.options)
            totals.replayed += try store.statistics().recovery.replayedOperationCount
            // A slow machine may have been killed before its first write.
            if contents.isEmpty, progress.allSatisfy({ $0.acknowledged == first }),
                try StoreContents.read(store) == nil
            {
                try await store.close()
                continue
            }
            do {
                contents = try verify(
                    store,
                    before: contents,
                    progress: progress,
                    first: first,
                    seed: seed
                )
                try StoreContents.checkSearch(
                    store,
                    contents,
                    query: (0..<12).map { _ in Float.random(in: -1...1, using: &random) }
                )
            } catch {
                Issue.record("cycle \(cycle), seed \(seed), killed after \(delay) ms: \(error)")
                return
            }
            try await store.close()
        }
        print(
            "kill test: \(cycles) cycles, \(totals.inFlight) with work in flight, "
                + "\(totals.acknowledged) writes acknowledged, \(totals.replayed) changes replayed"
        )
        #expect(totals.inFlight * 2 >= cycles, "the kills did not land in work")
        #expect(totals.replayed > 0, "no kill left anything to replay")
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
            let lower = UInt64(writer) * 400
            func isOwn(_ id: RecordID) -> Bool {
                if case .integer(let number) = id { return (lower..<lower + 400).contains(number) }
                return false
            }
            var expected = before.filter { isOwn($0.key) }
            for number in first..<progress[writer].acknowledged {
                apply(KillPlan.operation(seed: seed, writer: writer, number: number), &expected)
            }
            let own = found.filter { isOwn($0.key) }
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

    /// Starts a worker, kills it and reads what it said.
    private func runAndKill(
        _ directory: String,
        seed: UInt64,
        first: UInt64,
        milliseconds: Int
    ) throws -> [Progress] {
        let process = Process()
        process.executableURL = Bundle.main.bundleURL.deletingLastPathComponent()
            .appendingPathComponent("CrashWorker")
        if !FileManager.default.isExecutableFile(atPath: process.executableURL?.path ?? "") {
            process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
                .deletingLastPathComponent().appendingPathComponent("CrashWorker")
        }
        process.arguments = [directory, String(seed), String(first)]
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
        usleep(UInt32(milliseconds) * 1_000)
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        done.wait()
        #expect(process.terminationReason == .uncaughtSignal, "the worker was not killed")
        #expect(process.terminationStatus == SIGKILL)
        return parse(collected.withLock { $0 }, first: first)
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

/// A directory of its own, removed afterwards.
final class Scratch {
    let path = NSTemporaryDirectory() + "vs-kill-" + UUID().uuidString

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
