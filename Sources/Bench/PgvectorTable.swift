import Evaluation
import PostgresPool
import Synchronization

/// The rows in Postgres, in a schema of the bench's own.
struct PgvectorTable {
    static let schema = "vector_bench"

    let url: String

    /// The URL with settings of the session.
    func url(_ settings: [String: String]) -> String {
        let all = settings.merging(["search_path": "\(Self.schema),public"]) { $1 }
        let options = all.sorted { $0.key < $1.key }
            .map { "-c%20\($0.key)%3D\($0.value)" }.joined(separator: "%20")
        return url + (url.contains("?") ? "&" : "?") + "options=" + options
    }

    func pool(_ settings: [String: String] = [:], count: Int = 8) -> PostgresPool {
        var configuration = PoolConfiguration(url: url(settings))
        configuration.maximumCount = count
        configuration.minimumIdleCount = 0
        configuration.statementTimeout = .seconds(1_800)
        configuration.leakThreshold = .seconds(3_600)
        return PostgresPool(configuration)
    }

    /// Makes the table, its usual function and a mended one, and copies the rows in.
    func fill(_ base: VectorFileReader, partitions: [UInt16]?) async throws {
        let isPartitioned = partitions != nil
        let pool = pool(count: 1)
        for statement in [
            "create extension if not exists vector",
            "drop schema if exists \(Self.schema) cascade",
            "create schema \(Self.schema)",
            """
            create table video_chunks(id int primary key, creator_id int not null,
                embedding vector(\(base.dimension)) not null)
            """,
            "alter table video_chunks alter embedding set storage plain",
            """
            create function match_video_chunks(query_embedding vector, filter_creator_id int,
                match_threshold float, match_count int)
            returns table(id int, similarity float) language sql stable as $$
                select c.id, 1 - (c.embedding <=> query_embedding) as similarity
                from video_chunks c
                where (filter_creator_id is null or c.creator_id = filter_creator_id)
                    and 1 - (c.embedding <=> query_embedding) > match_threshold
                order by similarity desc limit match_count $$
            """,
            """
            create function match_video_chunks_mended(query_embedding vector,
                filter_creator_id int, match_threshold float, match_count int)
            returns table(id int, similarity float) language sql stable as $$
                select c.id, 1 - (c.embedding <=> query_embedding) as similarity
                from video_chunks c
                where \(isPartitioned ? "c.creator_id = filter_creator_id" : "true")
                    and c.embedding <=> query_embedding < 1 - match_threshold
                order by c.embedding <=> query_embedding limit match_count $$
            """,
        ] { _ = try await pool.query(statement) }
        let source = CopySource(base: base, partitions: partitions)
        let copied = try await pool.withConnection { connection in
            try await connection.copy(
                into: "copy video_chunks from stdin (format binary)",
                next: source.next
            )
        }
        if let failure = source.failure { throw failure }
        guard copied == base.count else {
            throw BenchError("\(copied) rows copied, \(base.count) expected")
        }
        _ = try await pool.query("vacuum analyze video_chunks")
        await pool.close()
    }

    /// Makes the one index of the table; returns the seconds it took.
    func index(_ definition: String) async throws -> Double {
        let pool = pool(["maintenance_work_mem": "1GB"], count: 1)
        _ = try await pool.query("drop index if exists chunks_index")
        let start = ContinuousClock.now
        _ = try await pool.query("create index chunks_index on video_chunks \(definition)")
        let seconds = elapsed(since: start)
        _ = try await pool.query("analyze video_chunks")
        await pool.close()
        return seconds
    }

    func byteCount() async throws -> Int {
        let pool = pool(count: 1)
        let rows = try await pool.query("select pg_total_relation_size('video_chunks') as n")
        await pool.close()
        return try rows[0].value("n", as: Int.self) ?? 0
    }

    func drop() async throws {
        let pool = pool(count: 1)
        _ = try await pool.query("drop schema \(Self.schema) cascade")
        await pool.close()
    }
}

/// Rows in the form of `COPY … (FORMAT BINARY)`: everything big-endian.
private final class CopySource: Sendable {
    private let base: VectorFileReader
    private let partitions: [UInt16]?
    private let place = Mutex(0)
    private let failed = Mutex<DatasetError?>(nil)
    private static let rowsInPiece = 512

    init(base: VectorFileReader, partitions: [UInt16]?) {
        self.base = base
        self.partitions = partitions
    }

    /// Why the pieces ended early, if they did.
    var failure: DatasetError? { failed.withLock { $0 } }

    @Sendable func next() -> [UInt8]? {
        let first = place.withLock { place in
            defer { place += Self.rowsInPiece }
            return place
        }
        guard first < base.count else { return nil }
        let range = first..<min(base.count, first + Self.rowsInPiece)
        var bytes: [UInt8] = []
        if first == 0 {
            bytes += Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0]
            bytes += [UInt8](repeating: 0, count: 8)
        }
        let dimension = base.dimension
        var floats = [Float](repeating: 0, count: range.count * dimension)
        do throws(DatasetError) {
            try floats.withUnsafeMutableBufferPointer { (buffer) throws(DatasetError) in
                guard let target = buffer.baseAddress else { return }
                try base.read(rows: range, into: target)
            }
        } catch {
            failed.withLock { $0 = error }
            return nil
        }
        for row in range {
            append(Int16(3), to: &bytes)
            append(Int32(4), to: &bytes)
            append(Int32(row), to: &bytes)
            append(Int32(4), to: &bytes)
            append(Int32(partitions?[row] ?? 0), to: &bytes)
            append(Int32(4 + 4 * dimension), to: &bytes)
            append(Int16(dimension), to: &bytes)
            append(Int16(0), to: &bytes)
            for value in floats[(row - first) * dimension..<(row - first + 1) * dimension] {
                append(value.bitPattern, to: &bytes)
            }
        }
        if range.upperBound == base.count { append(Int16(-1), to: &bytes) }
        return bytes
    }

    private func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }
}
