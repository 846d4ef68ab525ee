import ArgumentParser
import Evaluation
import Foundation
import VectorStore

/// `vector-bench ingest`: durable upserts a second by batch size.
struct IngestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ingest",
        abstract: "Measure durable upserts a second by batch size.",
        discussion: """
            Each figure stands beside the disk's own rate of 4 KiB appends with fdatasync, \
            measured in the same directory just before.
            """
    )

    @Option(name: [.customLong("dimension"), .customShort("d")], help: "Floats in each vector.")
    var dimension = 384

    @Option(help: "Batch sizes, separated by commas.")
    var batch = "1,10,100,1000"

    @Option(help: "Writers at once.")
    var writers = 1

    @Option(help: "Seconds for each batch size.")
    var seconds = 3.0

    @Option(help: "Where the temporary store goes; its disk is what is measured.")
    var scratch: String?

    func run() async throws {
        let sizes = try batch.split(separator: ",").map { text in
            guard let size = Int(text), (1...65_536).contains(size) else {
                throw ValidationError("--batch: `\(text)` is not 1 to 65536")
            }
            return size
        }
        let directory = try ScratchDirectory(parent: scratch)
        defer { directory.remove() }
        let database = try await VectorDatabase.open(at: directory.path)
        let collection = try await database.createCollection("ingest", dimension: dimension)
        print("# \(Machine.line)")
        print("# fdatasync of 4 KiB appends: \(Int(try syncRate(directory.path))) a second")
        print(" batch  writers   rows/s   calls/s    p50 ms    p99 ms")
        var next: UInt64 = 0
        for size in sizes {
            let (rows, calls, latencies) = try await measure(
                collection,
                size: size,
                firstID: next
            )
            next += UInt64(rows)
            print(
                String(
                    format: "%6d %8d %8.0f %9.0f %9.2f %9.2f",
                    size,
                    writers,
                    Double(rows) / seconds,
                    Double(calls) / seconds,
                    latencies.microseconds(percentile: 50) / 1_000,
                    latencies.microseconds(percentile: 99) / 1_000
                )
            )
        }
        try await database.close()
    }

    private func measure(
        _ collection: VectorCollection,
        size: Int,
        firstID: UInt64
    ) async throws -> (rows: Int, calls: Int, latencies: Latencies) {
        let source = SyntheticVectors(dimension: dimension, count: 100_000, seed: 3)
        let deadline = ContinuousClock.now + .seconds(seconds)
        let times = try await withThrowingTaskGroup(of: [UInt64].self) { group in
            for writer in 0..<writers {
                group.addTask {
                    var times: [UInt64] = []
                    var id = firstID + UInt64(writer) << 32
                    while ContinuousClock.now < deadline {
                        let records = (0..<size).map { offset in
                            var vector = [Float](repeating: 0, count: dimension)
                            vector.withUnsafeMutableBufferPointer { buffer in
                                if let base = buffer.baseAddress {
                                    source.fill(row: Int(id) + offset, into: base)
                                }
                            }
                            return Record(id: .integer(id + UInt64(offset)), vector: vector)
                        }
                        id += UInt64(size)
                        let start = ContinuousClock.now
                        try await collection.upsert(records)
                        times.append(UInt64(elapsed(since: start) * 1e9))
                    }
                    return times
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        var latencies = Latencies()
        for time in times { latencies.record(nanoseconds: time) }
        return (times.count * size, times.count, latencies)
    }

    private func syncRate(_ directory: String) throws -> Double {
        let path = directory + "/../vector-bench-sync-" + UUID().uuidString
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else { throw BenchError("cannot create \(path)") }
        defer {
            close(descriptor)
            unlink(path)
        }
        let bytes = [UInt8](repeating: 1, count: 4_096)
        let start = ContinuousClock.now
        var count = 0
        while elapsed(since: start) < 1 {
            guard write(descriptor, bytes, bytes.count) == bytes.count, fdatasync(descriptor) == 0
            else { throw BenchError("cannot write \(path)") }
            count += 1
        }
        return Double(count) / elapsed(since: start)
    }
}
