import Glibc

/// Reads ranges of one file; a file of any length takes no memory.
final class RawFile: Sendable {
    let path: String
    let byteCount: Int
    private let descriptor: Int32

    init(_ path: String) throws(DatasetError) {
        self.path = path
        // Not blocking, so that a named pipe is refused rather than waited for.
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw DatasetError(
                path,
                errno == ENOENT ? .notFound : .inputOutput,
                "cannot open: \(String(cString: strerror(errno)))"
            )
        }
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw DatasetError(path, .inputOutput, "is not a regular file")
        }
        byteCount = Int(info.st_size)
    }

    deinit { close(descriptor) }

    /// The path's extension.
    var format: String {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: ".") else { return "" }
        return String(name[name.index(after: dot)...])
    }

    /// Refuses the file unless it has exactly so many bytes.
    func checkByteCount(
        _ expected: Int,
        _ what: @autoclosure () -> String
    ) throws(DatasetError) {
        if byteCount == expected { return }
        throw DatasetError(
            path,
            byteCount < expected ? .truncated : .sizeMismatch,
            "\(what()) take \(expected) bytes",
            at: min(byteCount, expected),
            expected: expected,
            found: byteCount
        )
    }

    func read(
        into buffer: UnsafeMutableRawBufferPointer,
        at offset: Int
    ) throws(DatasetError) {
        var done = 0
        while done < buffer.count {
            let count = pread(
                descriptor,
                buffer.baseAddress.map { $0 + done },
                buffer.count - done,
                off_t(offset + done)
            )
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw DatasetError(
                    path,
                    .inputOutput,
                    "cannot read: \(String(cString: strerror(errno)))",
                    at: offset + done
                )
            }
            guard count > 0 else {
                throw DatasetError(
                    path,
                    .truncated,
                    "the file ends in the middle",
                    at: offset + done,
                    expected: buffer.count,
                    found: done
                )
            }
            done += count
        }
    }

    func bytes(_ count: Int, at offset: Int) throws(DatasetError) -> [UInt8] {
        guard offset >= 0, count >= 0, offset <= byteCount, count <= byteCount - offset else {
            throw DatasetError(
                path,
                .truncated,
                "the file ends before \(count) bytes that it promises",
                at: offset,
                expected: count,
                found: max(0, byteCount - offset)
            )
        }
        var bytes = [UInt8](repeating: 0, count: count)
        var failure: DatasetError?
        bytes.withUnsafeMutableBytes { buffer in
            do throws(DatasetError) { try read(into: buffer, at: offset) } catch { failure = error }
        }
        if let failure { throw failure }
        return bytes
    }

    func uint32(at offset: Int) throws(DatasetError) -> UInt32 {
        try bytes(4, at: offset).reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
