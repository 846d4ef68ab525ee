import Synchronization
import VectorStore

/// The answer to a scan, written piece by piece as the client reads it: records are read when they are wanted,
/// and a client that reads nothing has two pieces made for it and no more.
final class ScanAnswer: Sendable {
    /// About the bytes of a piece, before compression.
    static let pieceByteCount = 64 << 10
    /// Longer than this nobody may take: a page keeps what was replaced since.
    static let longest = Duration.seconds(600)

    /// The client has not read an answer within `longest`.
    struct TookTooLong: Error {}

    private struct State: ~Copyable {
        var writer = JSONWriter(capacity: ScanAnswer.pieceByteCount + 4_096)
        /// Records that were written.
        var count = 0
        var isDone = false
        var gzip: GzipStream?
    }

    private let page: RecordPage
    private let include: IncludedFields
    private let state: Mutex<State>

    init(_ page: RecordPage, include: IncludedFields) {
        self.page = page
        self.include = include
        state = Mutex(State())
    }

    /// Whether all was written.
    var isDone: Bool { state.withLock { $0.isDone } }

    /// Compresses the piece that was the first, and all that come after it.
    func compress(_ first: [UInt8]) throws -> [UInt8] {
        try state.withLock { state in
            let gzip = try GzipStream()
            state.gzip = gzip
            return try gzip.compress(first, isLast: state.isDone)
        }
    }

    /// The next piece, empty where compression has kept it for later; blocks.
    func next() throws -> [UInt8] {
        try state.withLock { state in
            try write(&state)
            let piece = state.writer.take()
            return try state.gzip?.compress(piece, isLast: state.isDone) ?? piece
        }
    }

    private func write(_ state: inout State) throws {
        if state.count == 0 {
            state.writer.open(UInt8(ascii: "{"))
            state.writer.key("records")
            state.writer.open(UInt8(ascii: "["))
        }
        while state.count < page.count, state.writer.byteCount < Self.pieceByteCount {
            // One at a time: each may have megabytes.
            for record in try page.records(state.count..<state.count + 1) {
                AnswerEncoding.write(record, include: include, to: &state.writer)
            }
            state.count += 1
        }
        guard state.count == page.count else { return }
        state.writer.close(UInt8(ascii: "]"))
        if let cursor = page.nextCursor { state.writer.member("next_cursor", cursor) }
        state.writer.close(UInt8(ascii: "}"))
        state.isDone = true
    }
}
