import Testing

@testable import VectorService

@Suite struct `Filters of PostgREST` {
    typealias Comparison = RestFilter.Comparison

    static func parse(_ name: String, _ value: String) throws -> RestFilter {
        try RestFilter.parse(name: name, value: value)
    }

    static let a = RestField(name: "a")

    @Test func `operators read as they are written`() throws {
        for (text, comparison) in [
            ("eq.1", Comparison.equal("1")), ("neq.x", .notEqual("x")), ("gt.1.5", .greater("1.5")),
            ("gte.", .greaterOrEqual("")), ("lt.a.b", .less("a.b")), ("lte.2", .lessOrEqual("2")),
            ("like.*x%", .like("*x%", ignoresCase: false)),
            ("ilike.Y", .like("Y", ignoresCase: true)),
            ("is.null", .isNull), ("is.TRUE", .isBool(true)), ("is.unknown", .isUnknown),
            ("in.(1,2)", .isIn(["1", "2"])), ("in.()", .isIn([])),
            (#"in.("a,b","c\"d",e f)"#, .isIn(["a,b", "c\"d", "e f"])),
            (#"cs.{"k":[1,2]}"#, .contains(#"{"k":[1,2]}"#)), (#"eq."q""#, .equal(#""q""#)),
        ] {
            #expect(try Self.parse("a", text) == .compare(Self.a, comparison), "\(text)")
        }
        #expect(try Self.parse("a", "not.eq.1") == .not(.compare(Self.a, .equal("1"))))
    }

    @Test func `fields may lead into JSON`() throws {
        let key = RestField(name: "m", path: [.key("k")], isText: true)
        #expect(try Self.parse("m->>k", "eq.1") == .compare(key, .equal("1")))
        let deep = RestField(name: "m", path: [.key("t"), .index(-1)], isText: false)
        #expect(try Self.parse("m->t->-1", "eq.1") == .compare(deep, .equal("1")))
        let quoted = RestField(name: "a.b", path: [.key("c d")], isText: true)
        #expect(try Self.parse(#""a.b"->>"c d""#, "eq.1") == .compare(quoted, .equal("1")))
        let dash = RestField(name: "a-b")
        #expect(try Self.parse("a-b", "eq.1") == .compare(dash, .equal("1")))
    }

    @Test func `trees nest and negate`() throws {
        let b = RestField(name: "b", path: [.key("k")], isText: true)
        let tree = RestFilter.or([
            .compare(Self.a, .equal("1")),
            .not(.and([.compare(b, .isIn(["x", "y,z"])), .not(.compare(Self.a, .isNull))])),
        ])
        let text = #"(a.eq.1, not.and(b->>k.in.(x,"y,z"),a.not.is.null))"#
        #expect(try Self.parse("or", text) == tree)
        #expect(try Self.parse("not.or", text) == .not(tree))
        #expect(
            try Self.parse("and", #"(a.eq."1,)",a.cs.{1,2})"#)
                == .and([.compare(Self.a, .equal("1,)")), .compare(Self.a, .contains("{1,2}"))])
        )
    }

    @Test(arguments: [
        ("a", "xx.1"), ("a", "eq"), ("a", "in.1,2"), ("a", "in.(1"), ("a", "is.maybe"), ("a", ""),
        ("or", "(a.eq.1"), ("or", "()"), ("or", "a.eq.1"), ("and", "(a.xx.1)"),
        ("a->>b->c", "eq.1"),
        ("", "eq.1"), ("a->", "eq.1"), ("or", "(a.eq.1))"), ("a", "not.1"),
    ])
    func `what does not read is refused with its place`(name: String, value: String) throws {
        let error = #expect(throws: RestError.self) { try Self.parse(name, value) }
        #expect(error?.code == "PGRST100", "\(name)=\(value)")
        #expect(error?.status == 400)
        #expect(error?.message.hasPrefix("\"failed to parse") == true)
    }

    @Test(arguments: [
        ("a", "fts.x", "fts"), ("a", "match.x", "match"), ("a", "ov.{1}", "ov"),
        ("a", "sl.(1,2)", "sl"),
        ("a", "eq(any).{1,2}", "eq"), ("a", "like(all).{x}", "like"),
        ("videos.title", "eq.1", "videos"),
        ("a", "not.phfts.x", "phfts"),
    ])
    func `what is not served is named`(name: String, value: String, word: String) throws {
        let error = #expect(throws: RestError.self) { try Self.parse(name, value) }
        #expect(error?.code == "PGRST127", "\(name)=\(value)")
        #expect(error?.details?.contains(word) == true)
    }

    @Test func `a tree nested beyond the limit is refused`() {
        let depth = 40
        let text =
            String(repeating: "(and", count: depth) + "(a.eq.1)"
            + String(repeating: ")", count: depth)
        #expect(throws: RestError.self) { try Self.parse("and", text) }
    }

    @Test func `comparisons follow the types`() throws {
        func compare(_ value: ColumnValue?, _ text: String) throws -> Bool? {
            guard case .compare(_, let comparison) = try Self.parse("a", text) else { return nil }
            return try comparison.evaluate(value)
        }
        #expect(try compare(.integer(10), "gt.9") == true)
        #expect(try compare(.text("10"), "gt.9") == false)
        #expect(try compare(.double(0.5), "eq.0.50") == true)
        #expect(try compare(.bool(true), "eq.t") == true)
        #expect(try compare(.bool(true), "is.true") == true)
        #expect(try compare(nil, "eq.1") == nil)
        #expect(try compare(nil, "is.null") == true)
        #expect(try compare(.text("Ärger"), "ilike.ä*") == true)
        #expect(try compare(.text("a_b"), #"like.a\_b"#) == true)
        #expect(try compare(.text("axb"), #"like.a\_b"#) == false)
        #expect(try compare(.text("abcabd"), "like.%ab_") == true)
        #expect(throws: RestError.self) { try compare(.integer(1), "eq.x") }
        #expect(throws: RestError.self) { try compare(.vector([1]), "eq.x") }
    }

    @Test(arguments: [
        (#"{"a":1,"b":{"c":[1,2]}}"#, #"{"b":{"c":[2]}}"#, true),
        (#"{"a":1}"#, #"{"a":1.0}"#, true),
        (#"{"a":1}"#, #"{"a":"1"}"#, false), (#"[1,[2]]"#, #"[2]"#, false), (#"[1,2]"#, "2", true),
        (#"[1,2,2]"#, #"[2,2,2]"#, true), (#"{"a":null}"#, #"{"a":null}"#, true),
        ("{}", #"{"a":null}"#, false),
        (#"{"a":[{"b":1},{"b":2}]}"#, #"{"a":[{"b":2}]}"#, true), (#""x""#, #"["x"]"#, false),
    ])
    func `containment is jsonb's`(whole: String, part: String, expected: Bool) throws {
        let (whole, part) = (try JSONContainment.parse(whole), try JSONContainment.parse(part))
        #expect(JSONContainment.contains(whole, part) == expected)
    }

    @Test func `vectors read in each form and no other`() throws {
        func vector(_ json: String) throws -> [Float] {
            let node = try JSONScanner.parse(Array("{\"v\":\(json)}".utf8), vectorKey: "v")
            return try RestArguments.vector(try #require(node["v"]), dimension: 3)
        }
        for text in [
            "[0.5,2,-3e-07]", #""[0.5,2,-3e-07]""#, #""{0.5,2,-3e-07}""#, " [ 0.5 , 2 , -3E-7 ]",
        ] {
            #expect(try vector(text) == [0.5, 2, -3e-7], "\(text)")
        }
        for (text, code) in [
            ("[1,2]", "22000"), ("[]", "22000"), (#""[]""#, "22000"), (#""[1,2,NaN]""#, "22P02"),
            ("[1,2,null]", "22P02"), (#"["1","2","3"]"#, "22P02"), ("null", "22004"),
            ("7", "22P02"),
            (#""[1,2,3""#, "22P02"), (#""1,2,3""#, "22P02"),
        ] {
            let error = #expect(throws: RestError.self) { try vector(text) }
            #expect(error?.code == code, "\(text)")
        }
    }

    @Test func `numbers are written as PostgreSQL writes them`() {
        #expect(ColumnValue.text(of: 0.9914601336836673) == "0.9914601336836673")
        #expect(ColumnValue.text(of: 1) == "1")
        #expect(ColumnValue.text(of: [1, 0.5, -3e-7]) == "[1,0.5,-3e-07]")
    }

    @Test func `the nearest name is the one that was meant`() {
        #expect(EditDistance.between("match_chunks", "match_chunk") == 1)
        #expect(EditDistance.between("", "abc") == 3)
        #expect(EditDistance.between("kitten", "sitting") == 3)
    }
}
