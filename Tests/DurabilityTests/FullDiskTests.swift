import Foundation
import StorageIO
import TestSupport
import Testing

@testable import VectorStore

@Suite struct `A full disk` {
    private static let isSoak = ProcessInfo.processInfo.environment["VS_TIER"] == "soak"

    @Test(.timeLimit(.minutes(10)), arguments: [UInt64(0), 300_000])
    func `a disk that fills up and is freed costs no acknowledged write`(
        _ reserve: UInt64
    ) async throws {
        let disk = CappedFileSystem(SimulatedFileSystem(), capacity: 6 << 20)
        let seed = UInt64.random(in: 1...1_000_000)
        var options = FullDiskLife.options
        options.minimumFreeByteCount = reserve
        var life = FullDiskLife(
            root: "/data",
            fileSystem: disk,
            seed: seed,
            options: options
        ) { disk.take($0 ? nil : 0) }
        do {
            let report = try await life.run(rounds: Self.isSoak ? 200 : 12)
            print("full disk: \(report)")
            #expect(report.restartsWhileFull > 0 && report.refused > 0)
        } catch {
            Issue.record("seed \(seed): \(error)")
        }
    }

    /// The same on a file system of the kernel's, in a namespace of its own.
    @Test(.timeLimit(.minutes(30)))
    func `a small tmpfs that fills up and is freed costs no acknowledged write`() throws {
        let worker = try #require(CrashWorkerProgram.path)
        let scratch = Scratch()
        try FileManager.default.createDirectory(
            atPath: scratch.path,
            withIntermediateDirectories: true
        )
        let rounds = Self.isSoak ? 200 : 8
        let seed = UInt64.random(in: 1...1_000_000)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        process.arguments = [
            "-Urm", "sh", "-c",
            "mount -t tmpfs -o size=12m tmpfs \"$1\" || exit 77; exec \"$2\" fill \"$1\" \"$3\" \"$4\"",
            "sh", scratch.path, worker, String(seed), String(rounds),
        ]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        do {
            try process.run()
        } catch {
            print("full disk: no unshare(1) here, the tmpfs was left out")
            return
        }
        let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        if process.terminationStatus == 77 || said.contains("unshare: ") {
            print("full disk: no namespaces here, the tmpfs was left out: \(said)")
            return
        }
        print("full disk, tmpfs: \(said)")
        #expect(process.terminationStatus == 0, "seed \(seed): \(said)")
    }

    @Test func `a store on a full disk opens, answers and takes no write until there is room`()
        async throws
    {
        let inner = SimulatedFileSystem()
        let disk = CappedFileSystem(inner, capacity: 4 << 20)
        var options = FullDiskLife.options
        options.ballastByteCount = 0
        let store = try VectorDatabase.open(at: "/data", options: options, fileSystem: disk)
        let collection = try await store.createCollection("c", dimension: 4)
        try await collection.upsert([Record(id: "a", vector: [1, 2, 3, 4])])
        // The power fails, and somebody else takes all the space.
        let image = inner.image(.none, seed: 1)
        let full = CappedFileSystem(image, capacity: 4 << 20)
        full.take(nil)
        let before = image.filePaths.map { ($0, image.bytes(of: $0)) }
        let again = try VectorDatabase.open(at: "/data", options: options, fileSystem: full)
        let found = try again.collection("c")
        #expect(try found.search(SearchQuery(vector: [1, 2, 3, 4], k: 1)).matches.first?.id == "a")
        let refusal = await #expect(throws: VectorStoreError.self) {
            try await found.upsert([Record(id: "b", vector: [1, 0, 0, 0])])
        }
        #expect(refusal?.code == .diskFull)
        await #expect(throws: VectorStoreError.self) {
            try await again.createCollection("d", dimension: 4)
        }
        for (path, bytes) in before { #expect(image.bytes(of: path) == bytes, "\(path)") }
        full.take(0)
        try await found.upsert([Record(id: "b", vector: [1, 0, 0, 0])])
        #expect(try found.count() == 2)
        try await again.close()
        let last = try VectorDatabase.open(at: "/data", options: options, fileSystem: full)
        #expect(try last.collection("c").count() == 2)
        try await last.close()
        try? await store.close()
    }
}
