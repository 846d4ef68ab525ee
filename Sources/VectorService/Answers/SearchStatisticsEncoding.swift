import VectorStore

/// Says what a search did, as JSON and in words.
enum SearchStatisticsEncoding {
    /// - Parameter isExplained: Adds what only a reader of the explanation wants.
    static func write(
        _ statistics: SearchStatistics,
        milliseconds: Double,
        searchMilliseconds: Double,
        isExplained: Bool,
        to writer: inout JSONWriter
    ) {
        writer.object { writer in
            writer.member("mode", statistics.mode.rawValue)
            switch statistics.exactness {
            case .exact: writer.member("exactness", "exact")
            case .estimated: writer.member("exactness", "estimated")
            case .truncated(let reason):
                writer.member("exactness", "truncated")
                writer.member("truncated_by", reason.rawValue)
            }
            writer.member("nlist", statistics.nlist)
            writer.member("nprobe", statistics.nprobe)
            writer.member("rows_scanned", statistics.rowsScanned)
            writer.member("codes_scanned", statistics.codesScanned)
            writer.member("estimated_recall", statistics.estimatedRecall)
            writer.member("lsn", statistics.lsn)
            writer.member("search_ms", thousandths: searchMilliseconds)
            writer.member("took_ms", thousandths: milliseconds)
            guard isExplained else { return }
            writer.member("lists_scanned", statistics.listsScanned)
            writer.member("blocks_scanned", statistics.blocksScanned)
            writer.member("byte_rows_scanned", statistics.byteRowsScanned)
            guard let profile = statistics.profile else { return }
            writer.key("phases_us")
            writer.object { writer in
                for phase in profile.phases {
                    writer.member(named: phase.name, rounded(phase.microseconds))
                }
            }
            writer.member("minor_faults", profile.minorFaults)
            writer.member("major_faults", profile.majorFaults)
        }
    }

    private static func rounded(_ number: Double) -> Double {
        (number * 1000).rounded() / 1000
    }

    static func explanation(of statistics: SearchStatistics, query: SearchQuery) -> String {
        let place =
            switch query.partitions {
            case .some(let partitions) where partitions.count == 1: "partition \(partitions[0])"
            case .some(let partitions): "\(partitions.count) partitions"
            case nil: "the whole collection"
            }
        let kernel = VectorDatabase.kernelTier
        let rows = "\(statistics.rowsScanned) rows by their float32 vectors (\(kernel) kernels)"
        let codes =
            statistics.codesScanned > 0
            ? "looked at \(statistics.codesScanned) codes and \(statistics.byteRowsScanned) int8 rows, "
            : statistics.byteRowsScanned > 0
                ? "looked at \(statistics.byteRowsScanned) int8 rows, " : ""
        let how =
            statistics.nprobe > 0
            ? "through up to \(statistics.nprobe) of \(statistics.nlist) posting lists"
            : "row by row"
        switch statistics.exactness {
        case .exact:
            return "Searched \(place) exactly: compared \(rows), so nothing nearer was missed."
        case .estimated:
            return "Searched \(place) \(how): \(codes)compared \(rows). The recall target was "
                + "\(query.recallTarget), the expected recall is \(statistics.estimatedRecall)."
        case .truncated:
            return "Searched \(place) \(how) until the time limit: \(codes)compared \(rows). "
                + "Nearer rows may be among those not reached; the expected recall is "
                + "\(statistics.estimatedRecall)."
        }
    }
}
