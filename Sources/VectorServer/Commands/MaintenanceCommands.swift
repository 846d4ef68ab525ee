import ArgumentParser
import VectorService
import VectorStore

/// Rebuilds an index.
struct RebuildIndexCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild-index",
        abstract: "Train the index of a collection anew, while reads and writes go on."
    )

    @Argument(help: "The collection.")
    var collection: CollectionName

    @Option(help: "Posting lists; by default the number of rows decides.")
    var nlist: Int?

    @OptionGroup var location: StoreLocation
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let body = JSONWriter.text { writer in
            if let nlist { writer.member("nlist", nlist) }
        }
        try await location.withClient { client in
            let started = try await client.json(
                "POST",
                collection.path("rebuild-index"),
                body: body
            )
            let (text, task) = try await client.wait(
                forTask: started["task"]?.text ?? "",
                label: "rebuild-index \(collection.text)"
            )
            if output.json { return Terminal.result(json: text) }
            guard let report = task["report"] else { return }
            let phases = (report["seconds"]?.members ?? []).map { member in
                "\(member.key) \(Terminal.decimals(member.node.number ?? 0, 2)) s"
            }
            Terminal.result(
                "generation \(report["generation"]?.integer ?? 0): "
                    + "\(report["rows"]?.integer ?? 0) rows, nlist "
                    + "\(report["nlist"]?.integer ?? 0), "
                    + "\(report["indexed_partitions"]?.integer ?? 0) indexed partitions; "
                    + phases.joined(separator: ", ")
            )
        }
    }
}

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
