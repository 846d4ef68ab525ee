// The settings of one run.
//
// - A flag wins over the environment, that over the file, that over the default.
// - Every value has been checked before anything is started, and an error names the place of the
//   value: the flag, the variable, or the file and its line.
// - A name that is no setting is refused: a mistyped limit must not leave the default in force.

import Configuration
import Foundation
import Synchronization

/// Every setting with its value and where that came from.
package struct Settings: Sendable {
    /// Where a value came from.
    package enum Origin: Sendable, Equatable, CustomStringConvertible {
        /// A flag of the command.
        case flag
        /// A variable of the environment.
        case environment(String)
        /// A line of the file.
        case file(String, line: Int)
        /// Nobody set it.
        case byDefault

        /// For people.
        package var description: String {
            switch self {
            case .flag: "flag"
            case .environment(let name): "environment \(name)"
            case .file(let path, let line): "\(path):\(line)"
            case .byDefault: "default"
            }
        }
    }

    /// A setting's value.
    package struct Value: Sendable {
        /// The setting.
        package var setting: Setting
        /// Its value as text; empty when there is none.
        package var text: String
        /// Where it came from.
        package var origin: Origin
    }

    /// The values, in the order of `Setting.all`.
    package let values: [Value]
    /// The file, if there is one.
    package let file: ConfigurationFile?
    /// Variables that begin as settings do and are none.
    package let unknownVariables: [String]

    /// Brings flags, environment and file together and checks every value.
    package init(
        flags: [String: String] = [:],
        environment: [String: String] = ProcessInfo.processInfo.environment,
        file: ConfigurationFile? = nil
    ) throws(ConfigurationError) {
        self.file = file
        for (key, _) in flags.sorted(by: { $0.key < $1.key }) {
            guard let setting = Setting.named(key) else {
                throw ConfigurationError(
                    file: "--set",
                    key: key,
                    message: Self.unknown(key)
                )
            }
            guard !setting.isSecret else {
                throw ConfigurationError(
                    file: "--set",
                    key: key,
                    message: "is secret and everybody sees the flags of a process; set "
                        + "\(setting.environmentName) or write it into the file"
                )
            }
        }
        let lines = try file.map { (file) throws(ConfigurationError) in try Self.scalars(file) }
        let origins = OriginReporter()
        let reader = ConfigReader(
            providers: [
                InMemoryProvider(name: "flags", values: Self.provided(flags)),
                EnvironmentVariablesProvider(environmentVariables: environment)
                    .prefixKeys(with: "VS"),
                InMemoryProvider(
                    name: "file",
                    values: Self.provided((lines ?? [:]).mapValues(\.text))
                ),
            ],
            accessReporter: origins
        )
        var values: [Value] = []
        for setting in Setting.all {
            let text = reader.string(forKey: ConfigKey(setting.key), isSecret: setting.isSecret)
            let origin: Origin =
                switch origins.lastProvider {
                case 0: .flag
                case 1: .environment(setting.environmentName)
                case 2: .file(file?.path ?? "", line: lines?[setting.key]?.line ?? 0)
                default: .byDefault
                }
            let value = Value(
                setting: setting,
                text: text ?? setting.defaultText,
                origin: origin
            )
            if text != nil, let objection = setting.objection(to: value.text) {
                throw Self.error(value, objection)
            }
            values.append(value)
        }
        self.values = values
        let known = Set(Setting.all.map(\.environmentName))
        unknownVariables = environment.keys.filter {
            $0.hasPrefix("VS_") && $0 != "VS_CONFIG" && !known.contains($0)
        }.sorted()
    }

    /// An error at the place a value came from.
    package static func error(_ value: Value, _ message: String) -> ConfigurationError {
        switch value.origin {
        case .flag: .init(file: "--set", key: value.setting.key, message: message)
        case .environment(let name): .init(file: name, message: message)
        case .file(let path, let line):
            .init(file: path, line: line, key: value.setting.key, message: message)
        case .byDefault: .init(file: "default", key: value.setting.key, message: message)
        }
    }

    /// The names of the settings, and of the file's open sections, that differ from another reading.
    package func changed(since old: Settings) -> [String] {
        var names: [String] = []
        for (new, old) in zip(values, old.values) where new.text != old.text {
            names.append(new.setting.key)
        }
        for section in Setting.openSections.sorted()
        where sectionText(section) != old.sectionText(section) {
            names.append(section)
        }
        return names
    }

    private func sectionText(_ name: String) -> [UInt8] {
        var node = file?.root.json
        for part in name.split(separator: ".") { node = node?[String(part)] }
        var writer = JSONWriter()
        if let node { writer.value(node) }
        return writer.bytes
    }

    // MARK: Values

    /// The value of a setting.
    package func value(_ key: String) -> Value {
        guard let value = values.first(where: { $0.setting.key == key }) else {
            preconditionFailure("no setting \(key)")
        }
        return value
    }

    /// The text of a setting; nil when it is empty.
    package func text(_ key: String) -> String? {
        let text = value(key).text
        return text.isEmpty ? nil : text
    }

    /// The number of a setting.
    package func integer(_ key: String) -> Int { checked(key) { Int($0) } }
    /// The flag of a setting.
    package func flag(_ key: String) -> Bool { checked(key, Setting.flag) }
    /// The time of a setting.
    package func duration(_ key: String) -> Duration { checked(key, Setting.duration) }
    /// The bytes of a setting.
    package func bytes(_ key: String) -> Int { checked(key, Setting.bytes) }

    private func checked<Result>(_ key: String, _ read: (String) -> Result?) -> Result {
        guard let result = read(value(key).text) else {
            preconditionFailure("\(key) was not checked, or has another kind")
        }
        return result
    }

    // MARK: The file

    private static func provided(_ texts: [String: String]) -> [AbsoluteConfigKey: ConfigValue] {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (key, text) in texts {
            values[AbsoluteConfigKey(ConfigKey(key))] = ConfigValue(.string(text), isSecret: false)
        }
        return values
    }

    private static func scalars(
        _ file: ConfigurationFile
    ) throws(ConfigurationError) -> [String: (text: String, line: Int)] {
        var found: [String: (text: String, line: Int)] = [:]
        var open = [file.root]
        while let node = open.popLast() {
            for member in node.members ?? [] where !Setting.openSections.contains(member.node.path)
            {
                let node = member.node
                switch node.value {
                case .mapping:
                    let isSection = Setting.all.contains { $0.key.hasPrefix(node.path + ".") }
                    guard isSection else { throw file.error(node, unknown(node.path)) }
                    open.append(node)
                case .scalar(let text, _):
                    guard Setting.named(node.path) != nil else {
                        throw file.error(node, unknown(node.path))
                    }
                    found[node.path] = (text, node.line)
                case .empty: throw file.error(node, "has no value; write one or remove the line")
                case .sequence: throw file.error(node, "must not be a list")
                }
            }
        }
        return found
    }

    /// Says that a name is none, and which one may have been meant.
    private static func unknown(_ key: String) -> String {
        let names = Setting.all.map(\.key) + Setting.openSections
        let near = names.min { distance($0, key) < distance($1, key) }
        if let near, distance(near, key) <= 1 + key.count / 3 {
            return "is no setting; did you mean \(near)?"
        }
        return "is no setting; vector-server config print lists them"
    }

    /// Levenshtein's distance.
    private static func distance(_ first: String, _ second: String) -> Int {
        let other = Array(second)
        var row = Array(0...other.count)
        for (index, character) in first.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in other.indices {
                let cost = diagonal + (other[column] == character ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(cost, diagonal + 1, row[column] + 1)
            }
        }
        return row[other.count]
    }
}

/// Remembers which provider gave the value read last.
private final class OriginReporter: AccessReporter {
    private let last = Mutex<Int?>(nil)

    var lastProvider: Int? { last.withLock { $0 } }

    func report(_ event: AccessEvent) {
        let place = event.providerResults.firstIndex { result in
            guard case .success(let lookup) = result.result else { return false }
            return lookup.value != nil
        }
        last.withLock { $0 = place }
    }
}
