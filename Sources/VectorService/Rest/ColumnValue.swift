/// A value in a row that a function returns; SQL's null is `nil` beside it.
enum ColumnValue: Sendable, Equatable {
    case text(String)
    case integer(Int64)
    case unsigned(UInt64)
    case double(Double)
    case bool(Bool)
    /// A JSON value, as a `jsonb` column holds it.
    case json(JSONNode)
    /// A vector, which PostgREST sends as text since it has no JSON cast.
    case vector([Float])

    /// What a scalar of JSON is when nobody declared its type.
    static func inferred(_ node: JSONNode) -> ColumnValue? {
        switch node.value {
        case .null: nil
        case .string(let text): .text(text)
        case .bool(let flag): .bool(flag)
        case .unsigned(let number): Int64(exactly: number).map { .integer($0) } ?? .unsigned(number)
        case .signed(let number): .integer(number)
        case .double(let number): .double(number)
        case .floats, .array, .object: .json(node)
        }
    }

    /// The number, for comparing; nil when it is none.
    var number: Double? {
        switch self {
        case .integer(let number): Double(number)
        case .unsigned(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }

    /// The text that a cast to `text` gives, as `->>` and CSV need it.
    var text: String {
        switch self {
        case .text(let text): return text
        case .integer(let number): return String(number)
        case .unsigned(let number): return String(number)
        case .double(let number): return ColumnValue.text(of: number)
        case .bool(let flag): return flag ? "true" : "false"
        case .vector(let floats): return ColumnValue.text(of: floats)
        case .json(let node):
            var writer = JSONWriter()
            writer.value(node)
            return String(decoding: writer.bytes, as: UTF8.self)
        }
    }

    /// The form of PostgreSQL's `float8out`: no `.0` behind an integer.
    static func text(of number: Double) -> String {
        if number == number.rounded(), number.magnitude < 1e15 { return String(Int64(number)) }
        return number.description
    }

    /// The form of pgvector's `vector_out`.
    static func text(of floats: [Float]) -> String {
        var text = "["
        for (index, float) in floats.enumerated() {
            if index > 0 { text += "," }
            if float == float.rounded(), float.magnitude < 1e6 {
                text += String(Int64(float))
            } else {
                text += float.description
            }
        }
        return text + "]"
    }

    /// Writes the value as PostgREST does.
    func write(to writer: inout JSONWriter) {
        switch self {
        case .text(let text): writer.value(text)
        case .integer(let number): writer.value(number)
        case .unsigned(let number): writer.value(number)
        case .double(let number) where number.isFinite:
            writer.embed(ColumnValue.text(of: number).utf8)
        case .double: writer.null()
        case .bool(let flag): writer.value(flag)
        case .json(let node): writer.value(node)
        case .vector(let floats): writer.value(ColumnValue.text(of: floats))
        }
    }
}

/// The type of a column or an argument, by the names PostgreSQL gives it.
enum ColumnType: String, Sendable, CaseIterable {
    case text
    case uuid
    case int8
    case float8
    case bool
    case jsonb
    case vector

    /// Reads a type's name or one of its other names.
    init?(name: String) {
        switch name {
        case "text", "varchar", "string": self = .text
        case "uuid": self = .uuid
        case "int8", "bigint", "int4", "int", "integer", "int64": self = .int8
        case "float8", "double precision", "double", "float4", "real": self = .float8
        case "bool", "boolean": self = .bool
        case "jsonb", "json": self = .jsonb
        case "vector", "halfvec": self = .vector
        default: return nil
        }
    }

    /// The name in PostgreSQL's messages.
    var sqlName: String {
        switch self {
        case .int8: "bigint"
        case .float8: "double precision"
        case .bool: "boolean"
        case .jsonb: "json"
        case .text, .uuid, .vector: rawValue
        }
    }
}
