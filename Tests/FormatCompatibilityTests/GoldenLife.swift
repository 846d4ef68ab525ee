import TestSupport
import VectorMath
import VectorStore

/// What was done to the golden stores of a version: a function of the operation's number.
enum GoldenLife: String, CaseIterable, Sendable {
    /// Few rows of 12 dimensions: no codes.
    case v1 = "v1"
    /// 64 dimensions and 1,200 rows more, so that there are codes of all kinds: a partition with lists of
    /// its own, one with flat codes, small ones without either, lists over all rows, and a segment
    /// flushed after the rebuild with a calibration of its own.
    case v1p3 = "v1.3"

    /// What is written now.
    static let newest = v1p3

    var options: StoreOptions {
        var options = StoreOptions()
        options.minimumIndexedRowCount = self == .v1 ? 40 : 300
        options.maintenanceThreadCount = 1
        options.automaticCompaction = false
        options.automaticIndexing = false
        return options
    }

    var configuration: CollectionConfiguration {
        var configuration = KillPlan.configuration
        if self == .v1p3 { configuration.dimension = 64 }
        return configuration
    }

    func operation(_ number: UInt64) -> KillPlan.Operation {
        let plain = KillPlan.operation(seed: 1, writer: 0, number: number)
        guard self == .v1p3 else { return plain }
        if number == 0 { return .upsert((0..<640).map(Self.bulk)) }
        if number == 30 { return .upsert((640..<1_200).map(Self.bulk)) }
        guard case .upsert(var records) = plain else { return plain }
        for index in records.indices {
            let short = records[index].vector
            records[index].vector = (0..<64).map { short[$0 % 12] * Float(1 + $0 / 12) }
        }
        return .upsert(records)
    }

    private static func bulk(_ row: Int) -> Record {
        var random = SeededRandom(seed: UInt64(row) + 10_000)
        return Record(
            id: .integer(UInt64(10_000 + row)),
            vector: (0..<64).map { _ in Float.random(in: -1...1, using: &random) },
            partition: row < 270 ? "flat" : row < 610 ? "listed" : row < 640 ? "small" : "later",
            attributes: ["number": .int64(Int64(row))],
            payload: row.isMultiple(of: 8) ? "row \(row)" : ""
        )
    }

    /// What is in the store after the first `count` operations.
    func contents(after count: UInt64) -> [RecordID: Record] {
        var contents: [RecordID: Record] = [:]
        for number in 0..<count {
            switch operation(number) {
            case .upsert(let records): for record in records { contents[record.id] = record }
            case .delete(let ids): for id in ids { contents[id] = nil }
            }
        }
        return contents
    }
}
