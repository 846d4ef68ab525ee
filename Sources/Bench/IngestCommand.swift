import ArgumentParser
import Evaluation
import Foundation
import Synchronization
import VectorStore

/// `vector-bench ingest`: durable upserts a second by batch size.
struct IngestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest",
        abstract: "Measure durable upserts a second by batch size.",
        discussion: """
            Syncs/s is the disk's own rate of 4 KiB overwrites with fdatasync, measured beside the \
            store before and after each batch size. Calls/sync is the share of it that the calls \
            reach; above 1, several writers share one sync. With --n, each batch size takes as many \
            calls as it needs for so many rows, in place of --seconds.

            Example:
              vector-bench ingest --d 384 --batch 1,10,100,1000 --writers 4
            """
    )

    @Option(
        name: [.customLong("dimension"), .customLong("d"), .customShort("d")],
        help: "Floats in each vector."
    )
    var dimension = 384

    @Option(help: "Batch sizes, separated by commas.")
    var batch = "1,10,100,1000"

    @Option(help: "Writers at once.")
    var writers = 1

    @Option(help: "Seconds for each batch size.")
    var seconds = 3.0

    @Option(name: [.customLong("n"), .customShort("n")], help: "Rows for each batch size.")
    var count: Int?

    @Option(help: "Keep the store in this new or empty directory.")
    var store: String?

    @Option(help: "Where the temporary store goes; its disk is what is measured.")
    var scratch: String?

    func validate() throws {
        guard dimension > 0, writers > 0, seconds > 0, (count ?? 1) > 0 else {
            throw ValidationError("dimension, writers, seconds and n must be above 0")
        }
        _ = try sizes()
    }

    private func sizes() throws -> [Int] {
        try batch.split(separator: ",").map { text in
            guard let size = Int(text.trimmingCharacters(in: .whitespaces)),
                (1...65_536).contains(size)
            else { throw ValidationError("--batch: `\(text)` is not 1 to 65536") }
            return size
        }
    }

    func run() async throws {
        let scratch = ScratchDirectory(kept: store, parent: scratch)
        defer { scratch.remove() }
        let directory = scratch.path
        let database = try await VectorDatabase.open(at: directory)
        let collection = try await database.createCollection("ingest", dimension: dimension)
        let probe = try SyncProbe(beside: directory)
        print("# \(Machine.line)")
        print(" batch  writers   rows/s   calls/s  syncs/s  calls/sync    p50 ms    p99 ms")
        var nextID: UInt64 = 0
        for size in try sizes() {
            let before = try probe.rate(seconds: 0.5)
            let result = try await measure(collection, size: size, firstID: nextID)
            nextID += UInt64(result.calls * size)
            let calls = Double(result.calls) / result.seconds
            let syncs = (before + (try probe.rate(seconds: 0.5))) / 2
            print(
                String(
                    format: "%6d %8d %8.0f %9.0f %8.0f %11.2f %9.2f %9.2f",
                    size,
                    writers,
                    calls * Double(size),
                    calls,
                    syncs,
                    calls / syncs,
                    (result.latencies.microseconds(percentile: 50) ?? 0) / 1_000,
                    (result.latencies.microseconds(percentile: 99) ?? 0) / 1_000
                )
            )
        }
        try await database.close()
    }

    private struct Figures {
        var calls: Int
        var seconds: Double
        var latencies: Latencies
    }

    /// Vectors are made beforehand, so that the time is the store's alone.
    private func measure(
        _ collection: VectorCollection,
        size: Int,
        firstID: UInt64
    ) async throws -> Figures {
        let source = SyntheticVectors(dimension: dimension, count: 100_000, seed: 3)
        let pool = (0..<1_024).map { row in
            var vector = [Float](repeating: 0, count: dimension)
            vector.withUnsafeMutableBufferPointer { buffer in
                if let base = buffer.baseAddress { source.fill(row: row, into: base) }
            }
            return vector
        }
        let calls = CallCounter(
            limit: count.map { ($0 + size - 1) / size },
            deadline: ContinuousClock.now + .seconds(seconds)
        )
        let start = ContinuousClock.now
        let times = try await withThrowingTaskGroup(of: [UInt64].self) { group in
            for _ in 0..<writers {
                group.addTask {
                    var times: [UInt64] = []
                    while let call = calls.next() {
                        let id = firstID + UInt64(call * size)
                        let records = (0..<size).map { offset in
                            let id = id + UInt64(offset)
                            return Record(id: .integer(id), vector: pool[Int(id % 1_024)])
                        }
                        let before = ContinuousClock.now
                        try await collection.upsert(records)
                        times.append(UInt64(elapsed(since: before) * 1e9))
                    }
                    return times
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let seconds = elapsed(since: start)
        var latencies = Latencies()
        for time in times { latencies.record(nanoseconds: time) }
        return Figures(calls: times.count, seconds: seconds, latencies: latencies)
    }
}

/// Numbers the calls of all writers until there are enough of them.
private final class CallCounter: Sendable {
    private let issued = Atomic<Int>(0)
    private let limit: Int?
    private let deadline: ContinuousClock.Instant

    /// Calls up to `limit`, or until `deadline` when there is none.
    init(limit: Int?, deadline: ContinuousClock.Instant) {
        self.limit = limit
        self.deadline = deadline
    }

    func next() -> Int? {
        if limit == nil, ContinuousClock.now >= deadline { return nil }
        let call = issued.add(1, ordering: .relaxed).oldValue
        if let limit, call >= limit { return nil }
        return call
    }
}
