import ArgumentParser
import VectorStore

/// Goes back to the last moment of a damaged store that is whole.
struct RepairCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair",
        abstract: "Make a new store of the last moment of a damaged one that is whole.",
        discussion: """
            Goes back to the newest manifest whose files are all whole, and replays the log from there up
            to the first damage: what the store held at some earlier moment, with its index. The damaged
            store stays as it is; the directory given with --data must be new or empty.

            Without --accept-loss nothing is written when anything would be given up; what that is, is
            said. When a segment is damaged there may be no such moment: restore a snapshot then, or
            salvage. Ends with 0 when the new store is written or there is no damage, else with 1.
            """
    )

    @Argument(help: "The directory of the damaged store.")
    var source: String

    @Option(help: "Go back to this manifest; by default to the newest that is whole.")
    var manifest: UInt64?

    @Flag(help: "Write the new store even if something is given up.")
    var acceptLoss = false

    @OptionGroup var location: StoreLocation

    func run() async throws {
        let target = try location.directory()
        let report = try await Rescue.run {
            () async throws(VectorStoreError) in
            try await VectorDatabase.repair(
                from: source,
                to: target,
                manifest: manifest,
                acceptsLoss: acceptLoss
            )
        }
        for problem in report.problems { Terminal.result("damaged: \(problem)") }
        for loss in report.losses { Terminal.result(loss) }
        if report.isWritten {
            Terminal.message(
                "\(target) holds manifest \(report.manifestNumber) of \(source) up to LSN \(report.lsn)"
            )
        } else if report.losses.isEmpty {
            Terminal.message("\(source) has no damage; nothing was written")
        } else {
            Terminal.message(
                "nothing was written: manifest \(report.manifestNumber) up to LSN \(report.lsn) would "
                    + "be kept. Repeat with --accept-loss, restore a snapshot, or salvage"
            )
            throw ExitCode(1)
        }
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
        let report = try await Rescue.run {
            () async throws(VectorStoreError) in
            try await VectorDatabase.salvage(from: source, to: target, manifest: manifest)
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
private enum Rescue {
    static func run<R: Sendable>(
        _ body: () async throws(VectorStoreError) -> R
    ) async throws -> R {
        do throws(VectorStoreError) {
            return try await body()
        } catch {
            guard error.code == .notAStore || error.code == .storeLocked else { throw error }
            throw CommandFailure.notReady(error.message)
        }
    }
}
