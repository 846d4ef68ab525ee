import ArgumentParser
import VectorService

/// An id on the command line: `7` is an integer, `uuid:…` a UUID, anything else a string, and
/// `'"7"'` (JSON) the string 7.
struct IDArgument: ExpressibleByArgument {
    /// The id as JSON.
    let json: [UInt8]

    init?(argument: String) {
        if argument.hasPrefix("uuid:") {
            json = JSONWriter.text { $0.member("uuid", String(argument.dropFirst(5))) }
            return
        }
        let node = try? JSONScanner.parse(Array(argument.utf8))
        switch node?.value {
        case .unsigned, .string: json = Array(argument.utf8)
        default:
            var writer = JSONWriter()
            writer.value(argument)
            json = writer.bytes
        }
    }

    static let help = "7 is an integer, uuid:… a UUID, '\"7\"' the string 7."
}

/// Writes ids as a person would.
func plainID(_ node: JSONNode?) -> String {
    switch node?.value {
    case .string(let text): text
    case .unsigned(let number): String(number)
    default: node?["uuid"]?.text ?? ""
    }
}

/// Reads records by id.
struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Read records by id, one JSON line each.",
        discussion: "Exit code 3 when none of them exists."
    )

    @Argument(help: "The collection.")
    var collection: CollectionName

    @Argument(help: ArgumentHelp("The ids. \(IDArgument.help)"))
    var ids: [IDArgument]

    @Flag(help: "With their vectors.")
    var vectors = false

    @OptionGroup var location: StoreLocation
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let body = JSONWriter.text { writer in
            writer.key("ids")
            writer.array { for id in ids { $0.embed(id.json) } }
            writer.key("include")
            writer.array { writer in
                writer.value("attributes")
                writer.value("payload")
                if vectors { writer.value("vector") }
            }
        }
        try await location.withClient { client in
            let text = try await client.send("POST", collection.path("records/get"), body: body)
            let answer = try JSONScanner.parse(text, vectorKey: nil)
            let records = answer["records"]?.elements ?? []
            if output.json {
                Terminal.result(json: text)
            } else {
                for record in records where record.value != .null {
                    Terminal.result(json: Array(text[record.range]))
                }
            }
            let missing = records.filter { $0.value == .null }.count
            if missing == records.count {
                throw CommandFailure.notReady("no record has this id")
            }
            if missing > 0 { Terminal.message("\(missing) of \(records.count) do not exist") }
        }
    }
}

/// Deletes records or a collection.
struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete records by id, filter or partition, or drop the collection.",
        discussion: """
            Examples:
              vector-server delete lectures --id chunk-17
              vector-server delete lectures --partition u1 --filter '{"video_id":"v9"}'
              vector-server delete lectures --drop --yes
            """
    )

    @Argument(help: "The collection.")
    var collection: CollectionName

    @Option(name: .customLong("id"), parsing: .singleValue, help: "\(IDArgument.help) Repeatable.")
    var ids: [IDArgument] = []

    @Option(parsing: .unconditional, help: "Only records of this partition.")
    var partition: String?

    @Option(help: ArgumentHelp("Only records that match.", valueName: "json"))
    var filter: String?

    @Flag(help: "Drop the collection and all its records; needs --yes.")
    var drop = false

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var location: StoreLocation
    @OptionGroup var output: OutputOptions

    func validate() throws {
        let isSelective = filter != nil || partition != nil
        let choices = [drop, !ids.isEmpty, isSelective].filter { $0 }.count
        guard choices == 1 else {
            throw ValidationError("Give --id, or --filter and --partition, or --drop.")
        }
        guard !drop || yes else {
            throw ValidationError("--drop deletes every record of the collection; add --yes.")
        }
    }

    func run() async throws {
        try await location.withClient { client in
            if drop {
                _ = try await client.send("DELETE", collection.path())
                Terminal.message("collection \(collection.text) is gone")
                return
            }
            let filterText = try filter.map { try checkedJSON($0, option: "--filter") }
            let body = JSONWriter.text { writer in
                if !ids.isEmpty {
                    writer.key("ids")
                    writer.array { for id in ids { $0.embed(id.json) } }
                }
                if let partition { writer.member("partition", partition) }
                if let filterText {
                    writer.key("filter")
                    writer.embed(filterText)
                }
            }
            let text = try await client.send("POST", collection.path("records/delete"), body: body)
            if output.json { return Terminal.result(json: text) }
            let answer = try JSONScanner.parse(text, vectorKey: nil)
            Terminal.message("deleted \(answer["count"]?.integer ?? 0) records")
        }
    }
}

/// The bytes of a JSON option, checked here so that the message names the option.
func checkedJSON(_ text: String, option: String) throws -> [UInt8] {
    let bytes = Array(text.utf8)
    do {
        _ = try JSONScanner.parse(bytes)
        return bytes
    } catch {
        throw ValidationError("\(option) is not JSON: \(error).")
    }
}
