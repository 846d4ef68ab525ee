import Foundation

/// One line of a result file: what one engine did at one point of a sweep.
///
/// Fields that are unknown are ignored; a field that is known must have its type. Every field but
/// `peer` may be absent, because an engine tells what it measured and no more.
package struct ResultLine: Decodable, Sendable {
    /// The engine.
    package var peer: String
    /// How the index was built, in the engine's words.
    package var build: String?
    /// What the point asked of the search.
    package var params: [String: Double]
    package var k: Int?
    package var threads: Int?
    /// Queries in one call of the batch figure.
    package var batch: Int?
    /// Whether the pages of the store were dropped before each call.
    package var isCold = false
    /// The share of the rows that pass a filter.
    package var selectivity: Double?
    /// The operation of a load, such as `search`.
    package var operation: String?
    /// Operations a second that a load offered.
    package var offeredRate: Double?
    package var machine: String?
    package var data: DataIdentity?
    /// The measured values by the name they have in the file.
    package var figures: [String: Double]

    /// Numbers that identify nothing and are compared, in the order of the table.
    package static let figureNames = [
        "recall10", "recall", "qps_one", "qps_one_rel", "qps_batch", "qps_batch_rel", "rate",
        "p50_us", "p50_rel", "p75_us", "p90_us", "p95_us", "p95_rel", "p99_us", "p99_rel",
        "p999_us", "max_us", "errors", "short_answers", "rows_scanned", "codes_scanned",
        "byte_rows_scanned", "lists",
        "minor_faults", "major_faults", "matching", "yardstick_qps", "build_s", "build_rel",
        "build_cpu_s", "build_others_s", "bytes", "bytes_per_vector", "peak_bytes",
        "resident_bytes", "first_s", "anonymous_bytes", "import_mb_s", "disk_mb_s",
    ]

    /// The figures that do not depend on how fast the machine is at the moment, which two runs of the
    /// same program must therefore agree in.
    package static let repeatableNames: Set<String> = [
        "recall10", "recall", "qps_one_rel", "qps_batch_rel", "p50_rel", "p95_rel", "p99_rel",
        "short_answers", "rows_scanned", "codes_scanned", "byte_rows_scanned", "lists", "matching",
        "build_rel",
        "bytes", "bytes_per_vector", "peak_bytes",
    ]

    /// What is told of a build, and repeated in every line of it.
    static let namesOfBuild = [
        "build_s", "build_rel", "build_cpu_s", "build_others_s", "bytes", "bytes_per_vector",
        "peak_bytes", "resident_bytes", "first_s", "anonymous_bytes", "import_mb_s", "disk_mb_s",
    ]

    package init(
        peer: String,
        params: [String: Double] = [:],
        figures: [String: Double] = [:]
    ) {
        self.peer = peer
        self.params = params
        self.figures = figures
    }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: FieldName.self)
        peer = try fields.decode(String.self, forKey: "peer")
        build = try fields.decodeIfPresent(String.self, forKey: "build")
        params = try fields.decodeIfPresent([String: Double].self, forKey: "params") ?? [:]
        k = try fields.integer("k")
        threads = try fields.integer("threads")
        batch = try fields.integer("batch")
        isCold = try fields.decodeIfPresent(Bool.self, forKey: "cold") ?? false
        selectivity = try fields.decodeIfPresent(Double.self, forKey: "selectivity")
        operation = try fields.decodeIfPresent(String.self, forKey: "operation")
        offeredRate = try fields.decodeIfPresent(Double.self, forKey: "offered_rate")
        machine = try fields.decodeIfPresent(String.self, forKey: "machine")
        data = try fields.decodeIfPresent(DataIdentity.self, forKey: "data")
        figures = [:]
        for name in Self.figureNames {
            let value = try fields.decodeIfPresent(Double.self, forKey: FieldName(name))
            guard let value else { continue }
            guard value >= 0 else {
                throw DecodingError.dataCorruptedError(
                    forKey: FieldName(name),
                    in: fields,
                    debugDescription: "\(value) is below 0"
                )
            }
            figures[name] = value
        }
    }

    /// What makes two lines measurements of the same thing, without the engine.
    package var point: String {
        var parts = params.map { "\($0.key)=\(Number.plain($0.value))" }.sorted()
        if let selectivity { parts.append("selectivity=\(Number.plain(selectivity))") }
        if let operation { parts.append("operation=\(operation)") }
        if let offeredRate { parts.append("offered_rate=\(Number.plain(offeredRate))") }
        if let k, k != 10 { parts.append("k=\(k)") }
        if let threads, threads != 1 { parts.append("threads=\(threads)") }
        if let batch { parts.append("batch=\(batch)") }
        if isCold { parts.append("cold") }
        return parts.joined(separator: ",")
    }

    /// The part of `machine` that stays the same from one commit and day to the next.
    package var hardware: String? {
        machine.map { text in
            text.range(of: ", commit ").map { String(text[..<$0.lowerBound]) } ?? text
        }
    }
}

/// The data set that a figure belongs to.
package struct DataIdentity: Codable, Hashable, Sendable, CustomStringConvertible {
    package var name: String
    package var rows: Int
    package var dimension: Int
    package var queries: Int
    /// A digest of the vectors and the queries, as hexadecimal digits.
    package var digest: String

    package init(name: String, rows: Int, dimension: Int, queries: Int, digest: String) {
        self.name = name
        self.rows = rows
        self.dimension = dimension
        self.queries = queries
        self.digest = digest
    }

    package var description: String {
        "\(name) (\(rows) × \(dimension), \(queries) queries, \(digest))"
    }

    /// Whether both are the same vectors, whatever their names.
    package func isSame(as other: Self) -> Bool {
        rows == other.rows && dimension == other.dimension && queries == other.queries
            && digest == other.digest
    }
}

extension KeyedDecodingContainer<FieldName> {
    /// The whole number in a field; the decoder itself does not name the field of a fraction.
    fileprivate func integer(_ name: FieldName) throws -> Int? {
        guard let value = try decodeIfPresent(Double.self, forKey: name) else { return nil }
        guard let whole = Int(exactly: value) else {
            throw DecodingError.dataCorruptedError(
                forKey: name,
                in: self,
                debugDescription: "\(value) is not a whole number"
            )
        }
        return whole
    }
}

/// A field of a line by its name.
private struct FieldName: CodingKey, ExpressibleByStringLiteral {
    var stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init(stringLiteral name: String) { stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
