import ArgumentParser
import Glibc
import VectorService

/// Where settings come from: the options of every command that reads them.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The configuration file. Default: $VS_CONFIG.", valueName: "file")
    )
    var config: String?

    @Option(
        name: .customLong("set"),
        parsing: .singleValue,
        help: ArgumentHelp(
            "A setting, as in limits.connections=500. Repeatable.",
            valueName: "name=value"
        )
    )
    var assignments: [String] = []

    /// The settings, checked.
    ///
    /// - Parameter flags: What the command's own options say; they win over `--set`.
    func settings(_ flags: [String: String?] = [:]) throws -> Settings {
        var texts: [String: String] = [:]
        for assignment in assignments {
            guard let sign = assignment.firstIndex(of: "=") else {
                throw ValidationError("'\(assignment)' is not NAME=VALUE.")
            }
            texts[String(assignment[..<sign])] = String(
                assignment[assignment.index(after: sign)...]
            )
        }
        for case (let key, let text?) in flags { texts[key] = text }
        do {
            return try Settings(flags: texts, file: try file())
        } catch let error as ConfigurationError {
            throw CommandFailure(error)
        }
    }

    private func file() throws -> ConfigurationFile? {
        guard let path = config ?? Terminal.environment("VS_CONFIG"), !path.isEmpty else {
            return nil
        }
        let text = String(decoding: try InputFile.all(of: path), as: UTF8.self)
        return try ConfigurationFile(path: path, text: text)
    }
}

extension CommandFailure {
    /// A setting that cannot be used.
    ///
    /// A service manager should not start again after 78 (EX_CONFIG).
    init(_ error: ConfigurationError) {
        message = error.description
        code = 78
    }
}

extension ServiceOptions {
    /// Reads the settings, and the files they name.
    init(_ settings: Settings) throws {
        do {
            try self.init(settings) { path in
                String(decoding: try InputFile.all(of: path), as: UTF8.self)
            }
        } catch {
            throw CommandFailure(error)
        }
    }
}
