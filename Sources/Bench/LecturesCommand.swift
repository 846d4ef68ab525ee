import ArgumentParser
import AsyncHTTPClient
import Foundation

/// `vector-bench lectures`: asks a running server real questions and checks every answer.
struct LecturesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lectures",
        abstract: "Ask a running server questions about the lectures, one creator at a time.",
        discussion: """
            Every answer is compared with an exact scan of the creator's chunks in double \
            precision. Exit code 0: all answers were right; 1: one was wrong or missing.
            """
    )

    @Option(help: "The server's unix socket.")
    var socket: String

    @Option(help: "The directory with chunks.jsonl, chunks.fbin, queries.jsonl and queries.fbin.")
    var fixtures = "fixtures/lectures"

    @Option(help: "The collection that holds the chunks.")
    var collection = "lectures"

    @Option(help: "A creator to ask; repeat it for more than one.")
    var creator: [String] = ["creator-001", "creator-002"]

    @Option(help: "How many questions are asked.")
    var questions = 5

    @Option(help: "How many matches are asked for.")
    var limit = 5

    func run() async throws {
        do {
            try await askAndCheck()
        } catch let error as LectureError {
            // The questions come first, also where both streams end in one file.
            fflush(nil)
            FileHandle.standardError.write(Data("vector-bench: \(error)\n".utf8))
            throw ExitCode(1)
        }
    }

    private func askAndCheck() async throws {
        let lectures = try LectureFixtures(directory: fixtures)
        let asked = lectures.questions(questions)
        guard !asked.isEmpty else {
            throw LectureError("\(fixtures)/queries.jsonl: no query of kind question")
        }
        for name in creator where !lectures.chunks.contains(where: { $0.creatorID == name }) {
            throw LectureError("\(fixtures)/chunks.jsonl: no chunk of \(name)")
        }
        let http = HTTPClient(eventLoopGroupProvider: .singleton)
        let client = QueryClient(http: http, socketPath: socket, collection: collection)
        do {
            let found = try await ask(asked, of: lectures, through: client)
            try await http.shutdown()
            try checkDisjoint(found)
        } catch {
            try? await http.shutdown()
            throw error
        }
        let count = asked.count * creator.count
        print("All \(count) answers equal an exact double-precision scan, rank by rank.")
        if creator.count > 1 {
            print("No lecture was found for more than one creator.")
        }
    }

    /// Asks every creator every question; the lectures found, by creator.
    private func ask(
        _ asked: [LectureFixtures.Query],
        of lectures: LectureFixtures,
        through client: QueryClient
    ) async throws -> [String: Set<String>] {
        let check = LectureCheck(lectures)
        var found: [String: Set<String>] = [:]
        for name in creator {
            let count = lectures.chunks.count { $0.creatorID == name }
            print("\(name), \(count) of \(lectures.chunks.count) chunks\n")
            for question in asked {
                let matches = try await client.query(
                    vector: Array(lectures.queryVectors[question.row]),
                    partition: name,
                    limit: limit
                )
                print("  \(question.text)")
                matches.forEach { print(Self.line($0)) }
                print()
                if let problem = check.problem(
                    in: matches,
                    query: question.row,
                    creator: name,
                    limit: limit
                ) {
                    throw LectureError("\(name), \"\(question.text)\": \(problem)")
                }
                found[name, default: []].formUnion(matches.map(\.attributes.videoID))
            }
        }
        return found
    }

    private func checkDisjoint(_ found: [String: Set<String>]) throws {
        var owner: [String: String] = [:]
        for (name, videos) in found {
            for video in videos {
                if let other = owner.updateValue(name, forKey: video) {
                    throw LectureError("lecture \(video) was found for \(other) and for \(name)")
                }
            }
        }
    }

    private static func line(_ match: QueryClient.Match) -> String {
        let seconds = Int(match.attributes.startSeconds)
        let time = String(format: "%3d:%02d", seconds / 60, seconds % 60)
        let lecture = Terminal.padded(match.attributes.videoID, to: 32)
        let head = "    \(String(format: "%.3f", match.similarity))  \(time)  \(lecture)  "
        let text = match.payload.text.split(whereSeparator: \.isNewline).joined(separator: " ")
        return head + Terminal.trimmed(text, to: max(Terminal.width - head.count, 20))
    }
}
