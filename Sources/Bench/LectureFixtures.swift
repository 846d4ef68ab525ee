// The lectures: chunks of subtitles with their embeddings, and questions with theirs.

import Foundation

/// The fixture directory in memory: chunks and questions beside their vectors.
struct LectureFixtures {
    /// One chunk of a lecture, in row order.
    struct Chunk: Decodable {
        var row: Int
        var id: String
        var videoID: String
        var creatorID: String

        enum CodingKeys: String, CodingKey {
            case row
            case id
            case videoID = "video_id"
            case creatorID = "creator_id"
        }
    }

    /// One query, in row order.
    struct Query: Decodable {
        var row: Int
        var kind: String
        var text: String
    }

    var chunks: [Chunk]
    var chunkVectors: FloatMatrix
    var queries: [Query]
    var queryVectors: FloatMatrix

    /// Reads the four files and checks that they belong together.
    init(directory: String) throws {
        chunks = try Self.readLines(Chunk.self, path: directory + "/chunks.jsonl")
        chunkVectors = try FloatMatrix(fbin: directory + "/chunks.fbin")
        queries = try Self.readLines(Query.self, path: directory + "/queries.jsonl")
        queryVectors = try FloatMatrix(fbin: directory + "/queries.fbin")
        try Self.check(chunks.map(\.row), chunkVectors, directory + "/chunks")
        try Self.check(queries.map(\.row), queryVectors, directory + "/queries")
        guard chunkVectors.dimension == queryVectors.dimension else {
            throw LectureError(
                "\(directory): chunks have \(chunkVectors.dimension) dimensions, "
                    + "queries \(queryVectors.dimension)"
            )
        }
    }

    /// The first `count` natural questions.
    func questions(_ count: Int) -> [Query] {
        Array(queries.filter { $0.kind == "question" }.prefix(count))
    }

    private static func readLines<Row: Decodable>(_: Row.Type, path: String) throws -> [Row] {
        let decoder = JSONDecoder()
        let lines = try Data(contentsOf: URL(fileURLWithPath: path)).split(separator: 0x0A)
        return try lines.enumerated().map { index, line in
            do {
                return try decoder.decode(Row.self, from: Data(line))
            } catch {
                throw LectureError("\(path):\(index + 1): \(error)")
            }
        }
    }

    private static func check(_ rows: [Int], _ vectors: FloatMatrix, _ stem: String) throws {
        guard rows == Array(0..<vectors.count) else {
            throw LectureError(
                "\(stem): \(rows.count) lines and \(vectors.count) vectors do not match row by row"
            )
        }
    }
}

/// Something that keeps the lectures from being asked, or an answer that is wrong.
struct LectureError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}
