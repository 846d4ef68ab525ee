import Foundation
import NIOCore
import Testing

@testable import VectorService

@Suite struct `Heads read next to the socket` {
    private func read(_ text: String) -> HeadReader.Outcome {
        Array(text.utf8).withUnsafeBytes { HeadReader.read($0, limits: HTTPLimits()) }
    }

    private func isUnusual(_ text: String) -> Bool {
        if case .unusual = read(text) { return true }
        return false
    }

    @Test func `a plain head is taken apart`() throws {
        let text =
            "POST /v1/collections/c/query?limit=5&partition=a%20b HTTP/1.1\r\nHost: localhost\r\n"
            + "Content-Type:application/json \r\nX-Empty:\r\nContent-Length: 12\r\n\r\n{\"vector\":[]}"
        guard case .head(let head, let byteCount, let bodyByteCount) = read(text) else {
            Issue.record("not read")
            return
        }
        #expect(head.method == "POST" && head.path == "/v1/collections/c/query")
        #expect(head.query == "limit=5&partition=a%20b" && head.authority == "localhost")
        #expect(head.headers["content-type"] == "application/json")
        #expect(head.headers["x-empty"] == "")
        #expect(byteCount == text.utf8.count - 13 && bodyByteCount == 12)
    }

    @Test func `each beginning of a head is incomplete, until it is too long`() {
        let text = "GET /livez HTTP/1.1\r\nhost: l\r\n\r\n"
        for count in 1..<text.utf8.count {
            guard case .incomplete = read(String(decoding: text.utf8.prefix(count), as: UTF8.self))
            else {
                Issue.record("\(count) bytes")
                continue
            }
        }
        #expect(isUnusual("GET / HTTP/1.1\r\nx: " + String(repeating: "a", count: 20_000)))
    }

    @Test(arguments: [
        "get / HTTP/1.1\r\n", "POST / HTTP/1.0\r\n", "POST / HTTP/1.1\n", "POST  / HTTP/1.1\r\n",
        "POST http://h/ HTTP/1.1\r\n", "POST //h/x HTTP/1.1\r\n", "POST /#f HTTP/1.1\r\n",
        "POST /\u{E9} HTTP/1.1\r\n", "POST * HTTP/1.1\r\n", "\r\nPOST / HTTP/1.1\r\n",
        "POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n",
        "POST / HTTP/1.1\r\ncontent-length: 1, 1\r\n", "POST / HTTP/1.1\r\ncontent-length: +1\r\n",
        "POST / HTTP/1.1\r\ncontent-length: -1\r\n", "POST / HTTP/1.1\r\ncontent-length: 0x1\r\n",
        "POST / HTTP/1.1\r\ncontent-length:\r\n",
        "POST / HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n",
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding : chunked\r\n",
        "POST / HTTP/1.1\r\n transfer-encoding: chunked\r\n",
        "POST / HTTP/1.1\r\nx: a\r\n b\r\n", "POST / HTTP/1.1\r\nx: a\rb\r\n",
        "POST / HTTP/1.1\r\nx: a\nb: c\r\n", "POST / HTTP/1.1\r\nx: \u{0}\r\n",
        "POST / HTTP/1.1\r\nx\u{E9}: a\r\n", "POST / HTTP/1.1\r\n: a\r\n",
        "POST / HTTP/1.1\r\nx\r\n",
        "POST / HTTP/1.1\r\nexpect: 100-continue\r\n", "POST / HTTP/1.1\r\nupgrade: h2c\r\n",
        "CONNECT /v1 HTTP/1.1\r\n", "POST / HTTP/1.1\r\nconnection: close\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\nhost: b\r\n",
    ])
    func `what two readers could read in two ways is left to the full decoder`(_ head: String) {
        #expect(isUnusual(head + "\r\n"))
    }

    @Test func `an answer has its fields, but none whose value would end a line`() {
        let message = HTTPFront.Message(
            status: 200,
            fields: [("A", "plain"), ("B", "x\r\nInjected: 1"), ("C", ""), ("D", "tab\tand é")],
            body: Array("{}".utf8)
        )
        let text = String(buffer: AnswerBytes.buffer(message))
        let parts = text.components(separatedBy: "\r\n")
        #expect(Array(parts[..<4]) == ["HTTP/1.1 200 OK", "A: plain", "C: ", "D: tab\tand é"])
        #expect(parts[4].hasPrefix("Date: "))
        #expect(Array(parts[5...]) == ["Content-Length: 2", "", "{}"])
        let head = HTTPFront.Message(status: 599, bodyByteCount: 12_345)
        #expect(
            String(buffer: AnswerBytes.buffer(head)).hasSuffix("Content-Length: 12345\r\n\r\n")
        )
        #expect(String(buffer: AnswerBytes.buffer(head)).hasPrefix("HTTP/1.1 599 \r\n"))
    }

    @Test func `a date is written as HTTP has it`() {
        #expect(HTTPDate.text(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
    }
}

@Suite struct `Costs of queries` {
    @Test func `what was slow once is taken for slow for a while`() {
        let costs = SearchCosts()
        #expect(costs.expected(1) == nil)
        costs.note(1, took: .microseconds(40))
        #expect(costs.expected(1) == .microseconds(40))
        costs.note(1, took: .milliseconds(8))
        costs.note(1, took: .microseconds(40))
        #expect(costs.expected(1).map { $0 > .milliseconds(7) } == true)
        for _ in 0..<100 { costs.note(1, took: .microseconds(40)) }
        #expect(costs.expected(1).map { $0 < .milliseconds(1) } == true)
        #expect(costs.expected(2) == nil)
    }

    @Test func `a kind that meets another one in its slot is not taken for it`() {
        let costs = SearchCosts()
        let (one, other) = (7, 7 + 1 << 40)
        costs.note(one, took: .microseconds(40))
        #expect(costs.expected(other) == nil)
        costs.note(other, took: .milliseconds(500))
        costs.note(one, took: .microseconds(40))
        #expect(costs.expected(other) == nil && costs.expected(one) == .microseconds(40))
    }

    @Test func `what was very slow is remembered for hundreds of queries`() {
        let costs = SearchCosts()
        costs.note(1, took: .milliseconds(500))
        for _ in 0..<300 { costs.note(1, took: .microseconds(40)) }
        #expect(costs.expected(1).map { $0 > .milliseconds(10) } == true)
        for _ in 0..<300 { costs.note(1, took: .microseconds(40)) }
        #expect(costs.expected(1).map { $0 < .milliseconds(1) } == true)
    }
}
