import ArgumentParser
import Evaluation
import Foundation
import Synchronization
import VectorStore

/// A failure that is shown as one line.
struct BenchError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }

    /// Recall of nothing is no number.
    static let noTruth = BenchError("none of the queries has a true neighbour")
}

/// A store built from a file of vectors, for one measurement.
struct BenchStore {
    let database: VectorDatabase
    let collection: VectorCollection
    let directory: String
    /// Named times of the build, in order.
    var seconds: [(name: String, seconds: Double)]
    /// The processor time of the build in scans of the yardstick, by its speeds before and after.
    var scans: Double?

    /// Seconds of the whole build; nil when the store was there already.
    var buildSeconds: Double? {
        seconds.isEmpty ? nil : seconds.reduce(0) { $0 + $1.seconds }
    }

    /// Bytes of the directory's files.
    var byteCount: Int {
        let files = FileManager.default.enumerator(atPath: directory)
        var sum = 0
        while let name = files?.nextObject() as? String {
            let attributes = try? FileManager.default.attributesOfItem(
                atPath: directory + "/" + name
            )
            sum += (attributes?[.size] as? Int) ?? 0
        }
        return sum
    }

    /// What the rows carry beside their vectors.
    struct Rows {
        var base: VectorFileReader
        /// Only the first so many rows.
        var limit: Int?
        var partitions: [UInt16]?
        /// Values of the attribute `rank`.
        var hasRank = false

        var count: Int { min(limit ?? base.count, base.count) }
    }

    /// Imports the rows as segments and builds the index; a store that holds as many rows already is
    /// used as it is, and its index too unless another `nlist` is asked for.
    ///
    /// - Parameters:
    ///   - threads: Threads that build; one a core by default.
    ///   - yardstick: What tells the speed of the machine during the build.
    ///   - liveRecallInterval: One search in so many is measured and corrects the next ones; by default
    ///     none, so that the last round of a measurement asks what the first did.
    static func build(
        _ rows: Rows,
        directory: String,
        nlist: Int?,
        threads: Int? = nil,
        yardstick: Yardstick? = nil,
        memoryLimit: Int? = nil,
        liveRecallInterval: Int = 0
    ) async throws -> BenchStore {
        let speed = { yardstick?.rate(threads: threads ?? Machine.coreCount, seconds: 0.25) }
        var speeds = [speed()]
        var processorSeconds = 0.0
        var processor = ProcessorTime.seconds
        var options = StoreOptions()
        options.automaticCompaction = false
        options.automaticIndexing = false
        options.liveRecallInterval = liveRecallInterval
        if let memoryLimit { options.memoryLimitBytes = memoryLimit }
        if let threads { options.maintenanceThreadCount = threads }
        let start = ContinuousClock.now
        let database = try await VectorDatabase.open(at: directory, options: options)
        let collection = try await database.createCollection(
            "bench",
            dimension: rows.base.dimension,
            partitionKey: rows.partitions == nil ? nil : "partition",
            attributes: rows.hasRank ? ["rank": .int64] : [:]
        )
        var state = try collection.statistics()
        var seconds: [(name: String, seconds: Double)] = []
        if state.rowCount == 0 {
            try await importRows(rows, into: collection)
            seconds.append((name: "import", seconds: elapsed(since: start)))
            processorSeconds += ProcessorTime.seconds - processor
            speeds.append(speed())
            processor = ProcessorTime.seconds
            state = try collection.statistics()
        }
        guard state.rowCount == rows.count else {
            throw BenchError(
                "\(directory) holds \(state.rowCount) rows, \(rows.base.path) "
                    + "\(rows.count); give another --store"
            )
        }
        if !seconds.isEmpty || state.indexGeneration == 0
            || nlist.map({ $0 != state.nlist }) == true
        {
            var rebuild = RebuildOptions()
            rebuild.nlist = nlist
            rebuild.isForced = true
            let report = try await collection.rebuildIndex(rebuild) { progress in
                Progress.show("build", progress.fraction)
                return true
            }
            Progress.end()
            seconds += report.seconds.map { ($0.name, $0.seconds) }
            processorSeconds += ProcessorTime.seconds - processor
            speeds.append(speed())
        }
        var store = BenchStore(
            database: database,
            collection: collection,
            directory: directory,
            seconds: seconds
        )
        let known = speeds.compactMap { $0 }
        if !seconds.isEmpty, !known.isEmpty {
            store.scans = processorSeconds * known.reduce(0, +) / Double(known.count)
        }
        return store
    }

    private static func importRows(
        _ rows: Rows,
        into collection: VectorCollection
    ) async throws {
        let source = RecordSource(rows)
        var options = ImportOptions()
        options.expectedRecordCount = rows.count
        options.expectsIndex = true
        try await collection.importRecords(options) {
            try source.next()
        } progress: { progress in
            Progress.show("import", Double(progress.recordCount) / Double(rows.count))
            return true
        }
        Progress.end()
    }

    /// A number from 0 to 9,999 that has nothing to do with the vector.
    static func rank(ofRow row: Int) -> Int64 {
        var mixed = UInt64(row) &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        return Int64((mixed ^ (mixed >> 27)) % 10_000)
    }
}

/// Makes records of rows, batch by batch.
final class RecordSource: Sendable {
    private let rows: BenchStore.Rows
    private let firstRow = Mutex(0)

    init(_ rows: BenchStore.Rows) {
        self.rows = rows
    }

    /// The next records; none at the end.
    func next() throws -> [Record] {
        let dimension = rows.base.dimension
        let batch = max(1, min(4_096, (8 << 20) / (dimension * 4 + 512)))
        let range = firstRow.withLock { first in
            let range = first..<min(rows.count, first + batch)
            first = range.upperBound
            return range
        }
        return try range.map { row in
            Record(
                id: .integer(UInt64(row)),
                vector: try rows.base.row(row),
                partition: rows.partitions.map { String($0[row]) },
                attributes: rows.hasRank ? ["rank": .int64(BenchStore.rank(ofRow: row))] : [:]
            )
        }
    }
}

/// Seconds since a moment.
func elapsed(since start: ContinuousClock.Instant) -> Double {
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return Double(seconds) + Double(attoseconds) * 1e-18
}

/// Progress on standard error: one line that is overwritten on a terminal, nothing otherwise.
enum Progress {
    private static let isTerminal = isatty(2) == 1

    static func show(_ what: String, _ fraction: Double) {
        guard isTerminal else { return }
        let text = "\r\(what) \(Int(fraction * 100)) % "
        FileHandle.standardError.write(Data(text.utf8))
    }

    static func end() {
        if isTerminal { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
    }
}

/// A directory of its own, removed at the end, or one that is kept.
struct ScratchDirectory {
    let path: String
    private let isKept: Bool

    /// - Parameters:
    ///   - kept: A directory to use and to keep, if there is one.
    ///   - parent: Where else to make one; the system's directory for temporary files by default.
    init(kept: String? = nil, parent: String?) {
        isKept = kept != nil
        if let kept {
            path = kept
            return
        }
        let parent = parent ?? NSTemporaryDirectory()
        path = parent + (parent.hasSuffix("/") ? "" : "/") + "vector-bench-" + UUID().uuidString
    }

    func remove() {
        if !isKept { try? FileManager.default.removeItem(atPath: path) }
    }
}
