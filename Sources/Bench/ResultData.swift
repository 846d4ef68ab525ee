import BenchReport
import Foundation

extension ResultFile {
    /// The results in files whose paths are separated by commas, as runs of one sweep.
    static func read(_ paths: String) throws -> ResultFile {
        let files = try paths.split(separator: ",").map { try readOne(String($0)) }
        guard let first = files.first else { throw BenchError("`\(paths)` names no file") }
        return ResultFile(name: first.name, lines: files.flatMap(\.lines))
    }

    private static func readOne(_ path: String) throws -> ResultFile {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw BenchError("\(path) cannot be read")
        }
        let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
        return try ResultFile(name: name, path: path, bytes: bytes)
    }
}

extension DataIdentity {
    /// How much of each end of a file goes into the digest.
    private static let sampledByteCount = 1 << 20

    /// The data set of these files: named after the directory of `base`, told apart from others by
    /// the length and both ends of `base` and of `queries`.
    init(base: String, queries: String, rows: Int, dimension: Int, queryCount: Int) throws {
        try self.init(
            name: URL(fileURLWithPath: base).deletingLastPathComponent().lastPathComponent,
            rows: rows,
            dimension: dimension,
            queryCount: queryCount,
            files: [base, queries]
        )
    }

    /// The data set of that name, told apart from others by the length and both ends of `files`.
    init(name: String, rows: Int, dimension: Int, queryCount: Int, files: [String]) throws {
        var digest: UInt64 = 0xcbf2_9ce4_8422_2325
        for path in files {
            // A table of an HDF5 file is named behind a colon.
            let path =
                FileManager.default.fileExists(atPath: path)
                ? path : path.split(separator: ":").dropLast().joined(separator: ":")
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? file.close() }
            let length = try file.seekToEnd()
            var sample = withUnsafeBytes(of: length.littleEndian) { Data($0) }
            for offset in Set([0, length - min(length, UInt64(Self.sampledByteCount))]).sorted() {
                try file.seek(toOffset: offset)
                sample += try file.read(upToCount: Self.sampledByteCount) ?? Data()
            }
            // FNV-1a: no secret is at stake, only mistaken files.
            for byte in sample { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        self.init(
            name: name,
            rows: rows,
            dimension: dimension,
            queries: queryCount,
            digest: String(digest, radix: 16)
        )
    }
}
