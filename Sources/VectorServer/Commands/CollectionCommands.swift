import ArgumentParser
import VectorService

/// Creates a collection.
struct CreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create a collection; repeating it with the same options changes nothing.",
        discussion: """
            Example:
              vector-server create lectures --dimension 1536 --partition-by creator_id \\
                  --attribute video_id:string --attribute start_seconds:double
            """
    )

    @Argument(help: "The collection's name.")
    var collection: CollectionName

    @Option(help: "Floats in every vector.")
    var dimension: Int

    @Option(help: "The name under which records carry their partition.")
    var partitionBy: String?

    @Option(
        name: .customLong("attribute"),
        parsing: .singleValue,
        help: ArgumentHelp(
            "An attribute for filters; types: string, int64, double, bool. Repeatable.",
            valueName: "name:type"
        )
    )
    var attributes: [String] = []

    @OptionGroup var location: StoreLocation
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let declarations = try attributes.map { text in
            guard let colon = text.lastIndex(of: ":") else {
                throw ValidationError("'\(text)' is not NAME:TYPE.")
            }
            return (name: String(text[..<colon]), type: String(text[text.index(after: colon)...]))
        }
        let body = JSONWriter.text { writer in
            writer.member("dimension", dimension)
            if let partitionBy { writer.member("partition_by", partitionBy) }
            writer.key("attributes")
            writer.object { writer in
                for declaration in declarations {
                    writer.key(named: declaration.name)
                    writer.object { $0.member("type", declaration.type) }
                }
            }
        }
        try await location.withClient(createIfMissing: true) { client in
            let answer = try await client.send("PUT", collection.path(), body: body)
            if output.json {
                Terminal.result(json: answer)
            } else {
                Terminal.message("collection \(collection.text) is there")
            }
        }
    }
}

/// Lists collections.
struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the collections."
    )

    @OptionGroup var location: StoreLocation
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await location.withClient { client in
            let text = try await client.send("GET", "/v1/collections")
            if output.json { return Terminal.result(json: text) }
            let answer = try JSONScanner.parse(text, vectorKey: nil)
            let rows = (answer["collections"]?.elements ?? []).map { collection in
                let attributes = (collection["attributes"]?.members ?? []).map { member in
                    "\(member.key):\(member.node["type"]?.text ?? "")"
                }
                return [
                    collection["name"]?.text ?? "", String(collection["dimension"]?.integer ?? 0),
                    collection["partition_by"]?.text ?? "-",
                    attributes.isEmpty ? "-" : attributes.joined(separator: " "),
                ]
            }
            Terminal.table(["COLLECTION", "DIMENSION", "PARTITION BY", "ATTRIBUTES"], rows)
        }
    }
}

/// Shows statistics.
struct StatsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Show the state of the store, or of one collection."
    )

    @Argument(help: "Only this collection.")
    var collection: CollectionName?

    @OptionGroup var location: StoreLocation
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await location.withClient { client in
            if let collection {
                let text = try await client.send("GET", collection.path())
                if output.json { return Terminal.result(json: text) }
                return show([try JSONScanner.parse(text, vectorKey: nil)])
            }
            let text = try await client.send("GET", "/v1/stats")
            if output.json { return Terminal.result(json: text) }
            let answer = try JSONScanner.parse(text, vectorKey: nil)
            let log = Terminal.bytes(answer["log_bytes"]?.number ?? 0)
            Terminal.result(
                "lsn \(answer["lsn"]?.integer ?? 0), manifest \(answer["manifest"]?.integer ?? 0), "
                    + "log \(log), kernels \(answer["kernels"]?.text ?? "")"
            )
            show(answer["collections"]?.elements ?? [])
        }
    }

    private func show(_ collections: [JSONNode]) {
        let names = [
            "rows", "deleted_rows", "memtable_rows", "segments", "nlist", "partitions",
            "indexed_partitions",
        ]
        let rows = collections.map { collection in
            [collection["name"]?.text ?? ""]
                + names.map { String(collection[$0]?.integer ?? 0) }
                + [Terminal.bytes(collection["segment_bytes"]?.number ?? 0)]
        }
        Terminal.table(
            [
                "COLLECTION", "ROWS", "DELETED", "IN MEMORY", "SEGMENTS", "NLIST", "PARTITIONS",
                "INDEXED", "SIZE",
            ],
            rows
        )
        for collection in collections { advise(collection) }
    }

    /// Says what an operator may want to act on.
    private func advise(_ collection: JSONNode) {
        let name = collection["name"]?.text ?? ""
        for report in collection["live_recall"]?.elements ?? [] {
            Terminal.result(
                "\(name): live recall \(Terminal.decimals(report["recall"]?.number ?? 0, 3)) for "
                    + "\(Terminal.decimals(report["target"]?.number ?? 0, 3)) asked, "
                    + "\(report["samples"]?.integer ?? 0) searches, filter: "
                    + (report["band"]?.text ?? "")
            )
        }
        let savings = collection["rebuild_savings"]?.number ?? 0
        if savings >= Self.worthwhileSavings {
            Terminal.result(
                "\(name): a rebuild would shorten the average search by "
                    + "\(Terminal.decimals(savings * 100, 0)) %: vector-server rebuild-index \(name)"
            )
        }
    }

    /// The least share of a search for which a rebuild is advised.
    private static let worthwhileSavings = 0.1
}
