import VectorMath
package import VectorStore

/// What the writers of the kill test do: a function of seed, writer and number, so that the parent can
/// tell what the child did.
package enum KillPlan {
    package static let writerCount = 3
    /// Ids of one writer; each writer has its own.
    private static let idsPerWriter: UInt64 = 400

    package enum Operation {
        case upsert([Record])
        case delete([RecordID])
    }

    package static var options: StoreOptions {
        var options = StoreOptions()
        options.flushThresholdBytes = 60_000
        options.logFileByteCount = 200_000
        options.minimumIndexedRowCount = 200
        options.maintenanceThreadCount = 1
        return options
    }

    package static var configuration: CollectionConfiguration {
        CollectionConfiguration(
            name: "c",
            dimension: 12,
            partitionKey: "tenant",
            attributes: [AttributeDeclaration("number", .int64)]
        )
    }

    /// Where a worker puts a copy of its store.
    package static func copy(of directory: String, number: Int) -> String {
        directory + ".copy-\(number)"
    }

    package static func operation(seed: UInt64, writer: Int, number: UInt64) -> Operation {
        var random = SeededRandom(seed: seed ^ (number &* 8 + UInt64(writer)))
        let base = UInt64(writer) * idsPerWriter
        let isDelete = Int.random(in: 0..<10, using: &random) < 4
        let count = Int.random(in: 1...(isDelete ? 6 : 12), using: &random)
        var ids: Set<UInt64> = []
        while ids.count < count {
            ids.insert(base + UInt64.random(in: 0..<idsPerWriter, using: &random))
        }
        let sorted = ids.sorted()
        if isDelete { return .delete(sorted.map { .integer($0) }) }
        return .upsert(
            sorted.map { id in
                Record(
                    id: .integer(id),
                    vector: (0..<12).map { _ in Float.random(in: -1...1, using: &random) },
                    partition: "t\(id % 4)",
                    attributes: ["number": .int64(Int64(number))],
                    payload: "\(number)"
                )
            }
        )
    }
}
