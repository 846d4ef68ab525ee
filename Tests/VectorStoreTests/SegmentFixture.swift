import Glibc
import StorageIO

@testable import VectorStore

/// Rows in memory, as a source of segments.
final class RowFixture: RowStore, @unchecked Sendable {
    // Safe to share: nothing changes after `init`.
    let dimension: Int
    let rows: [StoredRow]
    private let floats: UnsafeMutablePointer<Float>

    init(dimension: Int, rows: [StoredRow]) {
        self.dimension = dimension
        self.rows = rows
        floats = .allocate(capacity: max(rows.count * dimension, 1))
        for (ordinal, row) in rows.enumerated() {
            for (position, float) in row.vector.enumerated() {
                (floats + ordinal * dimension + position).initialize(to: float)
            }
        }
    }

    deinit { floats.deallocate() }

    func id(at ordinal: Int) -> RecordID { rows[ordinal].id }
    func lsn(at ordinal: Int) -> UInt64 { UInt64(ordinal) * 3 + 7 }
    func partition(at ordinal: Int) -> String { rows[ordinal].partition }
    func vector(at ordinal: Int) -> UnsafePointer<Float> {
        UnsafePointer(floats + ordinal * dimension)
    }
    func attribute(_ column: Int, at ordinal: Int) -> AttributeValue? {
        rows[ordinal].attributes[column]
    }
    func payload(at ordinal: Int) -> [UInt8]? { rows[ordinal].payload }
}

/// SplitMix64: a sequence that a seed in a failure message brings back.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

/// Random rows with their plan, and the directory in which they become a segment.
struct SegmentFixture {
    static let attributes = [
        AttributeDeclaration("lang", .string), AttributeDeclaration("title", .string),
        AttributeDeclaration("seconds", .int64), AttributeDeclaration("score", .double),
        AttributeDeclaration("public", .bool),
    ]

    let configuration: CollectionConfiguration
    let source: RowFixture
    var plan: SegmentPlan
    let identity = SegmentIdentity(
        storeUUID: Array(1...16),
        segmentID: 42,
        collectionID: 3,
        indexGeneration: 5
    )
    let directory: String

    init(
        rowCount: Int,
        dimension: Int,
        partitions: Int?,
        nlist: Int = 0,
        seed: UInt64 = 1,
        largePayloads: Bool = true
    ) throws {
        var random = SeededGenerator(seed: seed)
        configuration = CollectionConfiguration(
            name: "c",
            dimension: dimension,
            partitionKey: partitions == nil ? nil : "creator_id",
            attributes: Self.attributes
        )
        let keys = (0..<(partitions ?? 1)).map { partitions == nil ? "" : "creator-\($0)é" }
        var rows: [StoredRow] = []
        for index in 0..<rowCount {
            rows.append(
                StoredRow(
                    id: Self.id(index, &random),
                    partition: keys.randomElement(using: &random) ?? "",
                    vector: (0..<dimension).map { _ in Float.random(in: -1...1, using: &random) },
                    attributes: Self.attributes(index, &random),
                    payload: Self.payload(index, &random, large: largePayloads)
                )
            )
        }
        source = RowFixture(dimension: dimension, rows: rows)
        plan = Self.plan(rows, keys: keys, isPartitioned: partitions != nil, nlist: nlist, &random)
        var template = Array("/tmp/segment-tests-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw StorageIOError(operation: .createDirectory, path: "/tmp", errno: errno)
        }
        directory = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) },
            as: UTF8.self
        )
    }

    func remove() {
        let fileSystem = PosixFileSystem()
        for name in (try? fileSystem.list(directory)) ?? [] {
            try? fileSystem.remove(directory + "/" + name)
        }
        try? fileSystem.removeDirectory(directory)
    }

    var path: String { directory + "/" + Segment.fileName(identity.segmentID) }

    func write(codes: CodeSource? = nil) throws(SegmentWriteError) -> SegmentDescription {
        try SegmentWriter.write(
            plan: plan,
            sources: [source],
            configuration: configuration,
            identity: identity,
            codes: codes,
            fileSystem: PosixFileSystem(),
            directory: directory
        )
    }

    func open(_ description: SegmentDescription) throws(SegmentOpenError) -> Segment {
        try Segment.open(
            path: path,
            description: description,
            identity: identity,
            configuration: configuration,
            fileSystem: PosixFileSystem()
        )
    }

    /// The source row of an ordinal of the segment.
    func row(_ ordinal: Int) -> StoredRow { source.rows[Int(plan.rows[ordinal].ordinal)] }

    private static func id(_ index: Int, _ random: inout SeededGenerator) -> RecordID {
        switch index % 3 {
        case 0: .integer(UInt64(index))
        case 1: .uuid(RecordUUID(high: random.next(), low: UInt64(index)))
        default:
            .string(
                index % 2 == 0 ? "id-\(index)" : String(repeating: "x", count: 240) + "\(index)"
            )
        }
    }

    private static func attributes(
        _ index: Int,
        _ random: inout SeededGenerator
    ) -> [AttributeValue?] {
        var values: [AttributeValue?] = [
            .string(["en", "de", "", "日本", "e\u{301}", "é"].randomElement(using: &random) ?? ""),
            .string("title \(index)"),
            .int64(Int64.random(in: -5...5, using: &random)),
            .double(Double(Int.random(in: -10...10, using: &random)) / 2),
            .bool(Bool.random(using: &random)),
        ]
        for column in values.indices where Int.random(in: 0..<4, using: &random) == 0 {
            values[column] = nil
        }
        return values
    }

    private static func payload(
        _ index: Int,
        _ random: inout SeededGenerator,
        large: Bool
    ) -> [UInt8]? {
        switch index % 7 {
        case 0: return nil
        case 1: return []
        case 2 where large:
            return (0..<40_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        case 3 where large: return [UInt8](repeating: 65, count: 100_000)
        default: return Array("{\"text\":\"chunk \(index) of the lecture, of the lecture\"}".utf8)
        }
    }

    private static func plan(
        _ rows: [StoredRow],
        keys: [String],
        isPartitioned: Bool,
        nlist: Int,
        _ random: inout SeededGenerator
    ) -> SegmentPlan {
        var plan = SegmentPlan(rows: [], partitions: [], globalLists: nil)
        let ordered = keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for (table, key) in ordered.enumerated() {
            let members = rows.indices.filter { rows[$0].partition == key }
            if members.isEmpty, isPartitioned { continue }
            let start = plan.rows.count
            plan.rows += members.map { .init(source: 0, ordinal: UInt32($0)) }
            var counts: [UInt32]?
            if nlist > 0, table % 2 == 0 {
                counts = [UInt32](repeating: 0, count: nlist)
                for _ in members { counts?[Int.random(in: 0..<nlist, using: &random)] += 1 }
            }
            plan.partitions.append(
                .init(
                    key: key,
                    rows: start..<plan.rows.count,
                    centroidTable: counts == nil ? nil : table,
                    listCounts: counts
                )
            )
        }
        if isPartitioned, nlist > 0 {
            plan.globalLists = .init(
                nlist: nlist + 3,
                assignments: plan.rows.map { _ in
                    UInt32.random(in: 0..<UInt32(nlist), using: &random)
                }
            )
        }
        return plan
    }
}
