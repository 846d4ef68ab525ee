import BenchReport
import Evaluation
import Foundation
import VectorStore

/// One figure as a JSON line, with the fields that comparisons of vector indexes share.
struct BenchPoint: Encodable {
    var peer = "vectorstore"
    var build: String
    var params: [String: Double]
    /// Absent when k is below 10.
    var recall10: Double?
    /// Recall by depth.
    var recalls: [String: Double]
    /// Recall at k, told where recall10 may be absent.
    var recall: Double?
    /// The share of the rows that pass the filter, and their number.
    var selectivity: Double?
    var matching: Int?
    /// Answers with fewer matches than there are rows to match.
    var shortAnswers: Int?
    /// Absent when nothing was searched.
    var qpsOne: Double?
    var qpsBatch: Double?
    /// Absent when the store was there already.
    var buildSeconds: Double?
    var bytes: Int
    var bytesPerVector: Double?
    /// Processor time of the build, and of everything else on the machine in the meantime.
    var buildProcessorSeconds: Double?
    var buildOthersSeconds: Double?
    /// From opening, with the files' pages dropped from memory, to the first answer.
    var firstSeconds: Double?
    /// By how much the index makes a process larger, mapped pages counted.
    var residentBytes: Int?
    /// Seconds by phase of the build.
    var phases: [String: Double] = [:]
    var k: Int
    var threads: Int
    /// Queries in one call of `qps_batch`; absent when all were.
    var batch: Int?
    var isCold = false
    /// Work of a query; absent in what other engines tell.
    var rowsScanned: Double?
    var codesScanned: Double?
    var lists: Double?
    var byteRowsScanned: Double?
    /// Mean microseconds of a search by phase.
    var searchPhases: [String: Double]?
    /// Page faults a query: `majorFaults` waited for the disk.
    var minorFaults: Double?
    var majorFaults: Double?
    var deciles: [Decile] = []
    /// Latencies in microseconds; absent where only whole passes were timed.
    var p50: Double?
    var p95: Double?
    var p99: Double?
    var machine: String
    /// Absent in figures of other engines' tables.
    var data: DataIdentity?
    /// Scans of the yardstick in a second of processor time, in the same rounds.
    ///
    /// The figures that follow are in its units: rates are queries a scan, latencies and the processor
    /// time of the build are scans. Absent without a yardstick.
    var yardstick: Double?
    var qpsOneRelative: Double?
    var qpsBatchRelative: Double?
    var p50Relative: Double?
    var p95Relative: Double?
    var p99Relative: Double?
    var buildRelative: Double?
    var rounds: Int?
    /// (fastest − slowest) / median of the rounds.
    var spread: Double?
    /// The most memory the process had, for import, build and measurement.
    ///
    /// Absent when the work is done in another process.
    var peakBytes: Int?
    /// The most memory of its own that the process had during the build, mapped files left out.
    var anonymousBytes: Int?
    /// Megabytes a second: vectors that the import took, and zeros that the disk took in sequence.
    var importRate: Double?
    var diskRate: Double?

    /// The queries whose partitions are of about one size.
    struct Decile: Encodable {
        var decile: Int
        var rows: [Int]
        var queries: Int
        var recall: Double
        var microseconds: Double

        enum CodingKeys: String, CodingKey {
            case decile
            case rows
            case queries
            case recall
            case microseconds = "mean_us"
        }
    }

    enum CodingKeys: String, CodingKey {
        case peer
        case build
        case params
        case recall10
        case recalls
        case recall
        case selectivity
        case matching
        case shortAnswers = "short_answers"
        case qpsOne = "qps_one"
        case qpsBatch = "qps_batch"
        case buildSeconds = "build_s"
        case buildProcessorSeconds = "build_cpu_s"
        case buildOthersSeconds = "build_others_s"
        case firstSeconds = "first_s"
        case residentBytes = "resident_bytes"
        case bytes
        case bytesPerVector = "bytes_per_vector"
        case phases = "build_phases_s"
        case k
        case threads
        case batch
        case isCold = "cold"
        case rowsScanned = "rows_scanned"
        case codesScanned = "codes_scanned"
        case lists
        case byteRowsScanned = "byte_rows_scanned"
        case searchPhases = "phases_us"
        case minorFaults = "minor_faults"
        case majorFaults = "major_faults"
        case deciles
        case p50 = "p50_us"
        case p95 = "p95_us"
        case p99 = "p99_us"
        case machine
        case data
        case yardstick = "yardstick_qps"
        case qpsOneRelative = "qps_one_rel"
        case qpsBatchRelative = "qps_batch_rel"
        case p50Relative = "p50_rel"
        case p95Relative = "p95_rel"
        case p99Relative = "p99_rel"
        case buildRelative = "build_rel"
        case rounds
        case spread
        case peakBytes = "peak_bytes"
        case anonymousBytes = "anonymous_bytes"
        case importRate = "import_mb_s"
        case diskRate = "disk_mb_s"
    }

    var line: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}

extension BenchPoint {
    /// A measured point of a store of ours.
    ///
    /// - Parameter threads: Threads that searched.
    init(
        _ point: Measurement.Point,
        k: Int,
        threads: Int,
        store: BenchStore,
        count: Int,
        data: DataIdentity
    ) {
        let nlist = (try? store.collection.statistics().nlist) ?? 0
        let bytes = store.byteCount
        self.init(
            point,
            build: "ivfflat nlist \(nlist)",
            k: k,
            threads: threads,
            buildSeconds: store.buildSeconds,
            bytes: bytes
        )
        bytesPerVector = Double(bytes) / Double(count)
        phases = Dictionary(store.seconds.map { ($0.name, $0.seconds) }, uniquingKeysWith: +)
        buildRelative = store.scans
        peakBytes = Machine.peakResidentByteCount
        self.data = data
    }

    /// A measured point of any engine.
    init(
        _ point: Measurement.Point,
        build: String,
        k: Int,
        threads: Int,
        buildSeconds: Double?,
        bytes: Int
    ) {
        self.init(
            build: build,
            params: point.parameters,
            recall10: point.recalls.first { $0.depth == 10 }?.recall,
            recalls: Dictionary(
                uniqueKeysWithValues: point.recalls.map { ("\($0.depth)", $0.recall) }
            ),
            qpsOne: point.queriesPerSecond,
            qpsBatch: point.batchQueriesPerSecond,
            buildSeconds: buildSeconds,
            bytes: bytes,
            k: k,
            threads: threads,
            rowsScanned: point.rowsScanned,
            codesScanned: point.codesScanned,
            lists: point.lists,
            byteRowsScanned: point.byteRowsScanned,
            minorFaults: point.minorFaults,
            majorFaults: point.majorFaults,
            deciles: point.deciles.map {
                Decile(
                    decile: $0.group + 1,
                    rows: [$0.sizes.lowerBound, $0.sizes.upperBound],
                    queries: $0.queries,
                    recall: $0.recall,
                    microseconds: $0.microseconds
                )
            },
            p50: point.p50,
            p95: point.p95,
            p99: point.p99,
            machine: Machine.line
        )
        if !point.phases.isEmpty {
            searchPhases = Dictionary(
                uniqueKeysWithValues: point.phases.map { ($0.name, $0.microseconds) }
            )
        }
        shortAnswers = point.shortAnswers
        rounds = point.rounds
        spread = point.spread
        guard let relative = point.relative else { return }
        yardstick = relative.yardstick
        qpsOneRelative = relative.queriesPerScan
        qpsBatchRelative = relative.batchQueriesPerScan
        (p50Relative, p95Relative, p99Relative) = (relative.p50, relative.p95, relative.p99)
    }
}
