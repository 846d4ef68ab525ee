import Glibc

/// Reads a file from its start or a later place, in large pieces, line by line.
final class InputFile {
    /// The longest line that is accepted.
    static let maximumLineByteCount = 64 << 20

    private let descriptor: Int32
    private let path: String
    private var buffer: [UInt8] = []
    private var start = 0
    private var isAtEnd = false
    /// The offset of the byte after the line that was read last.
    private(set) var offset: UInt64

    /// Opens a file.
    init(_ path: String, offset: UInt64 = 0) throws {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        self.path = path
        self.offset = offset
        guard descriptor >= 0 else { throw Self.failure(path) }
        if offset > 0, lseek(descriptor, off_t(offset), SEEK_SET) < 0 { throw Self.failure(path) }
    }

    deinit {
        close(descriptor)
    }

    /// The size in bytes.
    var byteCount: UInt64 {
        let place = lseek(descriptor, 0, SEEK_CUR)
        let end = lseek(descriptor, 0, SEEK_END)
        lseek(descriptor, place, SEEK_SET)
        return UInt64(max(0, end))
    }

    /// Reads a line without its end; nil at the end of the file.
    func nextLine() throws -> [UInt8]? {
        var searched = start
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(buffer[start..<end])
                offset += UInt64(end + 1 - start)
                start = end + 1
                return line
            }
            if isAtEnd {
                guard start < buffer.count else { return nil }
                let line = Array(buffer[start...])
                offset += UInt64(line.count)
                start = buffer.count
                return line
            }
            guard buffer.count - start <= Self.maximumLineByteCount else {
                throw CommandFailure(message: "\(path): a line is longer than 64 MiB")
            }
            buffer.removeFirst(start)
            start = 0
            searched = buffer.count
            try fill()
        }
    }

    private func fill() throws {
        let chunk = try Self.read(descriptor, path: path)
        if chunk.isEmpty { isAtEnd = true }
        buffer.append(contentsOf: chunk)
    }

    /// Reads a whole file, or standard input for nil.
    static func all(of path: String?) throws -> [UInt8] {
        let name = path ?? "standard input"
        let descriptor = path.map { open($0, O_RDONLY | O_CLOEXEC) } ?? STDIN_FILENO
        guard descriptor >= 0 else { throw failure(name) }
        defer { if path != nil { close(descriptor) } }
        var bytes: [UInt8] = []
        while true {
            let chunk = try read(descriptor, path: name)
            if chunk.isEmpty { return bytes }
            bytes.append(contentsOf: chunk)
        }
    }

    private static func read(_ descriptor: Int32, path: String) throws -> [UInt8] {
        let capacity = 1 << 20
        while true {
            var result = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                result = Glibc.read(descriptor, buffer.baseAddress, capacity)
                count = max(0, result)
            }
            if result >= 0 { return chunk }
            guard errno == EINTR else { throw failure(path) }
        }
    }

    static func failure(_ path: String) -> CommandFailure {
        CommandFailure(
            message: "cannot read \(path): \(String(cString: strerror(errno)))",
            code: errno == ENOENT ? 3 : 1
        )
    }
}
