import StorageIO
import Testing

@testable import VectorStore

@Suite struct `Manifest file` {
    static let full: Manifest = {
        var manifest = Manifest(
            storeUUID: (1...16).map { UInt8($0) },
            number: 41,
            previousNumber: 40
        )
        manifest.flushedLSN = 1_000
        manifest.nextLogSequence = 9
        manifest.nextSegmentID = 12
        manifest.nextGeneration = 3
        manifest.nextCollectionID = 5
        manifest.logFiles = [
            Manifest.LogEntry(sequence: 7, firstLSN: 900),
            Manifest.LogEntry(sequence: 8, firstLSN: 1_001),
        ]
        manifest.collections = [
            Manifest.CollectionEntry(
                id: 4,
                configuration: CollectionConfiguration(
                    name: "chunks",
                    dimension: 384,
                    partitionKey: "creator_id",
                    attributes: [
                        AttributeDeclaration("video_id", .string),
                        AttributeDeclaration("start", .double),
                    ]
                ),
                indexGeneration: 2
            ),
            Manifest.CollectionEntry(
                id: 2,
                configuration: CollectionConfiguration(name: "plain", dimension: 1),
                indexGeneration: 0
            ),
        ]
        manifest.segments = [
            Manifest.SegmentEntry(
                collectionID: 4,
                indexGeneration: 2,
                description: SegmentDescription(
                    segmentID: 10,
                    byteCount: 65_536,
                    rowCount: 30,
                    lsnMin: 5,
                    lsnMax: 40,
                    footerCRC: 77
                ),
                tombstones: Manifest.TombstoneEntry(
                    lsn: 99,
                    byteCount: 76,
                    checksum: 6,
                    count: 2
                )
            ),
            Manifest.SegmentEntry(
                collectionID: 2,
                indexGeneration: 0,
                description: SegmentDescription(
                    segmentID: 11,
                    byteCount: 8_192,
                    rowCount: 1,
                    lsnMin: 41,
                    lsnMax: 41,
                    footerCRC: 78
                ),
                tombstones: nil
            ),
        ]
        manifest.centroidSets = [
            Manifest.CentroidEntry(generation: 2, collectionID: 4, byteCount: 999, checksum: 5)
        ]
        return manifest
    }()

    private func name(_ number: UInt64) -> String {
        "store/" + ManifestFile.name(number: number)
    }

    @Test func `a published manifest is read back as it was`() throws {
        let fileSystem = CrashingFileSystem()
        try ManifestFile.publish(Self.full, in: "store", fileSystem: fileSystem)
        #expect(try ManifestFile.loadNewest(in: "store", fileSystem: fileSystem) == Self.full)
    }

    @Test func `a flipped byte anywhere is refused`() throws {
        let fileSystem = CrashingFileSystem()
        let bytes = Self.full.encoded
        for index in bytes.indices {
            for mask: UInt8 in [0x01, 0x80, 0xFF] {
                var damaged = bytes
                damaged[index] ^= mask
                fileSystem.put(name(41), damaged)
                #expect(throws: LoadError.self, "byte \(index), mask \(mask)") {
                    try ManifestFile.loadNewest(in: "store", fileSystem: fileSystem)
                }
            }
        }
    }

    @Test func `every other length is refused`() throws {
        let fileSystem = CrashingFileSystem()
        let bytes = Self.full.encoded
        for length in 0..<bytes.count {
            fileSystem.put(name(41), Array(bytes[..<length]))
            #expect(throws: LoadError.self, "length \(length)") {
                try ManifestFile.loadNewest(in: "store", fileSystem: fileSystem)
            }
        }
        fileSystem.put(name(41), bytes + [0])
        #expect(throws: LoadError.self) {
            try ManifestFile.loadNewest(in: "store", fileSystem: fileSystem)
        }
    }

    @Test func `a damaged newest manifest is never replaced by the one before`() throws {
        let fileSystem = CrashingFileSystem()
        try ManifestFile.publish(Self.full, in: "store", fileSystem: fileSystem)
        fileSystem.put(name(42), [1, 2, 3])
        #expect(throws: LoadError.self) {
            try ManifestFile.loadNewest(in: "store", fileSystem: fileSystem)
        }
    }

    @Test func `a manifest under another number is refused`() throws {
        let fileSystem = CrashingFileSystem()
        fileSystem.put(name(43), Self.full.encoded)
        #expect(throws: LoadError.self) {
            try ManifestFile.loadNewest(in: "store", fileSystem: fileSystem)
        }
    }

    @Test func `a newer format is refused by name`() throws {
        let fileSystem = CrashingFileSystem()
        var bytes = Self.full.encoded
        bytes[ManifestLayout.major] = 2
        fileSystem.put(name(41), bytes)
        do {
            _ = try ManifestFile.loadNewest(in: "store", fileSystem: fileSystem)
            Issue.record("the newer format was read")
        } catch .corruption(.formatTooNew(let file, let found, let supported)) {
            #expect(file == ManifestFile.name(number: 41))
            #expect(found == "2.0")
            #expect(supported == "1.0")
        }
    }

    @Test func `a power cut at any operation leaves the old manifest or the new one`() throws {
        let next = Self.full.successor()
        let probe = CrashingFileSystem()
        try ManifestFile.publish(Self.full, in: "store", fileSystem: probe)
        let before = probe.operationCount
        try ManifestFile.publish(next, in: "store", fileSystem: probe)
        let steps = probe.operationCount - before
        #expect(steps >= 5)
        var seen: Set<UInt64> = []
        for step in 0...steps {
            for keepingUnsynced in [false, true] {
                let fileSystem = CrashingFileSystem()
                try ManifestFile.publish(Self.full, in: "store", fileSystem: fileSystem)
                fileSystem.fail(after: step)
                let isDone =
                    (try? ManifestFile.publish(next, in: "store", fileSystem: fileSystem)) != nil
                let found = try ManifestFile.loadNewest(
                    in: "store",
                    fileSystem: fileSystem.afterPowerLoss(keepingUnsynced: keepingUnsynced)
                )
                #expect(found == Self.full || found == next, "step \(step)")
                #expect(isDone == (step == steps))
                if isDone { #expect(found == next) }
                seen.insert(found.number)
            }
        }
        #expect(seen == [41, 42])
    }

    @Test func `older manifests are removed and the named one stays`() throws {
        let fileSystem = CrashingFileSystem()
        var manifest = Self.full
        for _ in 0..<3 {
            try ManifestFile.publish(manifest, in: "store", fileSystem: fileSystem)
            manifest = manifest.successor()
        }
        ManifestFile.removeOlder(than: 42, in: "store", fileSystem: fileSystem)
        #expect(fileSystem.paths == [name(42), name(43)])
    }

    @Test func `log files are dropped only when all their changes are flushed`() {
        var manifest = Self.full
        manifest.flushedLSN = 999
        manifest.dropFlushedLogs()
        #expect(manifest.logFiles.map(\.sequence) == [7, 8])
        manifest.flushedLSN = 1_000
        manifest.dropFlushedLogs()
        #expect(manifest.logFiles.map(\.sequence) == [8])
        manifest.flushedLSN = 5_000
        manifest.dropFlushedLogs()
        #expect(manifest.logFiles.map(\.sequence) == [8])
    }
}
