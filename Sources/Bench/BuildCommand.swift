import ArgumentParser
import BenchReport
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
            Anonymous memory is the process's own, sampled every 20 ms; pages of mapped files, which \
            the system may drop, are told apart. build_others_s is the processor time that everything \
            else on the machine took meanwhile. Results of several --limit, as JSON lines in one file, \
            give `plot` the picture of their growth.

            Examples:
              vector-bench build --base base.fbin --nlist 2048 --threads 2 --memory-limit 2048
              vector-bench build --base base.fbin --limit 100000 --json >>build.jsonl
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
        let machine = ProcessorTime.machineSeconds - ProcessorTime.seconds
        let processor = ProcessorTime.seconds
        let built = try await BenchStore.build(
            BenchStore.Rows(base: reader, limit: limit),
            directory: scratch.path,
            nlist: nlist,
            threads: threads,
            memoryLimit: memoryLimit.map { $0 << 20 }
        )
        let result = BuildResult(
            rows: count,
            dimension: reader.dimension,
            lists: try built.collection.statistics().nlist,
            phases: built.seconds,
            processorSeconds: ProcessorTime.seconds - processor,
            othersSeconds: max(0, ProcessorTime.machineSeconds - ProcessorTime.seconds - machine),
            diskRate: diskRate,
            diskBytes: built.byteCount,
            peak: memory.stop()
        )
        try await built.database.close()
        json ? print(try result.line(base: base).line) : result.printTable()
    }
}

/// What a build took.
private struct BuildResult {
    var rows: Int
    var dimension: Int
    var lists: Int
    var phases: [(name: String, seconds: Double)]
    var processorSeconds: Double
    var othersSeconds: Double
    /// Megabytes a second that the disk takes in sequence; nil when it was not asked.
    var diskRate: Double?
    var diskBytes: Int
    var peak: ResidentMemory

    private var seconds: Double { phases.reduce(0) { $0 + $1.seconds } }

    /// Megabytes of vectors a second that the import takes.
    private var importRate: Double {
        let seconds = phases.first { $0.name == "import" }?.seconds ?? 0
        return Double(rows * dimension * 4) / max(seconds, 1e-9) / 1e6
    }

    func line(base: String) throws -> BenchPoint {
        var line = BenchPoint(
            build: "ivfflat nlist \(lists)",
            params: [:],
            recalls: [:],
            qpsOne: nil,
            buildSeconds: seconds,
            bytes: diskBytes,
            k: 10,
            threads: 1,
            machine: Machine.line
        )
        line.buildProcessorSeconds = processorSeconds
        line.buildOthersSeconds = othersSeconds
        line.bytesPerVector = Double(diskBytes) / Double(rows)
        line.phases = Dictionary(phases.map { ($0.name, $0.seconds) }, uniquingKeysWith: +)
        line.importRate = importRate
        line.diskRate = diskRate
        line.peakBytes = Machine.peakResidentByteCount
        line.anonymousBytes = peak.anonymous
        line.data = try DataIdentity(
            name: URL(fileURLWithPath: base).deletingLastPathComponent().lastPathComponent,
            rows: rows,
            dimension: dimension,
            queryCount: 0,
            files: [base]
        )
        return line
    }

    func printTable() {
        print("# \(Machine.line)")
        print("rows \(rows), dimension \(dimension), lists \(lists)")
        for phase in phases { print("\(phase.name) \(Self.text(phase.seconds, 2)) s") }
        print(
            "together \(Self.text(seconds, 2)) s, \(Self.text(processorSeconds, 2)) s of processor "
                + "time; others had \(Self.text(othersSeconds, 2)) s meanwhile"
        )
        print("import \(Self.text(importRate, 0)) MB/s of vectors")
        if let diskRate {
            print(
                "disk \(Self.text(diskRate, 0)) MB/s written in sequence and synced; the import is "
                    + "\(Self.text(100 * importRate / diskRate, 0)) % of it"
            )
        }
        print(
            "anonymous memory at most \(peak.anonymous >> 20) MiB, pages of mapped files at most "
                + "\(peak.file >> 20) MiB"
        )
    }

    private static func text(_ value: Double, _ decimals: Int) -> String {
        String(format: "%.\(decimals)f", value)
    }
}
