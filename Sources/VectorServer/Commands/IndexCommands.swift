import ArgumentParser
import VectorService

/// Rebuilds an index.
struct RebuildIndexCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild-index",
        abstract: "Train the index of a collection anew, while reads and writes go on.",
        discussion: """
            Before the new index takes the place of the one in force, a hundred searches are made with \
            both. If the new one finds less or takes clearly longer, it is given up and the exit code is \
            1. The centroids it replaces are kept until the next rebuild: rollback-index goes back to them.
            """
    )

    @Argument(help: "The collection.")
    var collection: CollectionName

    @Option(help: "Posting lists; by default the number of rows decides.")
    var nlist: Int?

    @Flag(help: "Take the new index even if it finds less or takes longer.")
    var force = false

    @OptionGroup var location: StoreLocation
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let body = JSONWriter.text { writer in
            if let nlist { writer.member("nlist", nlist) }
            if force { writer.member("force", true) }
        }
        try await location.withClient { client in
            try await IndexTask(collection: collection, name: "rebuild-index", output: output)
                .run(client, body: body)
        }
    }
}

/// Takes a rebuild back.
struct RollBackIndexCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback-index",
        abstract: "Go back to the index that the last rebuild replaced.",
        discussion: """
            Rows that came since are put into its lists, so nothing is lost. Going back twice returns to \
            where it began.
            """
    )

    @Argument(help: "The collection.")
    var collection: CollectionName

    @OptionGroup var location: StoreLocation
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await location.withClient { client in
            try await IndexTask(collection: collection, name: "rollback-index", output: output)
                .run(client)
        }
    }
}

/// A task that ends with a new index generation, followed to its end.
private struct IndexTask {
    let collection: CollectionName
    let name: String
    let output: OutputOptions

    func run(_ client: any StoreClient, body: [UInt8] = []) async throws {
        let started = try await client.json("POST", collection.path(name), body: body)
        let (text, task) = try await client.wait(
            forTask: started["task"]?.text ?? "",
            label: "\(name) \(collection.text)"
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
        guard let comparison = report["comparison"] else { return }
        for side in ["before", "after"] {
            guard let figures = comparison[side] else { continue }
            Terminal.result(
                "\(side): recall@10 \(Terminal.decimals(figures["recall"]?.number ?? 0, 3)), "
                    + "99 of 100 searches within "
                    + "\(Terminal.decimals(figures["p99_us"]?.number ?? 0, 0)) µs, "
                    + "\(Terminal.decimals(figures["codes"]?.number ?? 0, 0)) codes a search"
            )
        }
    }
}
