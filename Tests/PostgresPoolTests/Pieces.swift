import Synchronization

/// Lines for a COPY, a hundred at a time.
final class Pieces: Sendable {
    private let line = Mutex(0)
    private let count: Int

    init(count: Int) {
        self.count = count
    }

    @Sendable func next() -> [UInt8]? {
        line.withLock { line in
            guard line < count else { return nil }
            let lines = (line..<min(count, line + 100)).map { "\($0)\tline \($0)\n" }
            line += lines.count
            return Array(lines.joined().utf8)
        }
    }
}
