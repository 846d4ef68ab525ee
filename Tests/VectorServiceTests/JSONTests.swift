import Foundation
import Testing
import VectorMath

@testable import VectorService

@Suite struct `JSON` {
    static func parse(_ text: String) throws -> JSONNode {
        try JSONScanner.parse(Array(text.utf8))
    }

    @Test(arguments: [
        "", " ", "{", "[", "[1,]", "{\"a\":1,}", "{\"a\"}", "{a:1}", "[1 2]", "nul", "tru", "NaN",
        "Infinity", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0x10", "1e999", "-1e999", "\"",
        "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
        "\"\u{01}\"", "[1]x", "\u{FEFF}1", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "'a'",
        "[1,NaN]", "//", "{\"vector\":[1,1e60]}", "{\"vector\":[1,01]}", "{\"vector\":[1,",
    ])
    func `text outside RFC 8259 is refused`(text: String) {
        #expect(throws: JSONError.self) { try Self.parse(text) }
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        for bytes: [UInt8] in [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0xEF, 0xBB, 0xBF]] {
            #expect(throws: JSONError.self) { try JSONScanner.parse(bytes) }
        }
    }

    @Test func `nesting ends at the limit however long the text is`() throws {
        let depth = JSONScanner.maximumDepth
        let fine = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        _ = try Self.parse(fine)
        #expect(throws: JSONError(reason: "nested too deeply", offset: depth)) {
            try Self.parse(String(repeating: "[", count: 1_000_000))
        }
        #expect(throws: JSONError.self) {
            try Self.parse(String(repeating: "{\"a\":", count: 100_000))
        }
    }

    @Test func `an object of many keys is read in linear time and repeated ones are found`() {
        let keys = (0..<50_000).map { "\"k\($0)\":1" }.joined(separator: ",")
        #expect(throws: Never.self) { try Self.parse("{\(keys)}") }
        #expect(throws: JSONError.self) { try Self.parse("{\(keys),\"k7\":1}") }
    }

    @Test func `numbers keep their kind`() throws {
        #expect(try Self.parse("18446744073709551615").value == .unsigned(.max))
        #expect(try Self.parse("18446744073709551616").value == .double(18446744073709551616))
        #expect(try Self.parse("-9223372036854775808").value == .signed(.min))
        #expect(try Self.parse("9007199254740993").value == .unsigned(9_007_199_254_740_993))
        #expect(try Self.parse("1.0").value == .double(1))
        #expect(try Self.parse("-0").value == .double(-0.0))
    }

    @Test func `a float of a vector is the one nearest to its text`() throws {
        var random = SystemRandomNumberGenerator()
        var texts = ["16777217", "1.00000005960464477539", "3.4028235e38", "1e-45", "7e-46", "0.1"]
        for _ in 0..<20_000 {
            let float = Float(bitPattern: random.next())
            if float.isFinite { texts.append(float.description) }
            let mantissa = UInt64.random(in: 0..<100_000_000_000, using: &random)
            texts.append("\(mantissa)e\(Int.random(in: -40..<20, using: &random))")
        }
        let node = try Self.parse("{\"vector\":[\(texts.joined(separator: ","))]}")
        guard case .floats(let floats) = node["vector"]?.value else {
            Issue.record("no floats")
            return
        }
        for (text, float) in zip(texts, floats) { #expect(Float(text) == float, "\(text)") }
    }

    @Test func `a vector key that holds something else is read as JSON`() throws {
        let node = try Self.parse("{\"vector\":[1,\"a\"]}")
        #expect(node["vector"]?.elements?.count == 2)
    }

    @Test func `what is written reads back`() throws {
        let text = "quote \" backslash \\ line \n tab \t bell \u{07} emoji 🎓 null \u{0}"
        let bytes = JSONWriter.text { writer in
            writer.member("text", text)
            writer.member("float", Float(0.1))
            writer.member("double", 1e-300)
            writer.member("missing", Double.nan)
            writer.key("list")
            writer.array { writer in
                writer.value(1)
                writer.value(true)
                writer.object { _ in }
            }
        }
        let node = try JSONScanner.parse(bytes)
        #expect(node["text"]?.text == text)
        #expect(node["double"]?.number == 1e-300)
        #expect(node["missing"]?.value == .null)
        #expect(node["list"]?.elements?.count == 3)
        #expect(String(decoding: bytes, as: UTF8.self).contains("\"float\":0.1,"))
    }

    @Test func `a float is written as its description has it`() {
        func text(_ number: Float) -> String {
            var writer = JSONWriter()
            writer.value(number)
            return String(decoding: writer.bytes, as: UTF8.self)
        }
        // Similarities and distances, the borders of what is written without `description`, all others.
        var random = SeededRandom(seed: 7)
        var numbers: [Float] = [0, -0.0, 0.001, 0.5, 0.1, 0.0625, 0.25, 1, 1.5, .ulpOfOne, 1e30]
        numbers += [Float(0.001).nextDown, Float(1).nextDown, Float(0.5).nextDown, 0.3, 0.7, 0.999]
        for _ in 0..<200_000 {
            numbers.append(Float.random(in: 0...1, using: &random))
            numbers.append(Float(Int.random(in: 0...1_000_000, using: &random)) / 1_000_000)
            numbers.append(Float(bitPattern: UInt32.random(in: 0 ... .max, using: &random)))
        }
        for number in numbers where number.isFinite {
            #expect(text(number) == number.description)
            #expect(text(-number) == (-number).description)
        }
        #expect(text(.nan) == "null" && text(-.infinity) == "null")
    }

    @Test func `thousandths are written as their description has them`() {
        func text(_ number: Double) -> String {
            var writer = JSONWriter()
            writer.value(thousandths: number)
            return String(decoding: writer.bytes, as: UTF8.self)
        }
        var random = SeededRandom(seed: 8)
        var numbers = [
            0, 0.0004, 0.0005, 0.001, 0.9996, 1, 12.5, 99.999, 1e11, 1e13, 1e300, -1.25, -0.0001,
            -0.0,
        ]
        for power in -5...14 {
            for _ in 0..<2_000 {
                numbers.append(Double.random(in: 0...1, using: &random) * pow(10, Double(power)))
            }
        }
        for number in numbers {
            #expect(text(number) == ((number * 1_000).rounded() / 1_000).description)
        }
        #expect(text(.nan) == "null" && text(.infinity) == "null")
    }

    @Test func `integers of every width and sign are written out`() {
        let bytes = JSONWriter.text { writer in
            writer.member("least", Int64.min)
            writer.member("most", UInt64.max)
            writer.member("small", Int8.min)
            writer.member("zero", 0)
        }
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"least":-9223372036854775808,"most":18446744073709551615,"small":-128,"zero":0}"#
        )
    }

    /// Long texts are written in pieces, and every byte of them may need six.
    @Test(arguments: [1_023, 1_024, 1_025, 5_000]) func `long texts are written whole`(
        length: Int
    ) throws {
        for unit in ["a", "\u{01}", "\"", "é", "🎓"] {
            let text = String(repeating: unit, count: length) + "|"
            var writer = JSONWriter(capacity: 1)
            writer.array { writer in
                writer.value(text)
                writer.embed(("[" + String(repeating: "1,", count: length) + "1]").utf8)
                writer.object {
                    $0.key(named: text); $0.value(false)
                }
            }
            let items = try #require(try JSONScanner.parse(writer.bytes).elements)
            #expect(items[0].text == text)
            #expect(items[1].range.count == 2 * length + 3)
            #expect(items[2].members?.first?.key == text)
        }
    }
}

@Suite struct `Base64` {
    @Test(arguments: ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"])
    func `the examples of RFC 4648 go both ways`(text: String) {
        let bytes = VectorService.Base64.decode(text)
        #expect(bytes.map { VectorService.Base64.encode($0) } == text)
    }

    @Test(arguments: ["Z", "Zg=", "Zh==", "Zm9!", "====", "Zg==Zg=="])
    func `other text is refused`(text: String) {
        #expect(VectorService.Base64.decode(text) == nil)
    }
}
