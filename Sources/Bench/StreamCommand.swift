import ArgumentParser
import Evaluation
import Foundation
import VectorStore

/// `vector-bench stream`: the rate of a code scan beside the rate at which memory can be read.
struct StreamCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream",
        abstract: "Compare the scan of codes with the rate at which one thread reads memory.",
        discussion: """
            Reading: the sum of all words of a buffer four times as large as the last cache, in the \
            widest registers. Scanning: the posting lists of an index whose codes fill such a buffer, \
            list by list in the order of a query, by the search itself, with a threshold that no row \
            passes. Both in turns, one thread, the median of the rounds; counted are the bytes of the \
            codes alone, not those of the row numbers that are asked for beside them. The same for \
            codes that stay in the second cache says what the scan can do when it need not wait.

            Exit code 1 when the share is below --least.

            Example:
              vector-bench stream --dimension 768 --least 70
            """
    )

    @Option(name: [.long, .short], help: "Coordinates of the rows.")
    var dimension = 768

    @Option(help: "Rows of a list.")
    var listRows = 640

    @Option(
        help: ArgumentHelp("The last cache; what the system says by default.", valueName: "MiB")
    )
    var cache: Int?

    @Option(help: "Rounds; the median counts.")
    var rounds = 15

    @Option(help: ArgumentHelp("The least share that will do.", valueName: "percent"))
    var least: Double?

    @Flag(help: "Print one JSON line.")
    var json = false

    func validate() throws {
        guard dimension > 0, listRows > 0, rounds > 0, (cache ?? 1) > 0 else {
            throw ValidationError("dimension, list-rows, rounds and cache must be at least 1")
        }
    }

    func run() throws {
        let cacheBytes = try cache.map { $0 << 20 } ?? Self.lastCacheByteCount()
        let large = CodeStream(
            dimension: dimension,
            byteCount: 4 * cacheBytes,
            listRows: listRows
        )
        let small = CodeStream(dimension: dimension, byteCount: 512 << 10, listRows: listRows)
        var (reads, scans, near): ([Double], [Double], [Double]) = ([], [], [])
        _ = (large.read(seconds: 0.1), large.scan(seconds: 0.1), small.scan(seconds: 0.1))
        for _ in 0..<rounds {
            reads.append(large.read(seconds: 0.1))
            scans.append(large.scan(seconds: 0.1))
            near.append(small.scan(seconds: 0.05))
        }
        let shares = zip(scans, reads).map { 100 * $0 / $1 }
        let share = Percentile.median(of: shares)
        let values = [reads, scans, near].map { Percentile.median(of: $0) / 1e9 }
        let spread = (shares.min() ?? 0, shares.max() ?? 0)
        if json {
            print(
                String(
                    format: "{\"dimension\": %d, \"cache_bytes\": %d, \"code_bytes\": %d, "
                        + "\"register_bits\": %d, \"read_gb_s\": %.2f, \"scan_gb_s\": %.2f, "
                        + "\"scan_near_gb_s\": %.2f, \"share_percent\": %.1f}",
                    dimension,
                    cacheBytes,
                    large.byteCount,
                    CodeStream.registerBits,
                    values[0],
                    values[1],
                    values[2],
                    share
                )
            )
        } else {
            print("# \(Machine.line)")
            print(
                "last cache \(cacheBytes >> 20) MiB, codes \(large.byteCount >> 20) MiB in "
                    + "\(large.listCount) lists, dimension \(dimension)"
            )
            print(
                String(
                    format: "memory read   %6.2f GB/s, %d-bit sums",
                    values[0],
                    CodeStream.registerBits
                )
            )
            print(String(format: "code scan     %6.2f GB/s of codes", values[1]))
            print(String(format: "in near cache %6.2f GB/s of codes", values[2]))
            print(
                String(
                    format: "share         %6.1f %% (%.1f to %.1f in %d rounds)",
                    share,
                    spread.0,
                    spread.1,
                    rounds
                )
            )
        }
        if let least, share < least {
            throw BenchError(
                "the scan reaches \(Int(share)) % of the read rate, \(least) % asked for"
            )
        }
    }

    /// The size of the last cache of the first processor.
    static func lastCacheByteCount() throws -> Int {
        for level in [3, 2] {
            let path = "/sys/devices/system/cpu/cpu0/cache/index\(level)/size"
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { continue }
            let size = text.trimmingCharacters(in: .whitespacesAndNewlines)
            guard let number = Int(size.dropLast()) else { continue }
            switch size.last {
            case "K": return number << 10
            case "M": return number << 20
            default: continue
            }
        }
        throw BenchError("the size of the last cache is not known here; give --cache")
    }
}
