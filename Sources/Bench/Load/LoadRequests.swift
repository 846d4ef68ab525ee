import Evaluation
import Foundation
import NIOCore
import NIOHTTP1

/// Makes the requests of a scenario; the bodies' costly parts are encoded beforehand.
struct LoadRequests {
    /// What ids that a run writes begin with.
    static let idPrefix = "load-"
    /// The partition of the records that a run writes.
    static let partition = "load"
    /// How many ids a run writes; later writes replace the records of earlier ones.
    static let idCount = 1_000

    /// One request, ready to be written.
    struct Request {
        var operation: Int
        var head: HTTPRequestHead
        var body: ByteBuffer
    }

    let scenario: LoadScenario
    private let collection: String
    /// Each query vector as a JSON array.
    private let vectors: [String]
    /// Partitions as JSON strings, each as often as it has records; empty without partitions.
    private let partitions: [String]
    /// Ids as JSON.
    private let ids: [String]
    private let isPartitioned: Bool
    private var random: SeededNumbers
    private var written = 0

    init(
        scenario: LoadScenario,
        collection: String,
        queries: VectorFileReader,
        records: [(id: JSONFragment, partition: String?)],
        seed: UInt64
    ) throws {
        guard !records.isEmpty else { throw BenchError("\(collection) has no records to ask for") }
        self.scenario = scenario
        self.collection = collection
        let encoder = JSONEncoder()
        let floats = try queries.readAll()
        vectors = (0..<min(queries.count, 10_000)).map { row in
            let row = floats[row * queries.dimension..<(row + 1) * queries.dimension]
            return "[" + row.map { "\($0)" }.joined(separator: ",") + "]"
        }
        ids = try records.map { String(decoding: try encoder.encode($0.id), as: UTF8.self) }
        let names = records.compactMap(\.partition)
        partitions = try names.map { String(decoding: try encoder.encode($0), as: UTF8.self) }
        isPartitioned = !names.isEmpty
        random = SeededNumbers(seed: seed ^ 0x6C6F_6164)
    }

    /// The next request of the mix.
    mutating func next() -> Request {
        let index = scenario.operation(at: random.unit())
        let operation = scenario.operations[index]
        switch operation.kind {
        case .query:
            var body = "{\"vector\":" + vectors[random.index(vectors.count)]
            if isPartitioned {
                body += ",\"partition\":" + partitions[random.index(partitions.count)]
            }
            body += ",\"limit\":\(operation.amount)}"
            return request(index, "query", body)
        case .get:
            let chosen = (0..<operation.amount).map { _ in ids[random.index(ids.count)] }
            return request(
                index,
                "records/get",
                "{\"ids\":[" + chosen.joined(separator: ",") + "]}"
            )
        case .upsert:
            let records = (0..<operation.amount).map { _ in record() }
            return request(
                index,
                "records",
                "{\"records\":[" + records.joined(separator: ",") + "]}"
            )
        }
    }

    private mutating func record() -> String {
        written += 1
        var text = "{\"id\":\"\(Self.idPrefix)\(written % Self.idCount)\",\"vector\":"
        text += vectors[random.index(vectors.count)]
        if isPartitioned { text += ",\"partition\":\"\(Self.partition)\"" }
        return text + "}"
    }

    private func request(_ operation: Int, _ action: String, _ text: String) -> Request {
        let body = ByteBuffer(string: text)
        let headers: HTTPHeaders = [
            "host": "localhost", "content-type": "application/json",
            "content-length": "\(body.readableBytes)",
        ]
        let head = HTTPRequestHead(
            version: .http1_1,
            method: .POST,
            uri: "/v1/collections/\(collection)/\(action)",
            headers: headers
        )
        return Request(operation: operation, head: head, body: body)
    }

    /// The kind of error that an answer is; nil for a good one.
    func problem(operation: Int, status: Int, body: ByteBuffer) -> String? {
        guard status == 200 else { return "http_\(status)" }
        // An answer without its first match, record or count is wrong, however fast.
        let expected =
            switch scenario.operations[operation].kind {
            case .query: "{\"matches\":[{"
            case .get: "{\"records\":[{"
            case .upsert: "{\"count\":\(scenario.operations[operation].amount),"
            }
        return body.readableBytesView.starts(with: expected.utf8) ? nil : "bad_result"
    }
}
