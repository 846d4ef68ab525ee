import ArgumentParser

/// `vector-bench`: measures recall, latency and write rates, and makes data to measure with.
@main
struct BenchTool: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vector-bench",
        abstract: "Measure recall, latency and write rates of the vector store.",
        discussion: """
            Examples:
              vector-bench generate --count 100000 --dimension 384 --out data
              vector-bench recall --base data/base.fbin --queries data/query.fbin \
            --truth data/gt100.ibin
              vector-bench ingest --dimension 384 --batch 1,10,100,1000
            """,
        subcommands: [
            RecallCommand.self, FilteredCommand.self, GenerateCommand.self, ExpandCommand.self,
            IngestCommand.self, LecturesCommand.self,
        ]
    )
}
