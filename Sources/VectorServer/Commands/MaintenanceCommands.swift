import ArgumentParser
import VectorService
import VectorStore

/// Merges segments.
struct CompactCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compact",
        abstract: "Merge the segments of a collection and drop deleted rows."
    )

    @Argument(help: "The collection.")
    var collection: CollectionName

    @OptionGroup var location: StoreLocation
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await location.withClient { client in
            let started = try await client.json("POST", collection.path("compact"))
            let (text, _) = try await client.wait(
                forTask: started["task"]?.text ?? "",
                label: "compact \(collection.text)"
            )
            if output.json { Terminal.result(json: text) }
        }
    }
}

/// Checks every file.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read every file of a store and check every checksum and cross-reference.",
        discussion: """
            The store must not be open for writing, because files that a merge replaces would look
            like damage. Stop the server first; with a running one the exit code is 3.
            """
    )

    @OptionGroup var location: StoreLocation
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let directory = try location.directory()
        if try location.hasServer() {
            throw CommandFailure.notReady(
                "a server has \(directory) open; stop it, then verify (stats works meanwhile)"
            )
        }
        let display = ProgressBox(ProgressDisplay("verify"))
        let report: VerificationReport
        do {
            report = try VectorDatabase.verify(at: directory) { display.update($0) }
        } catch {
            guard error.code == .notAStore || error.code == .storeLocked else { throw error }
            throw CommandFailure.notReady(error.message)
        }
        if output.json {
            Terminal.result(
                json: JSONWriter.text { writer in
                    writer.member("files", report.fileCount)
                    writer.member("bytes", report.byteCount)
                    writer.key("problems")
                    writer.array { for problem in report.problems { $0.value(problem) } }
                }
            )
        } else {
            for problem in report.problems { Terminal.result(problem) }
            Terminal.message(
                "\(report.fileCount) files, \(Terminal.bytes(Double(report.byteCount))), "
                    + "\(report.problems.count) problems"
            )
        }
        if !report.problems.isEmpty { throw ExitCode(1) }
    }
}

/// Dumps one file.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what one file of a store holds, with offsets."
    )

    @Argument(help: "A manifest, log file, segment, centroid set or tombstone bitmap.")
    var file: String

    func run() throws {
        Terminal.result(try VectorDatabase.inspect(file: file))
    }
}
