import ArgumentParser
import VectorStore

/// Copies a store while it is in use.
struct SnapshotCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Copy a store, verified, while a server reads and writes it.",
        discussion: """
            The copy holds every write that was acknowledged before the command began, and is a store
            of its own. A copy that was interrupted is refused when it is opened; remove it.

            A name that ends with .tar.lz4 makes an archive in one file, for shipping: restore reads
            it, and so does lz4 -dc FILE | tar x. A copy lies beside it while it is written.
            """
    )

    @Argument(help: "A new or empty directory for the copy, or a new file NAME.tar.lz4.")
    var target: String

    @OptionGroup var location: StoreLocation

    func run() async throws {
        try await StoreCopying.copy(from: try location.directory(), to: target)
    }
}

/// Makes a store from a snapshot.
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make a store from a snapshot; the snapshot stays as it is.",
        discussion: """
            The directory given with --data must be new or empty: move a store that is to be replaced
            aside first, and stop its server.
            """
    )

    @Argument(help: "The directory of the snapshot, or its archive NAME.tar.lz4.")
    var snapshot: String

    @OptionGroup var location: StoreLocation

    func run() async throws {
        try await StoreCopying.copy(from: snapshot, to: try location.directory())
    }
}

/// Makes a store of what is left of a damaged one.
struct SalvageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "salvage",
        abstract: "Make a new store of whatever can still be read of a damaged one.",
        discussion: """
            A last resort, when there is no snapshot to restore. The damaged store stays as it is; the
            directory given with --data must be new or empty. Records that cannot be read are missing
            from the new store, and where tombstones were lost deleted records are back.
            """
    )

    @Argument(help: "The directory of the damaged store.")
    var source: String

    @Option(help: "Begin with this manifest; by default with the newest that can be read.")
    var manifest: UInt64?

    @OptionGroup var location: StoreLocation

    func run() async throws {
        let target = try location.directory()
        let report: SalvageReport
        do {
            report = try await VectorDatabase.salvage(from: source, to: target, manifest: manifest)
        } catch {
            guard error.code == .notAStore || error.code == .storeLocked else { throw error }
            throw CommandFailure.notReady(error.message)
        }
        for problem in report.problems { Terminal.result(problem) }
        Terminal.message(
            "\(target) holds \(report.recordCount) records of manifest \(report.manifestNumber); "
                + "\(report.lostRowCount) rows were lost, \(report.problems.count) problems"
        )
        if !report.problems.isEmpty { throw ExitCode(1) }
    }
}

/// What both commands do.
private enum StoreCopying {
    static func copy(from source: String, to target: String) async throws {
        do {
            try await VectorDatabase.copy(from: source, to: target)
        } catch {
            guard error.code == .notAStore else { throw error }
            throw CommandFailure.notReady(error.message)
        }
        Terminal.message("\(target) holds a verified copy of \(source)")
    }
}
