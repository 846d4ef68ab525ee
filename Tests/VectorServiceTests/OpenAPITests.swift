import Testing

@testable import VectorService

@Suite struct `Description of the interface` {
    static func document() throws -> JSONNode {
        try JSONScanner.parse(OpenAPI.document, vectorKey: nil)
    }

    @Test func `each route is described with its methods, and nothing else is`() throws {
        var described: [String: Set<String>] = [:]
        for path in try #require(try Self.document()["paths"]?.members) {
            let methods = path.node.members?.map(\.key).filter { $0 != "parameters" } ?? []
            described[path.key] = Set(methods.map { $0.uppercased() })
        }
        var expected: [String: Set<String>] = [
            "/rest/v1/rpc/{function}": ["GET", "POST"]
        ]
        let fixed = [
            "/livez", "/readyz", "/metrics", "/v1", "/v1/stats", "/v1/pool", "/v1/openapi.json",
            "/v1/metadata/invalidate", "/v1/collections",
        ]
        let tokens = TokenAction.allCases.map { "/v1/tokens/\($0.rawValue)" }
        for path in fixed + tokens {
            let route = try #require(Route(path: path), "\(path)")
            expected[path] = Set(route.methods).subtracting(["HEAD"])
        }
        expected["/v1/tasks/{task}"] = Set(Route.task("t").methods).subtracting(["HEAD"])
        expected["/v1/tasks/{task}/events"] = ["GET"]
        expected["/v1/collections/{collection}"] = Set(Route.collection("c").methods)
            .subtracting(["HEAD"])
        for action in Route.Action.allCases {
            expected["/v1/collections/{collection}/\(action.rawValue)"] = ["POST"]
        }
        #expect(described == expected)
    }

    @Test func `each reference leads somewhere, and each form is used`() throws {
        let document = try Self.document()
        var forms = Set<String>()
        for kind in ["schemas", "parameters"] {
            let names = document["components"]?[kind]?.members?.map(\.key) ?? []
            #expect(!names.isEmpty, "\(kind)")
            forms.formUnion(names.map { "#/components/\(kind)/\($0)" })
        }
        var used = Set<String>()
        func walk(_ node: JSONNode) {
            if let reference = node["$ref"]?.text { used.insert(reference) }
            for member in node.members ?? [] { walk(member.node) }
            for element in node.elements ?? [] { walk(element) }
        }
        walk(document)
        #expect(used == forms)
    }
}
