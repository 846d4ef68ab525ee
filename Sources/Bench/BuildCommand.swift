import ArgumentParser
import Evaluation
import Foundation
import VectorStore

/// `vector-bench build`: seconds and memory from a file of vectors to a durable, indexed store.
struct BuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Measure import and build of a file of vectors, and the disk beside them.",
        discussion: """
            Import: from the file to durable segments. Build: training, assignment, calibration, \
            writing and sync. Disk: zeros written in sequence to a file of as many bytes, and synced. \
            Anonymous memory is the process's own, sampled every 20 ms; mapped files are not in it.

            Example:
              vector-bench build --base base.fbin --nlist 2048 --threads 2 --memory-limit 2048
            """
    )

    @Option(help: ArgumentHelp("The file of vectors.", valueName: "file"))
    var base: String

    @Option(help: "Take the first so many rows.")
    var limit: Int?

    @Option(help: "Posting lists.")
    var nlist: Int?

    @Option(help: "Threads that build. Default: one a core.")
    var threads: Int?

    @Option(help: ArgumentHelp("The store's memory limit.", valueName: "MiB"))
    var memoryLimit: Int?

    @Option(help: "Where the temporary store goes; its disk is what is measured.")
    var scratch: String?

    @Option(help: "Keep the store in this new or empty directory.")
    var store: String?

    @Flag(help: "Leave the probe of the disk out.")
    var skipDisk = false

    @Flag(help: "Print one JSON line.")
    var json = false

    func validate() throws {
        guard (limit ?? 1) > 0, (memoryLimit ?? 1) > 0, (threads ?? 1) > 0, (nlist ?? 1) > 0 else {
            throw ValidationError("limit, nlist, threads and memory-limit must be above 0")
        }
    }

    func run() async throws {
        let scratch = ScratchDirectory(kept: store, parent: scratch)
        defer { scratch.remove() }
        let reader = try VectorFileReader(base)
        let count = min(limit ?? reader.count, reader.count)
        let byteCount = count * reader.dimension * 4
        let diskRate =
            skipDisk ? nil : try DiskProbe.rate(beside: scratch.path, byteCount: byteCount)
        let memory = MemorySampler()
        let built = try await BenchStore.build(
            BenchStore.Rows(base: reader, limit: limit),
            directory: scratch.path,
            nlist: nlist,
            threads: threads,
            memoryLimit: memoryLimit.map { $0 << 20 }
        )
        let peak = memory.stop()
        let state = try built.collection.statistics()
        let importSeconds = built.seconds.first { $0.name == "import" }?.seconds ?? 0
        let importRate = Double(byteCount) / max(importSeconds, 1e-9) / 1e6
        try await built.database.close()
        if json {
            let phases = built.seconds.map { "\"\($0.name)\": \(Self.text($0.seconds, 3))" }
            let disk = diskRate.map { Self.text($0, 1) } ?? "null"
            print(
                "{\"rows\": \(count), \"dimension\": \(reader.dimension), \"nlist\": \(state.nlist), "
                    + "\"build_s\": \(Self.text(built.buildSeconds ?? 0, 3)), "
                    + "\"phases\": {\(phases.joined(separator: ", "))}, "
                    + "\"import_mb_s\": \(Self.text(importRate, 1)), \"disk_mb_s\": \(disk), "
                    + "\"anonymous_peak_mib\": \(Self.text(peak, 0))}"
            )
            return
        }
        print("# \(Machine.line)")
        print("rows \(count), dimension \(reader.dimension), lists \(state.nlist)")
        for phase in built.seconds { print("\(phase.name) \(Self.text(phase.seconds, 2)) s") }
        print("together \(Self.text(built.buildSeconds ?? 0, 2)) s")
        print("import \(Self.text(importRate, 0)) MB/s of vectors")
        if let diskRate {
            print(
                "disk \(Self.text(diskRate, 0)) MB/s written in sequence and synced; the import is "
                    + "\(Self.text(100 * importRate / diskRate, 0)) % of it"
            )
        }
        print("anonymous memory at most \(Self.text(peak, 0)) MiB")
    }

    private static func text(_ value: Double, _ decimals: Int) -> String {
        String(format: "%.\(decimals)f", value)
    }
}
