import ArgumentParser
import VectorService

/// Finds the nearest records.
struct QueryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Find the nearest records of a vector, or of a record.",
        discussion: """
            Examples:
              vector-server query lectures --vector @question.json --partition u1 -k 5
              echo '[0.1,0.2,0.3]' | vector-server query lectures --vector - --json
              vector-server query lectures --id chunk-17 --filter '{"lang":"en"}' --explain

            Exit code 3 when nothing matches.
            """
    )

    @Argument(help: "The collection.")
    var collection: CollectionName

    @Option(
        help: ArgumentHelp(
            "A JSON array, @FILE that holds one, or - for standard input.",
            valueName: "vector"
        )
    )
    var vector: String?

    @Option(help: ArgumentHelp("A record whose neighbours are wanted. \(IDArgument.help)"))
    var id: IDArgument?

    @Option(parsing: .unconditional, help: "Search only this partition.")
    var partition: String?

    @Option(help: ArgumentHelp("Search only records that match.", valueName: "json"))
    var filter: String?

    @Option(name: [.customShort("k"), .customLong("limit")], help: "How many matches.")
    var limit: Int = 10

    @Option(help: "Only matches whose cosine similarity is greater.")
    var minSimilarity: Double?

    @Option(help: "The share of the true nearest to find; 1 is exact. Default: 0.95.")
    var recall: Double?

    @Flag(help: "Say how the answer was found.")
    var explain = false

    @OptionGroup var location: StoreLocation
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (vector == nil) != (id == nil) else {
            throw ValidationError("Give either --vector or --id.")
        }
    }

    func run() async throws {
        let body = try body()
        try await location.withClient { client in
            let text = try await client.send("POST", collection.path("query"), body: body)
            let answer = try JSONScanner.parse(text, vectorKey: nil)
            let matches = answer["matches"]?.elements ?? []
            if output.json {
                Terminal.result(json: text)
            } else {
                show(matches, answer, text: text)
            }
            if matches.isEmpty { throw CommandFailure.notReady("nothing matches") }
        }
    }

    private func body() throws -> [UInt8] {
        let vectorText = try vector.map { (text) throws -> [UInt8] in
            if text == "-" { return try InputFile.all(of: nil) }
            if text.hasPrefix("@") { return try InputFile.all(of: String(text.dropFirst())) }
            return Array(text.utf8)
        }
        if let vectorText {
            _ = try checkedJSON(String(decoding: vectorText, as: UTF8.self), option: "--vector")
        }
        let filterText = try filter.map { try checkedJSON($0, option: "--filter") }
        return JSONWriter.text { writer in
            if let vectorText {
                writer.key("vector")
                writer.embed(vectorText)
            }
            if let id {
                writer.key("id")
                writer.embed(id.json)
            }
            if let partition { writer.member("partition", partition) }
            if let filterText {
                writer.key("filter")
                writer.embed(filterText)
            }
            writer.member("limit", limit)
            if let minSimilarity { writer.member("min_similarity", minSimilarity) }
            if let recall { writer.member("recall", recall) }
            if explain { writer.member("explain", true) }
        }
    }

    private func show(_ matches: [JSONNode], _ answer: JSONNode, text: [UInt8]) {
        if !matches.isEmpty {
            let rows = matches.map { match in
                let attributes = (match["attributes"]?.members ?? []).map { member in
                    "\(member.key)=\(plain(member.node, text))"
                }
                return [
                    Terminal.decimals(match["similarity"]?.number ?? 0, 4), plainID(match["id"]),
                    match["partition"]?.text ?? "-", attributes.joined(separator: " "),
                    String((match["payload"].map { plain($0, text) } ?? "").prefix(80)),
                ]
            }
            Terminal.table(["SIMILARITY", "ID", "PARTITION", "ATTRIBUTES", "PAYLOAD"], rows)
        }
        let statistics = answer["stats"]
        if let explanation = answer["explain"]?.text { Terminal.message(explanation) }
        Terminal.message(
            "\(matches.count) matches, \(statistics?["mode"]?.text ?? ""), "
                + "\(statistics?["rows_scanned"]?.integer ?? 0) rows scanned, "
                + "\(Terminal.decimals(statistics?["took_ms"]?.number ?? 0, 3)) ms"
        )
    }

    private func plain(_ node: JSONNode, _ text: [UInt8]) -> String {
        node.text ?? String(decoding: text[node.range], as: UTF8.self)
    }
}
