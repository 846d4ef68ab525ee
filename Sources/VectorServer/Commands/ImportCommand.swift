import ArgumentParser
import Evaluation
import PostgresPool
import VectorService

/// Imports records from a file.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Import records from a file with one JSON object a line.",
        discussion: """
            Fields that are declared attributes become attributes, the rest becomes the payload.
            Vectors stand in the lines or in a file beside them, row by row. An import that was
            interrupted goes on with --resume; repeating one changes nothing.

            Examples:
              vector-server import lectures --jsonl chunks.jsonl
              vector-server import lectures --jsonl chunks.jsonl --vectors chunks.fbin --resume
              vector-server import lectures --jsonl rows.jsonl --id-field chunk_id \\
                  --vector-field embedding
              vector-server import lectures --jsonl chunks.jsonl --config vector-server.yaml \\
                  --metadata --create-table
            """
    )

    @Argument(help: "The collection.")
    var collection: CollectionName

    @Option(help: ArgumentHelp("The file of lines.", valueName: "file"))
    var jsonl: String

    @Option(
        help: ArgumentHelp(
            "The file of vectors (\(VectorFileReader.formats)); row i belongs to line i.",
            valueName: "file"
        )
    )
    var vectors: String?

    @Option(help: "The field that holds the id: a string or an unsigned integer.")
    var idField = "id"

    @Option(help: "The field that holds the vector.")
    var vectorField = "vector"

    @Option(help: "The field that holds the partition. Default: the collection's partition key.")
    var partitionField: String?

    @Option(help: "Records sent at once, 1 to 10000.")
    var batch = 500

    @Flag(help: "Go on where the last import of this file into this collection was interrupted.")
    var resume = false

    @Flag(help: "Write the metadata to the collection's Postgres table, not into the payload.")
    var metadata = false

    @Flag(help: "Create the metadata table if there is none, its types taken from the first line.")
    var createTable = false

    @OptionGroup var location: StoreLocation
    @OptionGroup var options: ConfigurationOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard metadata || !createTable else {
            throw ValidationError("--create-table needs --metadata.")
        }
        guard 1...10_000 ~= batch else {
            throw ValidationError("--batch takes 1 to 10000.")
        }
    }

    func run() async throws {
        let statePath = ImportState.path(jsonl: jsonl, collection: collection.text)
        let saved = try ImportState.load(statePath)
        if let saved, !resume {
            Terminal.message(
                "an earlier import stopped after line \(saved.lineCount); importing all "
                    + "again (--resume would go on there)"
            )
        }
        let packed = try vectors.map(Self.reader)
        let settings = try options.settings(location.flags)
        let postgres = try metadata ? Self.postgres(settings, collection.text) : nil
        do {
            try await run(location.resolved(settings), packed, saved, statePath, postgres?.writer)
        } catch {
            await postgres?.pool.close()
            throw error
        }
        await postgres?.pool.close()
    }

    /// The pool and the table of a collection, as the settings have them.
    private static func postgres(
        _ settings: Settings,
        _ collection: String
    ) throws -> (pool: PostgresPool, writer: MetadataWriter) {
        let service = try ServiceOptions(settings)
        guard let table = service.tables.first(where: { $0.collection == collection }),
            var configuration = service.postgres
        else {
            throw CommandFailure(
                message: "--metadata needs metadata.collections.\(collection) and postgres.url in "
                    + "the configuration; see --config"
            )
        }
        configuration.minimumIdleCount = 0
        let pool = PostgresPool(configuration)
        return (pool, MetadataWriter(table: table, pool: pool))
    }

    private func run(
        _ location: StoreLocation,
        _ packed: VectorFileReader?,
        _ saved: ImportState?,
        _ statePath: String,
        _ writer: MetadataWriter?
    ) async throws {
        try await location.withClient { client in
            let configuration = try await client.json("GET", collection.path())
            let store = try await client.json("GET", "/v1/stats")["store_id"]?.text ?? ""
            var state = ImportState(
                collection: collection.text,
                lineCount: 0,
                offset: 0,
                store: store,
                tail: ""
            )
            if let saved, resume {
                try saved.check(store: store, jsonl: jsonl, path: statePath)
                state = saved
                Terminal.message("going on after line \(saved.lineCount)")
            }
            var translator = LineTranslator(idField: idField, vectorField: vectorField)
            if let key = configuration["partition_by"]?.text {
                translator.partitionField = partitionField ?? key
            } else {
                translator.partitionField = partitionField
            }
            translator.attributes = Set((configuration["attributes"]?.members ?? []).map(\.key))
            translator.metadata = writer.map { ($0.table.idColumn, $0.table.columns) }
            if let packed, let dimension = configuration["dimension"]?.integer,
                packed.dimension != dimension
            {
                throw CommandFailure(
                    message: "the file has vectors of \(packed.dimension) floats, the collection "
                        + "takes \(dimension)"
                )
            }
            var importer = Importer(
                client: client,
                collection: collection,
                jsonl: jsonl,
                vectors: packed,
                batchCount: batch,
                translator: translator,
                statePath: statePath
            )
            importer.metadata = writer
            importer.createsTable = createTable
            let result = try await importer.run(from: state)
            if output.json {
                Terminal.result(
                    json: JSONWriter.text { writer in
                        writer.member("lines", result.lines)
                        writer.member("records", result.records)
                    }
                )
            }
        }
    }

    private static func reader(_ path: String) throws -> VectorFileReader {
        do {
            return try VectorFileReader(path)
        } catch {
            throw CommandFailure(error)
        }
    }
}
