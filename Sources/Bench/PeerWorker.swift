import Evaluation
import Foundation

/// Another index library in a Python process of its own, fed with what our reader read.
///
/// The protocol is that of `scripts/peer_worker.py`.
final class PeerWorker {
    /// What the library says of its index.
    struct Index: Decodable {
        var build: String
        var buildSeconds: Double
        var processorSeconds: Double
        var bytes: Int
        /// Settings to measure, from little work to much.
        var sweep: [[String: Double]]

        enum CodingKeys: String, CodingKey {
            case build
            case buildSeconds = "build_s"
            case processorSeconds = "processor_s"
            case bytes
            case sweep
        }
    }

    private struct Task: Encodable {
        var peer: String
        var count: Int
        var dimension: Int
        var queries: Int
        var k: Int
        var threads: Int
    }

    private struct Pass: Encodable {
        var params: [String: Double]
        var batch: Bool
        var passes: Int
    }

    private struct Time: Decodable {
        var seconds: Double
        var processorSeconds: Double

        enum CodingKeys: String, CodingKey {
            case seconds
            case processorSeconds = "processor_s"
        }
    }

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let peer: String
    private let queryCount: Int
    private let k: Int

    /// Starts the library and hands it the rows and the queries; the answer is the built index.
    static func start(
        _ peer: String,
        python: String,
        script: String,
        base: VectorFileReader,
        queries: [Float],
        k: Int,
        threads: Int
    ) throws -> (PeerWorker, Index) {
        let count = queries.count / base.dimension
        let worker = PeerWorker(peer: peer, queryCount: count, k: k)
        worker.process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        worker.process.arguments = [python, script]
        worker.process.standardInput = worker.input
        worker.process.standardOutput = worker.output
        // A worker that ended is an error of a write, not the end of this program.
        signal(SIGPIPE, SIG_IGN)
        try worker.process.run()
        try worker.send(
            Task(
                peer: peer,
                count: base.count,
                dimension: base.dimension,
                queries: count,
                k: k,
                threads: threads
            )
        )
        try worker.sendRows(base)
        try worker.write(queries.withUnsafeBytes { Data($0) })
        return (worker, try worker.receive(Index.self))
    }

    private init(peer: String, queryCount: Int, k: Int) {
        self.peer = peer
        self.queryCount = queryCount
        self.k = k
    }

    deinit {
        try? input.fileHandleForWriting.close()
        if process.isRunning { process.waitUntilExit() }
    }

    /// Runs the queries `passes` times; the rows found by each query, and the time.
    func run(
        _ params: [String: Double],
        isBatch: Bool,
        passes: Int
    ) throws -> (found: [[Int]], time: TimeTaken) {
        try send(Pass(params: params, batch: isBatch, passes: passes))
        let time = try receive(Time.self)
        let bytes = try read(queryCount * k * 4)
        let rows = bytes.withUnsafeBytes { buffer in
            (0..<queryCount * k).map {
                Int(buffer.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self).littleEndian)
            }
        }
        let found = (0..<queryCount).map { query in
            rows[query * k..<(query + 1) * k].filter { $0 >= 0 }
        }
        return (
            found, TimeTaken(seconds: time.seconds, processorSeconds: time.processorSeconds)
        )
    }

    private func sendRows(_ base: VectorFileReader) throws {
        let part = 4_096
        var floats = [Float](repeating: 0, count: part * base.dimension)
        var first = 0
        while first < base.count {
            let range = first..<min(base.count, first + part)
            try floats.withUnsafeMutableBufferPointer { buffer in
                guard let target = buffer.baseAddress else { return }
                try base.read(rows: range, into: target)
            }
            let byteCount = range.count * base.dimension * 4
            try write(floats.withUnsafeBytes { Data($0.prefix(byteCount)) })
            first = range.upperBound
        }
    }

    private func send(_ message: some Encodable) throws {
        try write(try JSONEncoder().encode(message) + Data("\n".utf8))
    }

    private func write(_ data: Data) throws {
        do {
            try input.fileHandleForWriting.write(contentsOf: data)
        } catch {
            throw ended()
        }
    }

    private func receive<Message: Decodable>(_ type: Message.Type) throws -> Message {
        var line = Data()
        while let byte = try output.fileHandleForReading.read(upToCount: 1), let byte = byte.first {
            if byte == 0x0A {
                do {
                    return try JSONDecoder().decode(type, from: line)
                } catch {
                    throw BenchError("\(peer): an answer that cannot be read: \(error)")
                }
            }
            line.append(byte)
        }
        throw ended()
    }

    private func read(_ byteCount: Int) throws -> Data {
        var data = Data()
        while data.count < byteCount {
            let part = try output.fileHandleForReading.read(upToCount: byteCount - data.count)
            guard let part, !part.isEmpty else { throw ended() }
            data += part
        }
        return data
    }

    private func ended() -> BenchError {
        BenchError(
            "\(peer): the Python program ended; its words are above. It needs numpy and the library "
                + "of the peer: python3 -m venv V && V/bin/pip install numpy faiss-cpu, then "
                + "--python V/bin/python"
        )
    }
}
