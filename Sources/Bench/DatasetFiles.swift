import ArgumentParser
import Foundation

/// The three files of a data set, given one by one or by their directory.
struct DatasetFiles {
    /// A directory, or a file of ann-benchmarks.
    var data: String?
    /// Paths in place of what `data` holds.
    var base: String?
    var queries: String?
    var truth: String?

    /// The vectors to store.
    func basePath() throws -> String {
        try file(base, "base", "train", ["base.fbin", "base.f16bin", "chunks.fbin"])
    }

    /// The query vectors.
    func queryPath() throws -> String {
        try file(queries, "queries", "test", ["query.fbin", "queries.fbin"])
    }

    /// The true neighbours.
    func truthPath() throws -> String {
        try file(truth, "truth", "neighbors", ["gt100.ibin", "truth100.ibin"])
    }

    private func file(
        _ given: String?,
        _ option: String,
        _ table: String,
        _ names: [String]
    ) throws -> String {
        if let given { return given }
        guard let data else {
            throw ValidationError("give --\(option), or --data with a directory")
        }
        if data.hasSuffix(".hdf5") || data.hasSuffix(".h5") { return data + ":" + table }
        let paths = names.map { data + "/" + $0 }
        guard let found = paths.first(where: FileManager.default.fileExists) else {
            throw BenchError("\(data) holds none of \(names.joined(separator: ", "))")
        }
        return found
    }
}

/// The options that name a data set with its truth.
struct DatasetOptions: ParsableArguments {
    @Option(help: "A directory with base.*, query.* and gt100.ibin (or the fixture's names).")
    var data: String?

    @Option(help: "The vectors to store.")
    var base: String?

    @Option(help: "The query vectors.")
    var queries: String?

    @Option(help: "The true neighbours.")
    var truth: String?

    var files: DatasetFiles {
        DatasetFiles(data: data, base: base, queries: queries, truth: truth)
    }
}
