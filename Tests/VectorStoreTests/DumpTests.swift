import StorageIO
import Testing

@testable import VectorStore

@Suite struct `Dump` {
    /// A whole file of each kind and its dump.
    static func samples() throws -> [(bytes: [UInt8], dump: ([UInt8]) -> String)] {
        let fixture = LogFixture()
        var log = try fixture.create()
        try fixture.append(&log)
        try log.seal()
        let uuid = fixture.uuid
        var hidden = TombstoneSet(rowCount: 70)
        hidden.insert(66)
        _ = try TombstoneFile.write(
            hidden,
            rowCount: 70,
            segmentID: 1,
            lsn: 2,
            storeUUID: uuid,
            directory: "seg",
            fileSystem: fixture.fileSystem
        )
        _ = try CentroidFile.write(
            CentroidSet(
                generation: 1,
                collectionID: 1,
                dimension: 2,
                seed: 1,
                tables: [
                    CentroidTable(
                        partition: "ada",
                        nlist: 1,
                        centroids: [0, 1],
                        trainedRowCount: 1,
                        calibration: .exact(nlist: 1)
                    )
                ]
            ),
            storeUUID: uuid,
            directory: "idx",
            fileSystem: fixture.fileSystem
        )
        let files = fixture.fileSystem
        return [
            (files.bytes(fixture.path(1)), { LogDump(bytes: $0, name: "f").text }),
            (
                files.bytes("seg/" + TombstoneFile.name(segmentID: 1, lsn: 2)),
                { TombstoneDump(bytes: $0, name: "f").text }
            ),
            (
                files.bytes("idx/" + CentroidFile.name(generation: 1)),
                { CentroidDump(bytes: $0, name: "f").text }
            ),
            (`Manifest file`.full.encoded, { ManifestDump(bytes: $0, name: "f").text }),
        ]
    }

    @Test func `a whole file is dumped to its end`() throws {
        for (bytes, dump) in try Self.samples() {
            let text = dump(bytes)
            #expect(!text.contains("DAMAGED"), "\(text)")
            #expect(text.split(separator: "\n").count >= 5)
        }
    }

    @Test func `a cut file is dumped up to the damage, which is named`() throws {
        for (bytes, dump) in try Self.samples() {
            for length in stride(from: 0, to: bytes.count, by: 3)
            where length != 4_096 && length != bytes.count - 40 {
                #expect(dump(Array(bytes[..<length])).contains("DAMAGED: f"), "length \(length)")
            }
        }
    }
}
