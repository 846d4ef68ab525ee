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
