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
        /// Of the library's process, and of everything else on the machine in the meantime.
        var processorSeconds: Double
        var othersSeconds: Double
        var bytes: Int
        /// Of an index that was read from its file, cold: until it was there, and until it had answered.
        var loadSeconds: Double?
        var firstSeconds: Double?
        /// By how much it made the process larger.
        var residentBytes: Int?
        /// Settings to measure, from little work to much.
        var sweep: [[String: Double]]

        enum CodingKeys: String, CodingKey {
            case build
            case buildSeconds = "build_s"
            case processorSeconds = "processor_s"
            case othersSeconds = "others_s"
            case bytes
            case loadSeconds = "load_s"
            case firstSeconds = "first_s"
            case residentBytes = "resident_bytes"
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
        var index: String?
        /// Tells the rows of an index in a file from others.
        var data: String
    }

    /// The rows of an index, and the parts in which they are handed over.
    struct Rows {
        var count: Int
        var dimension: Int
        /// Copies rows into `[rows.count × dimension]`.
        var read: (Range<Int>, UnsafeMutablePointer<Float>) throws -> Void

        init(_ reader: VectorFileReader) {
            (count, dimension) = (reader.count, reader.dimension)
            read = { try reader.read(rows: $0, into: $1) }
        }

        /// - Shapes: `floats` is `[count × dimension]`.
        init(_ floats: [Float], dimension: Int) {
            (count, self.dimension) = (floats.count / dimension, dimension)
            read = { rows, target in
                floats.withUnsafeBufferPointer { floats in
                    guard let base = floats.baseAddress else { return }
                    target.update(
                        from: base + rows.lowerBound * dimension,
                        count: rows.count * dimension
                    )
                }
            }
        }
    }

    /// What one run of passes found, and took.
    struct Answers {
        /// The rows found by each query.
        var found: [[Int]]
        var time: TimeTaken
        /// Of each query of each pass, in microseconds; empty for batches.
        var latencies: [Float]
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
    ///
    /// - Parameters:
    ///   - index: A file to save the index in; one that is there is read instead of building.
    ///   - data: A digest of the rows; a file of others is refused.
    static func start(
        _ peer: String,
        python: String,
        script: String,
        rows: Rows,
        queries: [Float],
        k: Int,
        threads: Int,
        index: String? = nil,
        data: String = ""
    ) throws -> (PeerWorker, Index) {
        let count = queries.count / rows.dimension
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
                count: rows.count,
                dimension: rows.dimension,
                queries: count,
                k: k,
                threads: threads,
                index: index,
                data: data
            )
        )
        if !(index.map(FileManager.default.fileExists) ?? false) { try worker.send(rows) }
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

    /// Runs the queries `passes` times.
    func run(_ params: [String: Double], isBatch: Bool, passes: Int) throws -> Answers {
        try send(Pass(params: params, batch: isBatch, passes: passes))
        let time = try receive(Time.self)
        let bytes = try read(queryCount * k * 4)
        let rows = bytes.withUnsafeBytes { buffer in
            (0..<queryCount * k).map {
                Int(buffer.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self).littleEndian)
            }
        }
        let latencies = isBatch ? Data() : try read(queryCount * passes * 4)
        return Answers(
            found: (0..<queryCount).map { query in
                rows[query * k..<(query + 1) * k].filter { $0 >= 0 }
            },
            time: TimeTaken(seconds: time.seconds, processorSeconds: time.processorSeconds),
            latencies: latencies.withUnsafeBytes { buffer in
                (0..<buffer.count / 4).map {
                    let bits = buffer.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self)
                    return Float(bitPattern: UInt32(littleEndian: bits))
                }
            }
        )
    }

    private func send(_ rows: Rows) throws {
        let part = 4_096
        var floats = [Float](repeating: 0, count: part * rows.dimension)
        var first = 0
        while first < rows.count {
            let range = first..<min(rows.count, first + part)
            try floats.withUnsafeMutableBufferPointer { buffer in
                guard let target = buffer.baseAddress else { return }
                try rows.read(range, target)
            }
            let byteCount = range.count * rows.dimension * 4
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
