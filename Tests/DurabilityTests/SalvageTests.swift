import StorageIO
import TestSupport
import Testing

@testable import VectorStore

@Suite struct `What is left of a damaged store` {
    private func salvage(
        _ disk: SimulatedFileSystem,
        manifest: UInt64? = nil
    ) async throws -> (SalvageReport, Scenario.Contents) {
        let report = try await Salvage(
            fileSystem: disk,
            source: "/data",
            target: "/saved",
            manifestNumber: manifest
        ).run()
        var options = StoreOptions()
        options.createIfMissing = false
        let store = try VectorDatabase.open(at: "/saved", options: options, fileSystem: disk)
        let contents = try StoreContents.read(store) ?? [:]
        try await store.close()
        return (report, contents)
    }

    @Test func `an undamaged store is salvaged whole`() async throws {
        let sweep = try await CorruptionSweep()
        let (report, contents) = try await salvage(sweep.disk.clone())
        #expect(report.problems == [] && report.lostRowCount == 0)
        #expect(StoreContents.agree(contents, sweep.contents))
        #expect(report.recordCount == contents.count)
    }

    @Test(arguments: [".seg", ".wal", ".del", ".cent", "MANIFEST"])
    func `damage of one file costs what is in it and no more`(_ kind: String) async throws {
        let sweep = try await CorruptionSweep()
        for (path, bytes) in sweep.files where path.contains(kind) {
            let disk = sweep.disk.clone()
            var damaged = bytes
            damaged[bytes.count / 2] ^= 0x10
            disk.overwrite(path, with: damaged)
            let before = disk.filePaths.map { ($0, disk.bytes(of: $0)) }
            let (report, contents) = try await salvage(disk)
            for (name, old) in before where !name.hasSuffix("LOCK") {
                #expect(disk.bytes(of: name) == old, "\(name) was changed")
            }
            // Nothing but what some write once acknowledged.
            for (id, record) in contents {
                let isKnown = sweep.history.contains {
                    $0[id].map { StoreContents.agree([id: $0], [id: record]) } ?? false
                }
                #expect(isKnown, "\(path): \(id) was never written so")
            }
            let missing = sweep.contents.keys.filter { contents[$0] == nil }.count
            switch kind {
            case ".cent": #expect(StoreContents.agree(contents, sweep.contents), "\(path)")
            case ".del": #expect(missing == 0 && !report.problems.isEmpty, "\(path)")
            case "MANIFEST": #expect(!contents.isEmpty, "\(path)")
            default:
                #expect(!report.problems.isEmpty, "\(path): nobody noticed")
                #expect(missing < sweep.contents.count, "\(path): everything is lost")
            }
        }
    }

    @Test func `an older manifest takes the store back`() async throws {
        let sweep = try await CorruptionSweep()
        let numbers = sweep.files.compactMap { file in
            file.path.split(separator: "/").last.flatMap {
                ManifestFile.number(ofName: String($0))
            }
        }
        let older = try #require(numbers.min())
        #expect(older < numbers.max() ?? 0)
        let (report, contents) = try await salvage(sweep.disk.clone(), manifest: older)
        #expect(report.manifestNumber == older && !contents.isEmpty)
        await #expect(throws: VectorStoreError.self) {
            try await salvage(sweep.disk.clone(), manifest: 9_999)
        }
    }

    @Test func `nothing is salvaged into a directory that holds anything`() async throws {
        let sweep = try await CorruptionSweep()
        let disk = sweep.disk.clone()
        try disk.createDirectory("/saved")
        _ = try disk.open("/saved/note", .createNew)
        let error = await #expect(throws: VectorStoreError.self) { try await salvage(disk) }
        #expect(error?.code == .notAStore)
    }
}
