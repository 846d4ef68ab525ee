import Testing

@testable import Evaluation

@Suite struct `Lines of vectors` {
    private static func error(_ text: String) throws -> DatasetError? {
        let directory = try DatasetDirectory()
        let path = try directory.file("v.jsonl", Array(text.utf8))
        return datasetError { _ = try VectorFileReader(path).readAll() }
    }

    @Test func `lines are read in order, with other members and empty lines around them`() throws {
        let directory = try DatasetDirectory()
        let text =
            #"{"id": 1, "vector": [1, -2.5, 3e-1]}"# + "\r\n\n  \n"
            + #"{"vector":[0,1,2],"text":"{\"vector\":[9]}"}"#
        for end in ["", "\n", "\n\n"] {
            let path = try directory.file("v.jsonl", Array((text + end).utf8))
            let reader = try VectorFileReader(path)
            #expect(reader.count == 2 && reader.dimension == 3)
            #expect(try reader.readAll() == [1, -2.5, 0.3, 0, 1, 2])
            #expect(try reader.row(1) == [0, 1, 2])
        }
    }

    @Test(arguments: [
        "{}", "[1, 2]", "{\"vector\": 3}", "{\"vector\": [1, \"2\"]}", "{\"vector\": [1, 2]",
        "{\"vector\": [1, null]}", "nonsense", "{\"vector\": [1e400]}",
    ])
    func `a line that holds no vector is named by its offset`(line: String) throws {
        let good = "{\"vector\": [1, 2]}\n"
        let error = try #require(try Self.error(good + line + "\n"))
        #expect(error.kind == .badRow && error.offset == good.utf8.count, "\(error)")
        #expect(try Self.error(line)?.kind == .badRow)
    }

    @Test func `a row of another dimension is refused with both`() throws {
        let error = try #require(try Self.error("{\"vector\":[1,2]}\n{\"vector\":[1]}"))
        #expect(error.kind == .badRow && error.expected == 2 && error.found == 1)
        #expect(error.offset == 17)
    }

    @Test func `a file without rows or numbers is refused`() throws {
        #expect(try Self.error("")?.kind == .zeroRows)
        #expect(try Self.error("\n \n")?.kind == .zeroRows)
        #expect(try Self.error("{\"vector\":[]}")?.kind == .badDimension)
    }
}
