import Yams

/// A value of the configuration file with the line it stands on.
package struct ConfigurationNode: Sendable, Equatable {
    /// What a node can be.
    package enum Value: Sendable, Equatable {
        /// Nothing stands there.
        case empty
        /// Text, a number or a Boolean, as it is written; text in quotes is nothing but text.
        case scalar(String, isQuoted: Bool)
        /// A list.
        case sequence([ConfigurationNode])
        /// Names and their values, in the order of the file.
        case mapping([Member])
    }

    /// A name and its value.
    package struct Member: Sendable, Equatable {
        /// The name.
        package var key: String
        /// The value.
        package var node: ConfigurationNode
    }

    /// The value.
    package var value: Value
    /// The names that lead here, joined by dots.
    package var path: String
    /// The 1-based line.
    package var line: Int

    /// The value under a name, if this is a mapping that has it.
    package subscript(_ key: String) -> ConfigurationNode? {
        members?.first { $0.key == key }?.node
    }

    /// The names and values, if this is a mapping.
    package var members: [Member]? {
        guard case .mapping(let members) = value else { return nil }
        return members
    }

    /// The text, if this is a scalar.
    package var text: String? {
        guard case .scalar(let text, _) = value else { return nil }
        return text
    }

    /// The elements, if this is a list.
    package var elements: [ConfigurationNode]? {
        guard case .sequence(let nodes) = value else { return nil }
        return nodes
    }
}

extension ConfigurationNode {
    /// The value as JSON would have it: numbers and Booleans that are not in quotes are no text.
    package var json: JSONNode {
        switch value {
        case .empty: return JSONNode(.null)
        case .scalar(let text, let isQuoted):
            let parsed = isQuoted ? nil : try? JSONScanner.parse(Array(text.utf8), vectorKey: nil)
            switch parsed?.value {
            case .bool, .unsigned, .signed, .double: return JSONNode(parsed?.value ?? .null)
            default: return JSONNode(.string(text))
            }
        case .sequence(let nodes): return JSONNode(.array(nodes.map(\.json)))
        case .mapping(let members):
            return JSONNode(
                .object(members.map { JSONMember(key: $0.key, node: $0.node.json) })
            )
        }
    }

    /// The node at a path of names joined by dots, or the nearest one above it.
    package func nearest(_ path: String) -> ConfigurationNode {
        var node = self
        var rest = path[...]
        while !rest.isEmpty {
            let next = (node.members ?? []).filter {
                rest == $0.key || rest.hasPrefix($0.key + ".") || rest.hasPrefix($0.key + "[")
            }.max { $0.key.count < $1.key.count }
            guard let next else { return node }
            node = next.node
            rest = rest.dropFirst(next.key.count)
            if rest.first == "." { rest = rest.dropFirst() }
        }
        return node
    }
}

/// The configuration file: YAML, kept with its lines.
package struct ConfigurationFile: Sendable {
    /// Where it came from, for messages.
    package let path: String
    /// The whole of it.
    package let root: ConfigurationNode

    /// Reads the text of a file.
    package init(path: String, text: String) throws(ConfigurationError) {
        self.path = path
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw Self.error(error, path: path)
        }
        guard let node else {
            root = ConfigurationNode(value: .mapping([]), path: "", line: 1)
            return
        }
        guard case .mapping = node else {
            throw ConfigurationError(
                file: path,
                line: node.mark?.line ?? 1,
                message: "the file must hold names and values, as in \"log:\""
            )
        }
        root = try Self.convert(node, path: "", file: path)
    }

    /// An error at a place of this file.
    package func error(_ node: ConfigurationNode, _ message: String) -> ConfigurationError {
        ConfigurationError(file: path, line: node.line, key: node.path, message: message)
    }

    private static func convert(
        _ node: Node,
        path: String,
        file: String
    ) throws(ConfigurationError) -> ConfigurationNode {
        let line = node.mark?.line ?? 1
        func failure(_ message: String) -> ConfigurationError {
            ConfigurationError(file: file, line: line, key: path, message: message)
        }
        switch node {
        case .scalar(let scalar):
            let isEmpty =
                scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
            return ConfigurationNode(
                value: isEmpty
                    ? .empty : .scalar(scalar.string, isQuoted: scalar.style != .plain),
                path: path,
                line: line
            )
        case .sequence(let sequence):
            var nodes: [ConfigurationNode] = []
            for (index, element) in sequence.enumerated() {
                nodes.append(try convert(element, path: "\(path)[\(index)]", file: file))
            }
            return ConfigurationNode(value: .sequence(nodes), path: path, line: line)
        case .mapping(let mapping):
            var members: [ConfigurationNode.Member] = []
            for (key, value) in mapping {
                guard case .scalar(let scalar) = key else {
                    throw failure("a name must be text")
                }
                let place = path.isEmpty ? scalar.string : "\(path).\(scalar.string)"
                var node = try convert(value, path: place, file: file)
                // A value's own mark may stand on a later line than its name.
                node.line = key.mark?.line ?? node.line
                members.append(.init(key: scalar.string, node: node))
            }
            return ConfigurationNode(value: .mapping(members), path: path, line: line)
        case .alias:
            throw failure("aliases are not read; write the value out")
        }
    }

    private static func error(_ error: any Error, path: String) -> ConfigurationError {
        guard let error = error as? YamlError else {
            return ConfigurationError(file: path, message: "\(error)")
        }
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return ConfigurationError(file: path, line: mark.line, message: "not YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            return ConfigurationError(
                file: path,
                line: context.mark.line,
                message: "given twice: \(keys.joined(separator: ", "))"
            )
        default:
            return ConfigurationError(file: path, message: "not YAML: \(error)")
        }
    }
}

/// A setting that cannot be used: where it stands, what is wrong, what to write instead.
package struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file, or what else the setting came from.
    package var file: String
    /// The 1-based line, if it came from a file.
    package var line: Int?
    /// The setting's name.
    package var key: String?
    /// What is wrong and what to write instead.
    package var message: String

    /// Describes an error.
    package init(file: String, line: Int? = nil, key: String? = nil, message: String) {
        self.file = file
        self.line = line
        self.key = key
        self.message = message
    }

    /// Place, name and reason in one line.
    package var description: String {
        let place = line.map { "\(file):\($0)" } ?? file
        let name = (key ?? "").isEmpty ? "" : "\(key ?? "") "
        return "\(place): \(name)\(message)"
    }
}
