import StorageIO
import TestSupport
import Testing

@testable import VectorStore

/// Manifests whose checksum is right and whose contents no store can have published.
@Suite struct `A manifest that nobody published` {
    private static let edits: [(name: String, edit: @Sendable (inout Manifest) -> Void)] = [
        ("flushed LSN", { $0.flushedLSN = .max }),
        ("next log file", { $0.nextLogSequence = .max }),
        ("next segment", { $0.nextSegmentID = .max }),
        ("next index generation", { $0.nextGeneration = .max }),
        ("next collection", { $0.nextCollectionID = .max }),
        ("log file", { $0.logFiles[0].sequence = .max }),
        ("first LSN", { $0.logFiles[0].firstLSN = .max }),
        ("log file", { $0.logFiles.append($0.logFiles[0]) }),
        ("segment", { $0.segments[0].description.segmentID = .max }),
        ("segment", { $0.segments.append($0.segments[0]) }),
        ("collection id", { $0.collections.append($0.collections[0]) }),
        (
            "collection",
            {
                $0.collections.append($0.collections[0])
                $0.collections[1].id = 77
            }
        ),
        (
            "attribute of c",
            {
                let attributes = $0.collections[0].configuration.attributes
                $0.collections[0].configuration.attributes = attributes + attributes
            }
        ),
    ]

    /// A store with a segment, and its newest manifest.
    private func fixture() async throws -> (disk: SimulatedFileSystem, manifest: Manifest) {
        let disk = SimulatedFileSystem()
        let store = try VectorDatabase.open(
            at: "/data",
            options: Scenario.options,
            fileSystem: disk
        )
        let collection = try await store.createCollection(
            "c",
            dimension: 3,
            attributes: ["group": .int64]
        )
        try await collection.upsert([Record(id: "a", vector: [1, 2, 3])])
        try await store.close()
        return (disk, try ManifestFile.loadNewest(in: "/data", fileSystem: disk))
    }

    @Test func `is refused where it is read, and the process lives`() async throws {
        for (field, edit) in Self.edits {
            let (disk, manifest) = try await fixture()
            var next = manifest.successor()
            edit(&next)
            try ManifestFile.publish(next, in: "/data", fileSystem: disk)
            let error = #expect(throws: VectorStoreError.self, "\(field)") {
                try VectorDatabase.open(at: "/data", options: Scenario.options, fileSystem: disk)
            }
            #expect(error?.code == .corrupt, "\(field)")
            #expect(error?.message.contains(field) == true, "\(field): \(error?.message ?? "")")
        }
    }

    @Test(arguments: ["seg", "idx", "wal"])
    func `files with the greatest of all numbers are nobody's`(_ directory: String) async throws {
        let (disk, _) = try await fixture()
        let suffix = ["seg": ".seg", "idx": ".cent", "wal": ".wal"][directory] ?? ""
        let stray = "/data/\(directory)/18446744073709551615\(suffix)"
        try disk.open(stray, .createNew).writeAll([1], at: 0)
        try disk.open("/data/MANIFEST-18446744073709551615", .createNew).writeAll([1], at: 0)
        let store = try VectorDatabase.open(
            at: "/data",
            options: Scenario.options,
            fileSystem: disk
        )
        #expect(try store.collection("c").count() == 1)
        try await store.collection("c").upsert([Record(id: "b", vector: [1, 2, 3])])
        try await store.close()
    }
}
