import StorageIO
import Testing

@testable import VectorStore

/// Everything a store says that it holds, read in several ways that must agree.
enum StoreContents {
    /// Reads all records of the collection `c`; nil when it does not exist.
    static func read(_ store: VectorDatabase) throws -> Scenario.Contents? {
        guard try store.collections().contains(where: { $0.name == "c" }) else { return nil }
        let collection = try store.collection("c")
        var contents: Scenario.Contents = [:]
        var cursor: String?
        repeat {
            let page = try collection.scan(
                limit: 7,
                cursor: cursor,
                include: [.attributes, .payload, .vector]
            )
            for record in page.records {
                try require(contents[record.id] == nil, "scan met \(record.id) twice")
                contents[record.id] = record
            }
            cursor = page.nextCursor
        } while cursor != nil
        let count = try collection.count()
        try require(count == contents.count, "count \(count), scan \(contents.count)")
        for (id, record) in contents {
            let found = try collection.get([id])
            try require(found == [record], "get of \(id) differs from the scan")
        }
        return contents
    }

    /// Whether two pictures agree; vectors are compared by direction, as they are stored at unit length.
    static func agree(_ left: Scenario.Contents, _ right: Scenario.Contents) -> Bool {
        guard left.count == right.count else { return false }
        for (id, record) in left {
            guard let other = right[id], other.partition == record.partition,
                other.attributes == record.attributes, other.payload == record.payload,
                distance(record.vector, other.vector) < 1e-5
            else { return false }
        }
        return true
    }

    /// Compares an exact search with the distances of all records.
    static func checkSearch(
        _ store: VectorDatabase,
        _ contents: Scenario.Contents,
        query: [Float]
    ) throws {
        let collection = try store.collection("c")
        let answer = try collection.search(SearchQuery(vector: query, k: 10, recallTarget: 1))
        let truth = contents.values.map { distance(query, $0.vector) }.sorted().prefix(10)
        try require(
            answer.matches.count == truth.count,
            "\(answer.matches.count) matches, \(truth.count) expected"
        )
        for (match, expected) in zip(answer.matches, truth) {
            try require(
                abs(Double(match.distance) - expected) < 1e-4,
                "\(match.id) at \(match.distance), expected \(expected)"
            )
        }
    }

    static func distance(_ a: [Float], _ b: [Float]) -> Double {
        var (dot, left, right) = (0.0, 0.0, 0.0)
        for (x, y) in zip(a, b) {
            dot += Double(x) * Double(y)
            left += Double(x) * Double(x)
            right += Double(y) * Double(y)
        }
        return 1 - dot / (left.squareRoot() * right.squareRoot())
    }

    struct Violation: Error, CustomStringConvertible {
        var description: String
    }

    static func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        if !condition { throw Violation(description: message()) }
    }
}
