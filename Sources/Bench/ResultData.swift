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
    /// Files up to this length go into the digest as a whole.
    private static let wholeByteCount = 1 << 26
    /// Of longer ones, pieces of this length, the first and the last bytes among them.
    private static let pieceByteCount = 1 << 18
    private static let pieceCount = 64

    /// The data set of these files, named after the directory of `base`.
    ///
    /// - Parameter others: What else decides on the answers or judges them: truth and partitions.
    init(
        base: String,
        queries: String,
        others: [String?] = [],
        rows: Int,
        dimension: Int,
        queryCount: Int
    ) throws {
        try self.init(
            name: URL(fileURLWithPath: base).deletingLastPathComponent().lastPathComponent,
            rows: rows,
            dimension: dimension,
            queryCount: queryCount,
            files: [base, queries] + others.compactMap { $0 }
        )
    }

    /// The data set of that name, told apart from others by the contents of `files`.
    ///
    /// - Parameter scenario: What else makes two runs unlike, as a text of any form.
    init(
        name: String,
        rows: Int,
        dimension: Int,
        queryCount: Int,
        files: [String],
        scenario: String = ""
    ) throws {
        var digest: UInt64 = 0xcbf2_9ce4_8422_2325
        // FNV-1a: no secret is at stake, only mistaken files.
        func add(_ bytes: Data) {
            for byte in bytes { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        add(Data(scenario.utf8))
        for path in files {
            // A table of an HDF5 file is named behind a colon.
            let isFile = FileManager.default.fileExists(atPath: path)
            if !isFile { add(Data((path.split(separator: ":").last ?? "").utf8)) }
            let path = isFile ? path : path.split(separator: ":").dropLast().joined(separator: ":")
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? file.close() }
            let length = try file.seekToEnd()
            add(withUnsafeBytes(of: length.littleEndian) { Data($0) })
            let isWhole = length <= UInt64(Self.wholeByteCount)
            let pieces = isWhole ? 1 : Self.pieceCount
            let size = isWhole ? Int(length) : Self.pieceByteCount
            for piece in 0..<pieces {
                let last = length - UInt64(size)
                try file.seek(toOffset: last * UInt64(piece) / UInt64(max(1, pieces - 1)))
                add(try file.read(upToCount: size) ?? Data())
            }
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
