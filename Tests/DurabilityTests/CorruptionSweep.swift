import StorageIO
import TestSupport

@testable import VectorStore

/// A store with every kind of file, left by a process that died, and what becomes of damage to it.
struct CorruptionSweep {
    /// What a store says to a change of its bytes.
    enum Verdict: String, CaseIterable {
        /// Opening it is refused.
        case refused
        /// It opens; a verification, or whoever reads the bytes, is told.
        case reported
        /// Every answer is what it was, and a verification finds nothing.
        case harmless
    }

    /// The kind of a file, and where in it.
    enum Region: String, CaseIterable {
        case newestManifest
        case olderManifest
        case log
        /// The mark after the last frame, which nothing vouches for.
        case logEnd
        case segmentFrame
        case segmentSections
        case tombstones
        case centroids

        /// Whether a change may go unnoticed here.
        var mayBeHarmless: Bool { self == .olderManifest || self == .logEnd }
    }

    let disk: SimulatedFileSystem
    let contents: Scenario.Contents
    /// What the store held after each write.
    let history: [Scenario.Contents]
    let files: [(path: String, bytes: [UInt8])]
    private let newestManifest: String
    private let newestLog: String

    /// Makes the store.
    init() async throws {
        let live = SimulatedFileSystem()
        var options = FaultRun.options
        options.logFileByteCount = 6_000
        let store = try VectorDatabase.open(at: "/data", options: options, fileSystem: live)
        let collection = try await store.createCollection(
            "c",
            dimension: Scenario.dimension,
            partitionKey: "tenant",
            attributes: ["group": .int64]
        )
        var maker = Scenario.Maker(seed: 11)
        var outcome = Scenario.Outcome(history: [[:]], acknowledged: 0, wasClosed: false)
        let steps: [Scenario.Step] = [
            .upsert(0..<60), .rebuild, .upsert(60..<80), .delete(3..<9), .flush,
            .upsert(80..<110), .upsert(110..<140), .delete(62..<66), .upsert(0..<5),
        ]
        for step in steps { try await Scenario.take(step, collection, &maker, &outcome) }
        // The mark that the log writes when nothing follows.
        try await Task.sleep(for: .milliseconds(300))
        disk = live.image(.none, seed: 0)
        history = outcome.history
        contents = outcome.history[outcome.history.count - 1]
        let image = disk
        // What these two hold is nobody's business.
        let noise = ["LOCK", DiskSpace.ballastName]
        files = image.filePaths.filter { path in !noise.contains { path.hasSuffix($0) } }.map {
            ($0, image.bytes(of: $0) ?? [])
        }
        newestManifest = files.map(\.path).filter { $0.contains("MANIFEST-") }.max() ?? ""
        newestLog = files.map(\.path).filter { $0.hasSuffix(".wal") }.max() ?? ""
        try? await store.close()
    }

    /// Opens a damaged image and reads all of it.
    func read(_ image: SimulatedFileSystem) throws -> Scenario.Contents {
        let store = try VectorDatabase.open(
            at: "/data",
            options: FaultRun.options,
            fileSystem: image
        )
        return try StoreContents.read(store) ?? [:]
    }

    func region(of path: String, offset: Int, byteCount: Int) -> Region {
        if path.contains("MANIFEST-") {
            return path == newestManifest ? .newestManifest : .olderManifest
        }
        if path.hasSuffix(".wal") {
            let isEnd = path == newestLog && offset >= byteCount - LogFrameLayout.headerByteCount
            return isEnd ? .logEnd : .log
        }
        if path.hasSuffix(".del") { return .tombstones }
        if path.hasSuffix(".cent") { return .centroids }
        return offset < 4_096 || offset >= byteCount - 8_192 ? .segmentFrame : .segmentSections
    }

    /// What the store says with other bytes in one file; throws when it answers wrongly.
    func verdict(_ path: String, _ bytes: [UInt8]) throws -> Verdict {
        let verified = disk.image(.all, seed: 0)
        verified.overwrite(path, with: bytes)
        let opened = verified.image(.all, seed: 0)
        let report = try StoreVerification(fileSystem: verified, root: "/data").run(progress: nil)
        let store: VectorDatabase
        do {
            store = try VectorDatabase.open(
                at: "/data",
                options: FaultRun.options,
                fileSystem: opened
            )
        } catch {
            try StoreContents.require(
                [.corrupt, .formatTooNew, .inputOutput].contains(error.code),
                "open says \(error)"
            )
            try StoreContents.require(!report.problems.isEmpty, "verify is silent, open: \(error)")
            return .refused
        }
        do {
            let found = try StoreContents.read(store) ?? [:]
            try StoreContents.require(
                StoreContents.agree(found, contents),
                "\(found.count) records, \(contents.count) were acknowledged"
            )
            var maker = Scenario.Maker(seed: 3)
            try StoreContents.checkSearch(store, contents, query: maker.vector())
        } catch let error as VectorStoreError {
            try StoreContents.require(error.code == .corrupt, "a read says \(error)")
            try StoreContents.require(!report.problems.isEmpty, "verify is silent, read: \(error)")
        }
        return report.problems.isEmpty ? .harmless : .reported
    }
}
