import BenchReport
import Foundation

/// The rows of `vector-bench flat`, as a table.
enum FlatTable {
    static func printHead(dimension: Int, k: Int) {
        print("# \(Machine.line)")
        print("# dimension \(dimension), k \(k), one thread; FAISS is IndexFlatIP, float32")
        print(
            "    rows   recall    FAISS       QPS    FAISS   ratio      turns  without call"
                + "   p99 µs    FAISS     batch    FAISS   ratio"
        )
    }

    static func printRow(_ result: FlatComparison.Result) {
        print(
            String(
                format: "%8d   %.4f   %.4f  %8.0f %8.0f  %6.1f  %4.1f–%-5.1f %12.1f"
                    + " %8.0f %8.0f  %8.0f %8.0f  %6.1f",
                result.rowCount,
                result.ours.recall,
                result.peer.recall,
                result.ours.rate,
                result.peer.rate,
                result.ratio,
                result.range.lowerBound,
                result.range.upperBound,
                result.ratioWithoutCall,
                result.ours.p99,
                result.peer.p99,
                result.ours.batchRate,
                result.peer.batchRate,
                result.batchRatio
            )
        )
        let work = result.work
        let phases = result.phases.map {
            "\($0.name) \(String(format: "%.1f", $0.microseconds))"
        }
        print(
            String(
                format: "#   codes %.0f, int8 rows %.0f, float32 rows %.0f; µs by phase: ",
                work.codes,
                work.byteRows,
                work.rows
            ) + phases.joined(separator: ", ")
        )
    }
}

extension FlatComparison.Result {
    /// A line for each side.
    func lines(k: Int, data: DataIdentity) -> [BenchPoint] {
        [("vectorstore", ours), ("faiss-flat", peer)].map { name, side in
            var line = BenchPoint(
                build: name == "vectorstore" ? "one partition" : "Flat",
                params: ["partition_rows": Double(rowCount)],
                recall10: k == 10 ? side.recall : nil,
                recalls: ["\(k)": side.recall],
                recall: side.recall,
                qpsOne: side.rate,
                qpsBatch: side.batchRate,
                bytes: 0,
                k: k,
                threads: 1,
                p50: side.p50,
                p99: side.p99,
                machine: Machine.line
            )
            line.peer = name
            line.data = data
            return line
        }
    }
}
