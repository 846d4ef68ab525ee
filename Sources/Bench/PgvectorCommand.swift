import ArgumentParser
import BenchReport
import Evaluation
import Foundation
import PostgresPool
import VectorStore

/// `vector-bench pgvector`: the same queries through pgvector as found, mended, and through the store.
struct PgvectorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pgvector",
        abstract: "Compare pgvector as usually found, pgvector mended, and this store.",
        discussion: """
            The table goes into a schema of its own, vector_bench, which is dropped at the end. Every \
            line has the fields of the other comparisons, one query at a time.

            Example:
              vector-bench pgvector --url postgresql:///postgres --base base.fbin \
            --queries queries.fbin --truth truth10_by_creator_prop.ibin \
            --partitions creators.u16bin --query-partitions query_creators_prop.u16bin
            """
    )

    @Option(help: "The Postgres with pgvector, as libpq takes it.")
    var url: String

    @Option(help: "The vectors to store.")
    var base: String

    @Option(help: "The query vectors.")
    var queries: String

    @Option(help: "The true neighbours.")
    var truth: String

    @Option(help: "The partition (creator) of each row, as UInt16.")
    var partitions: String?

    @Option(help: "The partition of each query, as UInt16; each is then searched in its own.")
    var queryPartitions: String?

    @Option(name: .short, help: "Neighbours to find.")
    var k = 10

    @Option(help: "Use only the first queries.")
    var queryLimit = 300

    @Option(help: "Where the temporary store goes.")
    var scratch: String?

    func validate() throws {
        guard k > 0, queryLimit > 0 else {
            throw ValidationError("k and query-limit must be at least 1")
        }
        guard (partitions == nil) == (queryPartitions == nil) else {
            throw ValidationError("--partitions and --query-partitions go together")
        }
    }

    func run() async throws {
        let reader = try VectorFileReader(base)
        let workload = try PgvectorWorkload(self, rows: reader)
        let rowPartitions = try partitions.map { try PartitionFile.read($0, count: reader.count) }
        let data = try DataIdentity(
            base: base,
            queries: queries,
            others: [truth, partitions, queryPartitions],
            rows: reader.count,
            dimension: reader.dimension,
            queryCount: workload.count
        )
        let table = PgvectorTable(url: url)
        try await table.fill(reader, partitions: rowPartitions)
        try await asFound(table, workload, data)
        try await mended(table, workload, data)
        try await table.drop()
        try await ours(BenchStore.Rows(base: reader, partitions: rowPartitions), data)
    }

    /// The function that sorts by similarity, no index, a connection for each query.
    private func asFound(
        _ table: PgvectorTable,
        _ workload: PgvectorWorkload,
        _ data: DataIdentity
    ) async throws {
        // A scan of the whole table a query: some of them fill the cache as well as all would.
        let run = try await workload.run(warmUp: 20) { parameters in
            let pool = table.pool(count: 1)
            let rows = try await pool.query(
                "select id from match_video_chunks($1::vector, $2::int, -2, $3::int)",
                parameters
            )
            await pool.close()
            return rows
        }
        show(
            run.point(peer: "pgvector-as-found", build: "function, no index", [:], nil),
            bytes: try await table.byteCount(),
            data
        )
    }

    /// The function that orders by the operator, an index, pooled connections.
    private func mended(
        _ table: PgvectorTable,
        _ workload: PgvectorWorkload,
        _ data: DataIdentity
    ) async throws {
        let lists = max(1, data.rows / 1_000)
        let kinds: [(peer: String, definition: String, settings: [[String: String]])] = [
            ("pgvector-exact", "(creator_id)", [[:]]),
            (
                "pgvector-ivfflat",
                "using ivfflat (embedding vector_cosine_ops) with (lists=\(lists))",
                [1, 4, 11, 32].filter { $0 <= lists }.map {
                    ["ivfflat.probes": "\($0)", "ivfflat.iterative_scan": "relaxed_order"]
                }
            ),
            (
                "pgvector-hnsw", "using hnsw (embedding vector_cosine_ops)",
                [40, 100, 200].map {
                    ["hnsw.ef_search": "\($0)", "hnsw.iterative_scan": "strict_order"]
                }
            ),
        ]
        for kind in kinds {
            let seconds = try await table.index(kind.definition)
            for settings in kind.settings {
                let forced = settings.merging(["enable_seqscan": "off", "jit": "off"]) { $1 }
                let pool = table.pool(forced)
                let statement =
                    "select id from match_video_chunks_mended($1::vector, $2::int, -2, $3::int)"
                let run = try await workload.run { try await pool.query(statement, $0) }
                await pool.close()
                let numbers = settings.compactMapValues(Double.init)
                show(
                    run.point(peer: kind.peer, build: kind.definition, numbers, seconds),
                    bytes: try await table.byteCount(),
                    data
                )
            }
        }
    }

    /// The same queries through the library.
    private func ours(_ rows: BenchStore.Rows, _ data: DataIdentity) async throws {
        let directory = ScratchDirectory(parent: scratch)
        defer { directory.remove() }
        let store = try await BenchStore.build(rows, directory: directory.path, nlist: nil)
        let reader = try VectorFileReader(queries)
        let measurement = try Measurement(
            queries: reader,
            truth: TruthFile(truth, rowCount: rows.base.count),
            k: k,
            limit: queryLimit,
            partitions: try queryPartitions.map {
                try PartitionFile.read($0, count: reader.count)
            }
        )
        for target in [0.9, 0.95, 0.99, 1] {
            let point = try measurement.run(
                store.collection,
                target: .recall(target),
                load: Measurement.Load(threads: 1, rounds: 3)
            )
            var line = BenchPoint(
                point,
                k: k,
                threads: 1,
                store: store,
                count: rows.base.count,
                data: data
            )
            line.build = "library"
            print(line.line)
        }
        try await store.database.close()
    }

    private func show(_ point: BenchPoint, bytes: Int, _ data: DataIdentity) {
        var point = point
        point.bytes = bytes
        point.data = data
        print(point.line)
        fflush(nil)  // A run takes minutes; its lines are of use as they come.
    }
}

/// The queries as parameters of a statement, and their true answers.
struct PgvectorWorkload {
    private let parameters: [[PostgresParameter]]
    private let truth: TruthFile
    private let k: Int

    /// Queries in one pass.
    var count: Int { parameters.count }

    init(_ command: PgvectorCommand, rows: VectorFileReader) throws {
        let reader = try VectorFileReader(command.queries)
        let dimension = rows.dimension
        truth = try TruthFile(command.truth, rowCount: rows.count)
        k = command.k
        let k = k
        guard reader.dimension == dimension, truth.queryCount == reader.count, truth.k >= k else {
            throw BenchError("base, queries and truth do not fit each other, or k is too large")
        }
        guard truth.hasNeighbours(ofFirst: command.queryLimit) else { throw BenchError.noTruth }
        let floats = try reader.readAll()
        let creators = try command.queryPartitions.map {
            try PartitionFile.read($0, count: reader.count)
        }
        parameters = (0..<min(command.queryLimit, reader.count)).map { query in
            [
                PostgresParameter(vector: floats[query * dimension..<(query + 1) * dimension]),
                creators.map { PostgresParameter($0[query]) } ?? nil,
                PostgresParameter(k),
            ]
        }
    }

    /// What some passes over the queries gave.
    struct Run {
        var recall = 0.0
        /// Of each pass.
        var seconds: [Double] = []
        var latencies = Latencies()
        var count = 0
        var k: Int

        func point(
            peer: String,
            build: String,
            _ params: [String: Double],
            _ buildSeconds: Double?
        ) -> BenchPoint {
            BenchPoint(
                peer: peer,
                build: build,
                params: params,
                recall10: k == 10 ? recall : nil,
                recalls: ["\(k)": recall],
                qpsOne: Double(count) / Percentile.median(of: seconds),
                buildSeconds: buildSeconds,
                bytes: 0,
                k: k,
                threads: 1,
                p50: latencies.microseconds(percentile: 50),
                p95: latencies.microseconds(percentile: 95),
                p99: latencies.microseconds(percentile: 99),
                machine: Machine.line
            )
        }
    }

    /// Measured passes, as many as the store's rounds; the median rate counts.
    private static let passes = 3

    /// One pass that is not measured, then those that are.
    ///
    /// - Parameter warmUp: The queries of the first pass; all of them by default.
    func run(
        warmUp: Int? = nil,
        _ query: ([PostgresParameter]) async throws -> PostgresRows
    ) async throws -> Run {
        for parameters in parameters.prefix(warmUp ?? count) { _ = try await query(parameters) }
        var run = Run(count: parameters.count, k: k)
        for _ in 0..<Self.passes {
            var (passed, found): (Double, [[Int]]) = (0, [])
            for parameters in parameters {
                let start = ContinuousClock.now
                let rows = try await query(parameters)
                let seconds = elapsed(since: start)
                passed += seconds
                run.latencies.record(nanoseconds: UInt64(seconds * 1e9))
                found.append(try rows.map { try $0.value("id", as: Int.self) ?? -1 })
            }
            run.seconds.append(passed)
            run.recall = Recall.mean(k, found: found, truth: truth) ?? 0
        }
        return run
    }
}
