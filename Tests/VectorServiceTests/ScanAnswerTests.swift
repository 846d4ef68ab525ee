import Foundation
import Testing
import VectorStore

@testable import VectorService

@Suite struct `Answers to scans` {
    private static let path = "/v1/collections/lectures"

    /// A service with so many records, of about 600 bytes each.
    private static func fixture(_ count: Int) async throws -> ServiceFixture {
        let fixture = try await ServiceFixture()
        _ = await fixture.send("PUT", path, #"{"dimension":3}"#)
        let text = String(repeating: "t", count: 500)
        for first in stride(from: 0, to: count, by: 500) {
            let records = (first..<min(count, first + 500)).map {
                #"{"id":\#($0),"vector":[1,0,\#($0)],"text":"\#(text)"}"#
            }
            let body = #"{"records":[\#(records.joined(separator: ","))]}"#
            let added = await fixture.send("POST", path + "/records", body)
            try #require(added.status == 200, "\(added.text)")
        }
        return fixture
    }

    /// The pieces of an answer.
    private static func pieces(_ answer: ServiceAnswer) async throws -> [[UInt8]] {
        guard let stream = answer.stream else { return [answer.body] }
        let pieces = Pieces()
        try await stream { await pieces.add($0) }
        return await pieces.all
    }

    private actor Pieces {
        var all: [[UInt8]] = []
        func add(_ piece: [UInt8]) { all.append(piece) }
    }

    private static func scan(_ fixture: ServiceFixture, _ body: String) async throws -> JSONNode {
        let answer = await fixture.send("POST", path + "/records/scan", body)
        return try JSONScanner.parse(try await pieces(answer).flatMap { $0 }, vectorKey: nil)
    }

    @Test func `a small one is whole, a large one comes in pieces and is the same text`()
        async throws
    {
        let fixture = try await Self.fixture(1_200)
        let small = await fixture.send("POST", Self.path + "/records/scan", #"{"limit":50}"#)
        #expect(small.stream == nil && small.json?["records"]?.elements?.count == 50)
        let large = await fixture.send("POST", Self.path + "/records/scan", #"{"limit":1100}"#)
        let pieces = try await Self.pieces(large)
        #expect(large.status == 200 && large.body.isEmpty && pieces.count > 5)
        for piece in pieces {
            #expect(!piece.isEmpty && piece.count < ScanAnswer.pieceByteCount + 8 * 1_000)
        }
        let whole = try JSONScanner.parse(pieces.flatMap { $0 }, vectorKey: nil)
        let records = try #require(whole["records"]?.elements)
        #expect(records.count == 1_100)
        // Page by page the same records, up to the same cursor.
        var (paged, cursor) = ([JSONNode](), "")
        while paged.count < 1_100 {
            let more = cursor.isEmpty ? "" : #","cursor":"\#(cursor)""#
            let page = try await Self.scan(fixture, #"{"limit":50\#(more)}"#)
            paged += page["records"]?.elements ?? []
            cursor = try #require(page["next_cursor"]?.text)
        }
        #expect(paged.map { $0["id"]?.integer } == records.map { $0["id"]?.integer })
        #expect(whole["next_cursor"]?.text == cursor)
        let last = try await Self.scan(fixture, #"{"limit":1100,"cursor":"\#(cursor)"}"#)
        #expect(last["records"]?.elements?.count == 100 && last["next_cursor"] == nil)
        try await fixture.close()
    }

    @Test func `it shows one moment, whatever is written while it goes out`() async throws {
        let fixture = try await Self.fixture(1_200)
        let answer = await fixture.send("POST", Self.path + "/records/scan", #"{"limit":1200}"#)
        let ids = #"{"ids":[\#((0..<1_200).map(String.init).joined(separator: ","))]}"#
        let deleted = await fixture.send("POST", Self.path + "/records/delete", ids)
        #expect(deleted.json?["count"]?.integer == 1_200, "\(deleted.text)")
        try await fixture.database.collection("lectures").flush()
        let text = try await Self.pieces(answer).flatMap { $0 }
        let whole = try JSONScanner.parse(text, vectorKey: nil)
        #expect(whole["records"]?.elements?.count == 1_200)
        try await fixture.close()
    }

    @Test func `compressed pieces are one gzip text`() async throws {
        let fixture = try await Self.fixture(1_000)
        let plain = await fixture.send("POST", Self.path + "/records/scan", #"{"limit":1000}"#)
        let packed = await fixture.send(
            "POST",
            Self.path + "/records/scan",
            #"{"limit":1000}"#,
            headers: [("accept-encoding", "gzip")]
        )
        #expect(packed.headers.contains { $0 == ("Content-Encoding", "gzip") })
        let bytes = try await Self.pieces(packed).flatMap { $0 }
        let text = try await Self.pieces(plain).flatMap { $0 }
        #expect(bytes.count < text.count / 4)
        let file = NSTemporaryDirectory() + "vs-gzip-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: file) }
        try Data(bytes).write(to: URL(fileURLWithPath: file + ".gz"))
        let gunzip = Process()
        gunzip.executableURL = URL(fileURLWithPath: "/bin/gunzip")
        gunzip.arguments = [file + ".gz"]
        try gunzip.run()
        gunzip.waitUntilExit()
        #expect(gunzip.terminationStatus == 0)
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == Data(text))
        try await fixture.close()
    }

    @Test func `pieces that zlib keeps for later come with those that follow`() throws {
        let gzip = try GzipStream()
        var packed = try gzip.compress(Array("a".utf8), isLast: false)
        for _ in 0..<3 { packed += try gzip.compress([], isLast: false) }
        packed += try gzip.compress(Array(repeating: 0x62, count: 300_000), isLast: false)
        packed += try gzip.compress([], isLast: true)
        let whole = Array("a".utf8) + [UInt8](repeating: 0x62, count: 300_000)
        // The length of the text is its end (RFC 1952, section 2.3.1).
        let length = packed.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        #expect(length == whole.count && packed.count < 10_000)
    }
}
