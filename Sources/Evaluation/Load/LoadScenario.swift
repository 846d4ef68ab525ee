// A load scenario: what users do, how often, and how long they think in between.
//
// - Decoding is strict: an unknown, missing or wrong field is refused and named by its path.

import Foundation

/// The mix of operations that a load run sends.
package struct LoadScenario: Equatable, Sendable {
    /// What an operation asks of the server.
    package enum Kind: String, Sendable, CaseIterable {
        /// The nearest records of a vector.
        case query
        /// Records by their ids.
        case get
        /// Records written under ids that begin with `load-`.
        case upsert

        /// The field that says how much one request of this kind asks for.
        var amountField: String {
            switch self {
            case .query: "limit"
            case .get: "ids"
            case .upsert: "rows"
            }
        }
    }

    /// One kind of request.
    package struct Operation: Equatable, Sendable {
        package var name: String
        package var kind: Kind
        /// The share of the requests, relative to the sum of all weights.
        package var weight: Double
        /// Matches, ids or rows of one request.
        package var amount: Int

        package init(name: String, kind: Kind, weight: Double, amount: Int) {
            self.name = name
            self.kind = kind
            self.weight = weight
            self.amount = amount
        }
    }

    package var name: String
    /// A request without an answer for so long is an error.
    package var timeoutMilliseconds: Double
    /// A user's pause between an answer and the next request, chosen uniformly.
    package var thinkMilliseconds: ClosedRange<Double>
    package var operations: [Operation]

    package init(
        name: String,
        timeoutMilliseconds: Double,
        thinkMilliseconds: ClosedRange<Double>,
        operations: [Operation]
    ) {
        self.name = name
        self.timeoutMilliseconds = timeoutMilliseconds
        self.thinkMilliseconds = thinkMilliseconds
        self.operations = operations
    }

    /// The operation at `position`, 0 ..< 1, of the weights laid end to end.
    package func operation(at position: Double) -> Int {
        var rest = position * operations.reduce(0) { $0 + $1.weight }
        for (index, operation) in operations.enumerated() {
            if rest < operation.weight { return index }
            rest -= operation.weight
        }
        return operations.lastIndex { $0.weight > 0 } ?? 0
    }
}

/// A scenario that cannot be used, and the field that is the reason.
package struct ScenarioError: Error, Equatable, CustomStringConvertible {
    /// The path of the field, as in `operations[1].weight`; empty for the whole file.
    package var field: String
    package var message: String

    package var description: String { field.isEmpty ? message : "\(field): \(message)" }
}

extension LoadScenario {
    /// The longest scenario that is read.
    package static let maximumByteCount = 1 << 20
    private static let maximumMilliseconds = 600_000.0

    /// Reads a scenario.
    package init(json: [UInt8]) throws(ScenarioError) {
        guard json.count <= Self.maximumByteCount else {
            throw ScenarioError(field: "", message: "\(json.count) bytes are no scenario")
        }
        let root: JSONFragment
        do {
            root = try JSONDecoder().decode(JSONFragment.self, from: Data(json))
        } catch {
            throw ScenarioError(field: "", message: "this is not JSON")
        }
        var fields = try ScenarioFields(root, path: "")
        name = try fields.text("name")
        timeoutMilliseconds = try fields.number("timeout_ms", in: 1...Self.maximumMilliseconds)
        var think = try ScenarioFields(try fields.value("think_ms"), path: "think_ms")
        let shortest = try think.number("min", in: 0...Self.maximumMilliseconds)
        let longest = try think.number("max", in: 0...Self.maximumMilliseconds)
        try think.finish()
        guard shortest <= longest else {
            throw ScenarioError(field: "think_ms.max", message: "must not be below think_ms.min")
        }
        thinkMilliseconds = shortest...longest
        guard case .array(let values) = try fields.value("operations") else {
            throw ScenarioError(field: "operations", message: "must be an array")
        }
        guard (1...64).contains(values.count) else {
            throw ScenarioError(field: "operations", message: "must hold 1 to 64 operations")
        }
        operations = []
        for (index, value) in values.enumerated() {
            let path = "operations[\(index)]"
            let operation = try Operation(value, path: path)
            guard !operations.contains(where: { $0.name == operation.name }) else {
                throw ScenarioError(field: path + ".name", message: "is given twice")
            }
            operations.append(operation)
        }
        try fields.finish()
        guard operations.contains(where: { $0.weight > 0 }) else {
            throw ScenarioError(field: "operations", message: "all weights are 0")
        }
    }
}

extension LoadScenario.Operation {
    fileprivate init(_ value: JSONFragment, path: String) throws(ScenarioError) {
        var fields = try ScenarioFields(value, path: path)
        name = try fields.text("name")
        let text = try fields.text("kind")
        guard let kind = LoadScenario.Kind(rawValue: text) else {
            let known = LoadScenario.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw ScenarioError(field: path + ".kind", message: "must be one of \(known)")
        }
        self.kind = kind
        weight = try fields.number("weight", in: 0...1_000_000)
        let number = try fields.number(kind.amountField, in: 1...1_000)
        guard let whole = Int(exactly: number) else {
            throw ScenarioError(
                field: path + "." + kind.amountField,
                message: "must be a whole number"
            )
        }
        amount = whole
        try fields.finish()
    }
}

/// Takes the fields of an object one by one and refuses what is left.
private struct ScenarioFields {
    private var rest: [String: JSONFragment]
    private let path: String

    init(_ value: JSONFragment, path: String) throws(ScenarioError) {
        guard case .object(let members) = value else {
            throw ScenarioError(field: path, message: "must be an object")
        }
        rest = members
        self.path = path
    }

    private func field(_ name: String) -> String { path.isEmpty ? name : path + "." + name }

    mutating func value(_ name: String) throws(ScenarioError) -> JSONFragment {
        guard let value = rest.removeValue(forKey: name) else {
            throw ScenarioError(field: field(name), message: "is missing")
        }
        return value
    }

    mutating func text(_ name: String) throws(ScenarioError) -> String {
        guard case .text(let text) = try value(name), (1...64).contains(text.utf8.count) else {
            throw ScenarioError(field: field(name), message: "must be a string of 1 to 64 bytes")
        }
        return text
    }

    mutating func number(
        _ name: String,
        in range: ClosedRange<Double>
    ) throws(ScenarioError) -> Double {
        guard case .number(let number) = try value(name), range.contains(number) else {
            let message =
                "must be a number from \(Int(range.lowerBound)) to \(Int(range.upperBound))"
            throw ScenarioError(field: field(name), message: message)
        }
        return number
    }

    func finish() throws(ScenarioError) {
        if let name = rest.keys.min() {
            throw ScenarioError(field: field(name), message: "is not a field of a scenario")
        }
    }
}
