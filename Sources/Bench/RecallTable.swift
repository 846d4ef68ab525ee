import BenchReport
import Evaluation
import Foundation
import VectorStore

/// The points of `vector-bench recall`, as a table or as JSON lines.
struct RecallTable {
    let command: RecallCommand
    let store: BenchStore
    let count: Int
    let data: DataIdentity

    private var build: String {
        let nlist = (try? store.collection.statistics().nlist) ?? 0
        return "ivfflat nlist \(nlist)"
    }

    func printHead() {
        let phases = store.seconds.map { "\($0.name) \(String(format: "%.2f", $0.seconds))" }
        print("# \(Machine.line)")
        print(
            "# \(count) × \(store.collection.configuration.dimension), \(build), k \(command.k), "
                + "\(command.threads) thread\(command.threads == "1" ? "" : "s")"
                + (command.cold ? ", cold" : "")
        )
        print(
            "# build s: \(phases.isEmpty ? "none, the store was there" : phases.joined(separator: ", "))"
        )
        print(
            "# bytes on disk \(store.byteCount), \(store.byteCount / count) a vector, "
                + "peak resident \(Machine.peakResidentByteCount)"
        )
        print(
            "target   "
                + Measurement.depths(command.k).map { Self.right("recall@\($0)", 11) }.joined()
                + "      QPS   spread  QPS batch   p50 µs   p95 µs   p99 µs"
                + "   rows   codes  lists  major faults"
        )
    }

    func printRow(_ point: Measurement.Point) {
        let target = point.label.padding(toLength: 9, withPad: " ", startingAt: 0)
        let recalls = point.recalls.map { Self.right(String(format: "%.4f", $0.recall), 11) }
        print(
            target + recalls.joined()
                + String(
                    format: " %8.0f %7.1f%% %10.0f %8.0f %8.0f %8.0f %6.0f %7.0f %6.1f %13.2f",
                    point.queriesPerSecond,
                    point.spread * 100,
                    point.batchQueriesPerSecond ?? 0,
                    point.p50,
                    point.p95,
                    point.p99,
                    point.rowsScanned,
                    point.codesScanned,
                    point.lists,
                    point.majorFaults
                )
        )
        if point.phases.contains(where: { $0.microseconds > 0 }) {
            let phases = point.phases.map {
                "\($0.name) \(String(format: "%.1f", $0.microseconds))"
            }
            print("#   µs by phase: " + phases.joined(separator: ", "))
        }
        printDeciles(point.deciles)
    }

    private func printDeciles(_ deciles: [PartitionDeciles.Score]) {
        // Of equals in recall the slowest.
        let worst = deciles.min { ($0.recall, -$0.microseconds) < ($1.recall, -$1.microseconds) }
        for score in deciles {
            print(
                "#   decile \(score.group + 1), \(score.sizes.lowerBound) to "
                    + "\(score.sizes.upperBound) rows, \(score.queries) queries: "
                    + String(
                        format: "recall@%d %.4f, mean %.0f µs",
                        command.k,
                        score.recall,
                        score.microseconds
                    )
                    + (score.group == worst?.group ? "  (worst)" : "")
            )
        }
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    func point(_ point: Measurement.Point) -> BenchPoint {
        var line = BenchPoint(
            point,
            k: command.k,
            threads: command.threadCount ?? 1,
            store: store,
            count: count,
            data: data
        )
        line.batch = command.batch
        line.isCold = command.cold
        return line
    }
}
