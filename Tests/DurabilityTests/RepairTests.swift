import StorageIO
import TestSupport
import Testing

@testable import VectorStore

@Suite struct `Mending a damaged store` {
    private func repair(
        _ disk: SimulatedFileSystem,
        manifest: UInt64? = nil,
        acceptsLoss: Bool = false
    ) throws -> RepairReport {
        try StoreRepair(
            fileSystem: disk,
            source: "/data",
            target: "/mended",
            manifestNumber: manifest,
            acceptsLoss: acceptsLoss
        ).run()
    }

    private func contents(_ disk: SimulatedFileSystem) async throws -> Scenario.Contents {
        var options = FaultRun.options
        options.createIfMissing = false
        let store = try VectorDatabase.open(at: "/mended", options: options, fileSystem: disk)
        let contents = try StoreContents.read(store) ?? [:]
        // It is a store like any other: it takes writes, and their LSNs go on.
        let lsn = try store.statistics().lsn
        let receipt = try await store.collection("c").upsert([
            Record(
                id: "new",
                vector: Array(repeating: 1, count: Scenario.dimension),
                partition: "t"
            )
        ])
        #expect(receipt.lsn == lsn + 1)
        try await store.close()
        return contents
    }

    private func damaged(
        _ sweep: CorruptionSweep,
        _ path: String,
        at offset: Int
    ) -> SimulatedFileSystem {
        let disk = sweep.disk.clone()
        var bytes = disk.bytes(of: path) ?? []
        bytes[offset] ^= 0x10
        disk.overwrite(path, with: bytes)
        return disk
    }

    private func index(
        of contents: Scenario.Contents,
        in sweep: CorruptionSweep
    ) -> Int? {
        sweep.history.lastIndex { StoreContents.agree($0, contents) }
    }

    @Test func `a store without damage is left alone`() async throws {
        let sweep = try await CorruptionSweep()
        let disk = sweep.disk.clone()
        let report = try repair(disk)
        #expect(report.problems == [] && report.losses == [] && !report.isWritten)
        #expect(report.lostChangeCount == 0)
        #expect(!disk.filePaths.contains { $0.hasPrefix("/mended") })
    }

    /// Every frame of the log damaged once: what comes back is the moment before that frame.
    @Test func `damage of the log takes the store back to the moment before it`() async throws {
        let sweep = try await CorruptionSweep()
        var moments: Set<Int> = []
        for (path, bytes) in sweep.files where path.hasSuffix(".wal") {
            for offset in stride(from: LogHeaderLayout.byteCount + 40, to: bytes.count, by: 512) {
                let disk = damaged(sweep, path, at: offset)
                let before = disk.filePaths.map { ($0, disk.bytes(of: $0)) }
                let refused = try repair(disk)
                if refused.problems.isEmpty { continue }
                #expect(!refused.isWritten == !refused.losses.isEmpty, "\(path), offset \(offset)")
                let report = refused.isWritten ? refused : try repair(disk, acceptsLoss: true)
                #expect(report.isWritten)
                for (name, old) in before where !name.hasSuffix("LOCK") {
                    #expect(disk.bytes(of: name) == old, "\(name) was changed")
                }
                let found = try await contents(disk)
                let moment = try #require(index(of: found, in: sweep), "\(path), offset \(offset)")
                moments.insert(moment)
                let isLast = moment == sweep.history.count - 1
                #expect(isLast || !report.losses.isEmpty)
                #expect(isLast || report.lostChangeCount > 0 || report.losses.count == 1)
            }
        }
        #expect(moments.count > 2, "only the moments \(moments) came back")
    }

    @Test func `a damaged manifest takes the store back by one, when that is agreed to`()
        async throws
    {
        let sweep = try await CorruptionSweep()
        let newest = try #require(
            sweep.files.map(\.path).filter { $0.contains("MANIFEST-") }.max()
        )
        let disk = damaged(sweep, newest, at: 100)
        let refused = try repair(disk)
        #expect(!refused.isWritten && refused.problems.count == 1)
        #expect(refused.losses.contains { $0.contains("manifest") })
        #expect(!disk.filePaths.contains { $0.hasPrefix("/mended") })
        let report = try repair(disk, acceptsLoss: true)
        #expect(report.isWritten)
        let moment = index(of: try await contents(disk), in: sweep)
        #expect(moment != nil)
    }

    @Test func `an older manifest is gone back to when asked for, and named when it is not there`()
        async throws
    {
        let sweep = try await CorruptionSweep()
        let numbers = sweep.files.compactMap { file in
            file.path.split(separator: "/").last.flatMap { ManifestFile.number(ofName: String($0)) }
        }
        let older = try #require(numbers.min())
        let disk = sweep.disk.clone()
        let report = try repair(disk, manifest: older, acceptsLoss: true)
        #expect(report.manifestNumber == older && report.isWritten)
        #expect(index(of: try await contents(disk), in: sweep) != nil)
        let error = #expect(throws: VectorStoreError.self) {
            try repair(sweep.disk.clone(), manifest: 9_999)
        }
        #expect(error?.code == .corrupt && error?.field == "manifest")
    }

    @Test(arguments: [".seg", ".del", ".cent"])
    func `no moment is made up where a file of every manifest is damaged`(
        _ kind: String
    ) async throws {
        let sweep = try await CorruptionSweep()
        for (path, bytes) in sweep.files where path.hasSuffix(kind) {
            let disk = damaged(sweep, path, at: bytes.count / 2)
            do {
                let report = try repair(disk, acceptsLoss: true)
                #expect(report.isWritten && !report.problems.isEmpty)
                #expect(index(of: try await contents(disk), in: sweep) != nil, "\(path)")
            } catch let error as VectorStoreError {
                #expect(error.code == .corrupt)
                #expect(error.message.contains("salvage"))
                #expect(!disk.filePaths.contains { $0.hasPrefix("/mended") })
            }
        }
    }

    @Test func `nothing is written into a directory that holds anything`() async throws {
        let sweep = try await CorruptionSweep()
        let newest = try #require(
            sweep.files.map(\.path).filter { $0.contains("MANIFEST-") }.max()
        )
        let disk = damaged(sweep, newest, at: 100)
        try disk.createDirectory("/mended")
        _ = try disk.open("/mended/note", .createNew)
        let error = #expect(throws: VectorStoreError.self) { try repair(disk, acceptsLoss: true) }
        #expect(error?.code == .notAStore)
    }
}
