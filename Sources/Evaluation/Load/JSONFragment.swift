/// A JSON value of any shape, as it stands in a file or an answer.
package enum JSONFragment: Codable, Sendable, Equatable {
    case null
    case flag(Bool)
    case number(Double)
    case text(String)
    case array([JSONFragment])
    case object([String: JSONFragment])

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .flag(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([JSONFragment].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONFragment].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .flag(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .array(let values): try container.encode(values)
        case .object(let members): try container.encode(members)
        }
    }

    /// The member of an object; nil when there is none.
    package subscript(name: String) -> JSONFragment? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    /// The elements of an array; empty for anything else.
    package var elements: [JSONFragment] {
        if case .array(let values) = self { values } else { [] }
    }

    /// The string, if it is one.
    package var string: String? {
        if case .text(let value) = self { value } else { nil }
    }

    /// The number, if it is one.
    package var double: Double? {
        if case .number(let value) = self { value } else { nil }
    }
}
