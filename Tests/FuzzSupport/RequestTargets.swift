import VectorMath

@testable import VectorService
@testable import VectorStore

/// Readers of what clients send.
enum RequestTargets {
    private static let configuration = CollectionConfiguration(
        name: "c",
        dimension: 3,
        partitionKey: "tenant",
        attributes: [
            AttributeDeclaration("group", .int64), AttributeDeclaration("name", .string),
            AttributeDeclaration("weight", .double), AttributeDeclaration("flag", .bool),
        ]
    )

    static func json(_ input: [UInt8]) {
        let isValid = JSONScanner.isValid(input)
        do throws(JSONError) {
            _ = try JSONScanner.parse(input)
            precondition(isValid, "the short way for vectors takes what is no JSON")
        } catch {
            // Of JSON the short way refuses nothing but numbers that no vector can hold.
            precondition(!isValid || error.reason.hasSuffix("range of float32"), error.reason)
        }
    }

    static func filter(_ input: [UInt8]) {
        guard let node = try? JSONScanner.parse(input),
            let filter = try? FilterDecoding.filter(node),
            let program = try? QueryCheck(configuration).program(filter)
        else { return }
        let memtable = Memtable(dimension: 3)
        for row in 0..<3 {
            _ = memtable.append(
                StoredRow(
                    id: .integer(UInt64(row)),
                    partition: "a",
                    vector: [1, 0, 0],
                    attributes: [
                        .int64(Int64(row)), row == 1 ? nil : .string("x"), .double(0.5), nil,
                    ],
                    payload: nil
                ),
                lsn: UInt64(row + 1)
            )
            _ = program.matches(memtable, row)
        }
    }

    static func query(_ input: [UInt8]) {
        if let node = try? JSONScanner.parse(input),
            let asked = try? QueryDecoding.query(node, configuration: configuration)
        {
            check(asked.query)
        }
        let packed = try? QueryDecoding.packedQuery(
            Array(input.prefix(12)),
            parameters: [("limit", String(decoding: input.dropFirst(12), as: UTF8.self))],
            configuration: configuration
        )
        if let packed { check(packed.query) }
    }

    private static func check(_ query: SearchQuery) {
        guard let checked = try? QueryCheck(configuration).check(query) else { return }
        precondition(checked.vector.count == 3 && checked.vector.allSatisfy(\.isFinite))
        precondition(checked.k > 0)
    }

    static func records(_ input: [UInt8]) {
        for isLines in [false, true] {
            guard
                let records = try? RecordDecoding.records(
                    input,
                    isLines: isLines,
                    configuration: configuration
                ), let rows = try? RecordCheck(configuration).rows(records)
            else { continue }
            for row in rows {
                precondition(row.vector.count == 3 && row.vector.allSatisfy(\.isFinite))
            }
        }
        _ = try? RecordDecoding.patches(input, configuration: configuration)
    }

    static func text(_ input: [UInt8]) {
        let text = String(decoding: input, as: UTF8.self)
        _ = try? JSONScanner.parseFloats(text)
        _ = RecordUUID(text)
        _ = try? RecordScan.Position(cursor: text)
        input.withUnsafeBytes { _ in }
    }
}
