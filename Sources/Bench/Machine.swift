import BenchReport
import Foundation
import VectorStore

/// The machine and the build that a figure belongs to.
enum Machine {
    static var line: String {
        "\(cpu), \(ProcessInfo.processInfo.activeProcessorCount) cores, kernels "
            + "\(VectorDatabase.kernelTier), commit \(commit), "
            + Date.now.formatted(.iso8601.year().month().day())
    }

    static var cpu: String {
        guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else {
            return "unknown processor"
        }
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last.map {
            $0.trimmingCharacters(in: .whitespaces)
        } ?? "unknown processor"
    }

    /// The commit of the working directory, if it is a checkout.
    static var commit: String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["git", "rev-parse", "--short", "HEAD"]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return "unknown" }
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(
            in: .whitespacesAndNewlines
        )
        return text.isEmpty ? "unknown" : text
    }

    /// The largest resident set of this process so far, in bytes.
    static var peakResidentByteCount: Int { status("VmHWM:") }

    private static func status(_ key: String) -> Int {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix(key) })
        else { return 0 }
        return
            (line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
            ?? 0) * 1_024
    }
}

/// One figure as a JSON line, with the fields that comparisons of vector indexes share.
struct BenchPoint: Encodable {
    var peer = "vectorstore"
    var build: String
    var params: [String: Double]
    /// Absent when k is below 10.
    var recall10: Double?
    /// Recall by depth.
    var recalls: [String: Double]
    var qpsOne: Double
    var qpsBatch: Double?
    /// Absent when the store was there already.
    var buildSeconds: Double?
    var bytes: Int
    var bytesPerVector: Double?
    /// Seconds by phase of the build.
    var phases: [String: Double] = [:]
    var k: Int
    var threads: Int
    /// Queries in one call of `qps_batch`; absent when all were.
    var batch: Int?
    var isCold = false
    var rowsScanned: Double
    var codesScanned = 0.0
    var lists = 0.0
    /// Page faults a query: `majorFaults` waited for the disk.
    var minorFaults = 0.0
    var majorFaults = 0.0
    var deciles: [Decile] = []
    var p50: Double
    var p95: Double
    var p99: Double
    var machine: String
    /// Absent in figures of other engines' tables.
    var data: DataIdentity?
    /// The most memory the process had, for import, build and measurement.
    ///
    /// Absent when the work is done in another process.
    var peakBytes: Int?

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
        case qpsOne = "qps_one"
        case qpsBatch = "qps_batch"
        case buildSeconds = "build_s"
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
        case minorFaults = "minor_faults"
        case majorFaults = "major_faults"
        case deciles
        case p50 = "p50_us"
        case p95 = "p95_us"
        case p99 = "p99_us"
        case machine
        case data
        case peakBytes = "peak_bytes"
    }

    var line: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
