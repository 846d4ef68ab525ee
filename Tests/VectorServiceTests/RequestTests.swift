import Testing
import VectorStore

@testable import VectorService

@Suite struct `Requests` {
    static let configuration = CollectionConfiguration(
        name: "c",
        dimension: 2,
        partitionKey: "creator_id",
        attributes: [.init("video_id", .string), .init("start", .double)]
    )

    static func filter(_ text: String) throws -> Filter {
        try FilterDecoding.filter(try JSONScanner.parse(Array(text.utf8)))
    }

    static func record(_ text: String) throws -> Record {
        let bytes = Array(text.utf8)
        return try RecordDecoding.record(
            try JSONScanner.parse(bytes),
            text: bytes,
            configuration: configuration
        )
    }

    @Test func `filters read as they are written`() throws {
        #expect(try Self.filter(#"{"video_id":"v1"}"#) == .equal("video_id", "v1"))
        #expect(
            try Self.filter(#"{"s":{"gte":60,"lt":90}}"#)
                == .and([.greaterOrEqual("s", 60), .less("s", 90)])
        )
        #expect(try Self.filter(#"{"a":{"in":[1,2]}}"#) == .isIn("a", [1, 2]))
        #expect(
            try Self.filter(#"{"or":[{"a":true},{"not":{"b":{"ne":1.5}}}]}"#)
                == .or([.equal("a", true), .not(.not(.equal("b", 1.5)))])
        )
        #expect(try Self.filter("{}") == .and([]))
    }

    @Test(arguments: [
        #"[]"#, #"{"a":null}"#, #"{"a":[1]}"#, #"{"a":{}}"#, #"{"a":{"like":"x"}}"#,
        #"{"and":{}}"#, #"{"not":[]}"#, #"{"a":{"in":1}}"#, #"{"a":18446744073709551615}"#,
    ])
    func `filters that mean nothing are refused`(text: String) {
        #expect(throws: Problem.self) { try Self.filter(text) }
    }

    @Test func `a filter nested beyond the limit is refused`() {
        let depth = Filter.maximumDepth + 1
        let text =
            String(repeating: "{\"not\":", count: depth) + "{}"
            + String(repeating: "}", count: depth)
        #expect(throws: Problem.self) { try Self.filter(text) }
    }

    @Test func `other fields of a record are attributes and payload`() throws {
        let record = try Self.record(
            #"{"id":7,"vector":"[1, 0]","creator_id":"u","video_id":"v","start":3,"title":"T"}"#
        )
        #expect(record.id == .integer(7))
        #expect(record.vector == [1, 0])
        #expect(record.partition == "u")
        #expect(record.attributes == ["video_id": "v", "start": 3.0])
        #expect(record.payload.map { String(decoding: $0, as: UTF8.self) } == #"{"title":"T"}"#)
    }

    @Test func `a payload is kept byte for byte and then no field may be unknown`() throws {
        let record = try Self.record(#"{"id":"a","vector":[1,0],"payload":{"n": 1.50}}"#)
        #expect(record.payload.map { String(decoding: $0, as: UTF8.self) } == #"{"n": 1.50}"#)
        let error = #expect(throws: Problem.self) {
            try Self.record(#"{"id":"a","vector":[1,0],"payload":1,"extra":2}"#)
        }
        #expect(error?.field == "extra")
    }

    @Test(arguments: [
        #"[0.5,-1]"#, #""[0.5, -1]""#, #"{"base64":"AAAAPwAAgL8="}"#,
    ])
    func `a vector travels in each form`(vector: String) throws {
        let record = try Self.record("{\"id\":\"a\",\"vector\":\(vector)}")
        #expect(record.vector == [0.5, -1])
    }

    @Test(arguments: [
        #"-1"#, #"1.5"#, #"null"#, #"{"uuid":"x"}"#, #"{"uuid":1}"#, #"[1]"#, #"true"#,
    ])
    func `an id of another kind is refused`(id: String) {
        #expect(throws: Problem.self) { try Self.record("{\"id\":\(id),\"vector\":[1,0]}") }
    }

    @Test func `an unknown field of a query is named`() throws {
        let node = try JSONScanner.parse(Array(#"{"vector":[1,0],"topk":3}"#.utf8))
        let error = #expect(throws: Problem.self) {
            try QueryDecoding.query(node, configuration: Self.configuration)
        }
        #expect(error?.field == "topk")
        #expect(error?.status == 400)
    }

    @Test func `an attribute may have the name of another field, and is both`() throws {
        let configuration = CollectionConfiguration(
            name: "c",
            dimension: 2,
            partitionKey: "creator_id",
            attributes: [
                AttributeDeclaration("id", .int64), AttributeDeclaration("partition", .string),
            ]
        )
        let body = #"{"records":[{"id":1,"vector":[1,0],"partition":"a"}]}"#
        let records = try RecordDecoding.records(
            Array(body.utf8),
            isLines: false,
            configuration: configuration
        )
        #expect(records.first?.partition == "a")
        #expect(records.first?.id == .integer(1))
        #expect(records.first?.attributes == ["id": .int64(1), "partition": .string("a")])
        #expect(records.first?.payload == nil)
    }

    @Test func `a line that is refused is named by its row`() {
        let body = "{\"id\":1,\"vector\":[1,0]}\n\n{\"id\":2}\n"
        let error = #expect(throws: Problem.self) {
            try RecordDecoding.records(
                Array(body.utf8),
                isLines: true,
                configuration: Self.configuration
            )
        }
        #expect(error?.row == 1)
        #expect(error?.field == "vector")
    }

    @Test(arguments: [
        (VectorStoreError.Code.dimensionMismatch, 400), (.unknownCollection, 404),
        (.recordNotFound, 404), (.collectionExists, 409), (.busy, 409), (.batchTooLarge, 413),
        (.diskFull, 507), (.storePoisoned, 503), (.outcomeUnknown, 503), (.closed, 503),
        (.corrupt, 500), (.inputOutput, 500),
    ])
    func `each error has its status`(code: VectorStoreError.Code, status: Int) throws {
        let problem = Problem(VectorStoreError(code, "why", row: 3, field: "f"))
        #expect(problem.status == status)
        let node = try JSONScanner.parse(problem.encoded(instance: "/v1", requestID: "r"))
        #expect(node["code"]?.text == code.rawValue)
        #expect(node["row"]?.integer == 3)
        #expect(node["request_id"]?.text == "r")
    }

    @Test func `paths that lead nowhere have no route`() {
        for path in [
            "", "/", "/v2", "/v1/", "/v1/collections/", "/v1/collections/a%2Fb",
            "/v1/collections/a/records/", "/v1//stats", "/v1/collections/../stats/x/y",
        ] {
            #expect(Route(path: path) == nil, "\(path)")
        }
        #expect(Route(path: "/v1/collections/a/records/get") == .action(.get, collection: "a"))
    }
}
