import Testing
import VectorStore

@testable import VectorService

@Suite struct `Writes with a key` {
    private static let key = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"

    @Test(arguments: [
        "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", "\"9B1DEB4D-3B7D-4BAD-9BDD-2B0D7B3DCB6D\"",
    ])
    func `a key is a UUID, in quotes or not`(value: String) throws {
        let id = try IdempotencyKey.read(RequestHeaders([(name: "Idempotency-Key", value: value)]))
        #expect(id?.description == Self.key)
        #expect(try IdempotencyKey.read(RequestHeaders()) == nil)
    }

    @Test(arguments: [
        "", "\"", "\"\"", "7", "\"\(key)", "\(key), \(key)", "\(key)0", "x\(key.dropFirst())",
    ])
    func `anything else is refused`(value: String) {
        let error = #expect(throws: Problem.self) {
            try IdempotencyKey.read(RequestHeaders([(name: "Idempotency-Key", value: value)]))
        }
        #expect(error?.status == 400 && error?.field == "Idempotency-Key")
    }

    @Test func `each kind of write is done once under a key`() async throws {
        let fixture = try await ServiceFixture()
        let path = "/v1/collections/c"
        _ = await fixture.send("PUT", path, #"{"dimension":2}"#)
        let writes = [
            ("/records", #"{"records":[{"id":"a","vector":[1,0]},{"id":"b","vector":[0,1]}]}"#),
            ("/records/update", #"{"updates":[{"id":"a","payload":{"n":1}}]}"#),
            ("/records/delete", #"{"ids":["a"]}"#),
            ("/records/delete", #"{"all":true}"#),
        ]
        for (number, write) in writes.enumerated() {
            let headers = [(name: "Idempotency-Key", value: "\(Self.key.dropLast())\(number)")]
            let first = await fixture.send("POST", path + write.0, write.1, headers: headers)
            #expect(first.status == 200, "\(first.text)")
            #expect(first.headers.isEmpty)
            let second = await fixture.send("POST", path + write.0, write.1, headers: headers)
            #expect(second.status == 200 && second.body == first.body, "\(second.text)")
            #expect(second.headers.map(\.name) == ["idempotency-replayed"])
        }
        try await fixture.close()
    }
}
