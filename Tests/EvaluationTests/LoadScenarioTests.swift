import Foundation
import Testing

@testable import Evaluation

@Suite struct `Load scenarios` {
    private static let good = """
        {"name": "n", "timeout_ms": 100, "think_ms": {"min": 1, "max": 2}, "operations": [
          {"name": "a", "kind": "query", "weight": 3, "limit": 5},
          {"name": "b", "kind": "get", "weight": 1, "ids": 2},
          {"name": "c", "kind": "upsert", "weight": 0, "rows": 1}]}
        """

    @Test func `a scenario is read, and the mix follows the weights`() throws {
        let scenario = try LoadScenario(json: Array(Self.good.utf8))
        #expect(scenario.operations.map(\.amount) == [5, 2, 1])
        #expect(scenario.thinkMilliseconds == 1...2)
        #expect(scenario.operation(at: 0) == 0)
        #expect(scenario.operation(at: 0.7499) == 0)
        #expect(scenario.operation(at: 0.75) == 1)
        #expect(scenario.operation(at: 0.999_999) == 1)
    }

    @Test func `the chat scenario is 70 % questions, 20 % metadata and 10 % writes`() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let data = try Data(contentsOf: root.appendingPathComponent("fixtures/scenarios/chat.json"))
        let scenario = try LoadScenario(json: [UInt8](data))
        #expect(scenario.operations.map(\.weight) == [70, 20, 10])
        #expect(scenario.operations.map(\.kind) == [.query, .get, .upsert])
    }

    @Test(arguments: [
        (#""name": "n""#, #""name": 5"#, "name"),
        (#""name": "n","#, "", "name"),
        (#""name": "n""#, #""name": """#, "name"),
        (#""timeout_ms": 100"#, #""timeout_ms": 0"#, "timeout_ms"),
        (#""timeout_ms": 100"#, #""timeout_ms": true"#, "timeout_ms"),
        (#""timeout_ms": 100"#, #""timeout_ms": "100""#, "timeout_ms"),
        (#""timeout_ms": 100"#, #""timeout_ms": 1e30"#, "timeout_ms"),
        (#""min": 1"#, #""min": 9"#, "think_ms.max"),
        (#""min": 1"#, #""min": -1"#, "think_ms.min"),
        (#""min": 1"#, #""min": null"#, "think_ms.min"),
        (#""max": 2"#, #""max": 2, "mean": 1"#, "think_ms.mean"),
        (#""kind": "get""#, #""kind": "drop""#, "operations[1].kind"),
        (#""weight": 3"#, #""weight": -3"#, "operations[0].weight"),
        (#""limit": 5"#, #""limit": 5.5"#, "operations[0].limit"),
        (#""limit": 5"#, #""limit": 1001"#, "operations[0].limit"),
        (#""limit": 5"#, #""rows": 5"#, "operations[0].limit"),
        (#""ids": 2"#, #""ids": 2, "x": [[[]]]"#, "operations[1].x"),
        (#""name": "b""#, #""name": "a""#, "operations[1].name"),
    ])
    func `a wrong field is refused by its name`(part: String, wrong: String, field: String) {
        let text = Self.good.replacingOccurrences(of: part, with: wrong)
        #expect(text != Self.good)
        #expect(Self.error(text)?.field == field)
    }

    @Test(arguments: [
        "", "{", "null", "[]", "5", #""text""#, "{}", "\u{FEFF}{}", #"{"name": NaN}"#,
    ])
    func `what is no scenario is refused`(text: String) {
        #expect(Self.error(text) != nil)
    }

    @Test func `depth and length have an end`() {
        #expect(Self.error(String(repeating: "[", count: 100_000)) != nil)
        #expect(Self.error(Self.good + String(repeating: " ", count: 2 << 20)) != nil)
    }

    @Test func `operations must be there and weigh something`() {
        let head = #"{"name": "n", "timeout_ms": 1, "think_ms": {"min": 0, "max": 0}, "#
        #expect(Self.error(head + #""operations": []}"#)?.field == "operations")
        #expect(Self.error(head + #""operations": {}}"#)?.field == "operations")
        #expect(Self.error(head + #""operations": [7]}"#)?.field == "operations[0]")
        let zero = #"{"name": "a", "kind": "get", "weight": 0, "ids": 1}"#
        #expect(Self.error(head + #""operations": [\#(zero)]}"#)?.field == "operations")
    }

    private static func error(_ text: String) -> ScenarioError? {
        do {
            _ = try LoadScenario(json: Array(text.utf8))
            return nil
        } catch {
            return error
        }
    }
}
