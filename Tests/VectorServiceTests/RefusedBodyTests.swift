import Testing
import VectorStore

@testable import VectorService

/// Bodies that the description of the interface does not allow, and that read well otherwise.
@Suite struct `Bodies out of range` {
    private static let long = String(repeating: "ü", count: 128)

    @Test(arguments: [
        ("/rebuild-index", #"{"nlist":-5423340799}"#, "nlist"),
        ("/rebuild-index", #"{"nlist":0}"#, "nlist"),
        ("/rebuild-index", #"{"nlist":1048577}"#, "nlist"),
        ("/rebuild-index", #"{"seed":-1}"#, "seed"),
        ("/records/get", #"{"ids":["a","\#(long)"]}"#, "ids[1]"),
        ("/records/delete", #"{"ids":["\#(long)"]}"#, "ids[0]"),
    ])
    func `are refused where they come in, and nothing is begun`(
        route: String,
        body: String,
        field: String
    ) async throws {
        let fixture = try await ServiceFixture()
        let path = "/v1/collections/c"
        _ = await fixture.send("PUT", path, #"{"dimension":2}"#)
        let answer = await fixture.send("POST", path + route, body)
        #expect(answer.status == 400, "\(answer.text)")
        #expect(answer.text.contains("\"field\":\"\(field)\""), "\(answer.text)")
        let longest = String(repeating: "x", count: 255)
        let good = await fixture.send("POST", path + "/records/get", #"{"ids":["\#(longest)"]}"#)
        #expect(good.status == 200 && good.text == #"{"records":[null]}"#, "\(good.text)")
        try await fixture.close()
    }
}
