import ArgumentParser
import VectorService

/// Shows and checks settings.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Show the settings, or check a configuration file.",
        subcommands: [PrintCommand.self, CheckCommand.self]
    )

    /// Prints every setting.
    struct PrintCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "print",
            abstract: "Print every setting with its value; secret ones are not shown.",
            discussion: """
                A flag wins over the environment, that over the file, that over the default. The output
                without --show-origin is a configuration file.

                Example:
                  vector-server config print --config vector-server.yaml --show-origin
                """
        )

        @Flag(help: "Say where each value comes from.")
        var showOrigin = false

        @Flag(name: .customLong("describe"), help: "Say what each setting does.")
        var describes = false

        @OptionGroup var options: ConfigurationOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let settings = try options.settings()
            _ = try ServiceOptions(settings)
            for name in settings.unknownVariables {
                Terminal.message("warning: \(name) is no setting")
            }
            if output.json { return printJSON(settings) }
            if showOrigin {
                return Terminal.table(
                    ["SETTING", "VALUE", "ORIGIN"],
                    settings.values.map { value in
                        [value.setting.key, Self.shown(value), "\(value.origin)"]
                    }
                )
            }
            var section = ""
            for value in settings.values {
                let parts = value.setting.key.split(separator: ".").map(String.init)
                let indent = parts.count > 1 ? "  " : ""
                if parts.count > 1, parts[0] != section {
                    section = parts[0]
                    Terminal.result("\(section):")
                }
                if describes { Terminal.result("\(indent)# \(value.setting.help)") }
                // A line without a value would be refused when it is read.
                let isShown = !value.text.isEmpty && !value.setting.isSecret
                let mark = isShown ? "" : "# "
                let text = isShown ? Self.yaml(value.text) : Self.shown(value)
                Terminal.result("\(indent)\(mark)\(parts[parts.count - 1]): \(text)")
            }
        }

        /// Text that YAML reads as it stands, in quotes where it would not.
        private static func yaml(_ text: String) -> String {
            let isPlain = text.allSatisfy {
                $0.isLetter || $0.isNumber || "._/-".contains($0)
            }
            return isPlain && text.first != "-"
                ? text
                : "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
        }

        private static func shown(_ value: Settings.Value) -> String {
            if value.text.isEmpty { return "" }
            return value.setting.isSecret ? "(secret)" : value.text
        }

        private func printJSON(_ settings: Settings) {
            Terminal.result(
                json: JSONWriter.text { writer in
                    for value in settings.values {
                        writer.key(named: value.setting.key)
                        writer.object { writer in
                            writer.member("value", Self.shown(value))
                            writer.member("origin", "\(value.origin)")
                        }
                    }
                }
            )
        }
    }

    /// Checks a file.
    struct CheckCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Check a configuration; the first error names file, line and setting."
        )

        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let settings = try options.settings()
            let service = try ServiceOptions(settings)
            if let file = settings.file {
                do {
                    _ = try SurfaceSettings(file.root.json)
                } catch {
                    let node = file.root.nearest(error.place)
                    throw CommandFailure(file.error(node, error.description))
                }
            }
            Terminal.message(
                "the configuration is in order: \(settings.values.count) settings, "
                    + "\(service.tables.count) metadata tables"
            )
        }
    }
}
