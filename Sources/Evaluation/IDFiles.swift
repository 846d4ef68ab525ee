import Glibc

/// True neighbours: row numbers, nearest first, −1 where there are fewer.
package struct TruthFile: Sendable {
    package let queryCount: Int
    package let k: Int
    /// `[queryCount × k]`.
    package let rows: [Int32]

    package init(queryCount: Int, k: Int, rows: [Int32]) {
        self.queryCount = queryCount
        self.k = k
        self.rows = rows
    }

    /// Reads `ibin` (UInt32 queries, UInt32 k, rows, perhaps similarities) or `ivecs`.
    package init(_ path: String) throws(DatasetError) {
        let file = try RawFile(path)
        switch path.split(separator: ".").last {
        case "ibin":
            queryCount = Int(try file.uint32(at: 0))
            k = Int(try file.uint32(at: 4))
            let (cells, overflow) = queryCount.multipliedReportingOverflow(by: k)
            guard queryCount > 0, k > 0, !overflow, cells < 1 << 40,
                file.byteCount == 8 + cells * 4 || file.byteCount == 8 + cells * 8
            else {
                throw DatasetError(
                    path,
                    "\(queryCount) queries of \(k) do not fit \(file.byteCount) bytes"
                )
            }
            rows = Self.integers(try file.bytes(cells * 4, at: 8))
        case "ivecs":
            k = Int(try file.uint32(at: 0))
            guard k > 0, k < 1 << 24, file.byteCount.isMultiple(of: 4 + k * 4) else {
                throw DatasetError(
                    path,
                    "\(file.byteCount) bytes are not a whole number of rows of \(k)"
                )
            }
            queryCount = file.byteCount / (4 + k * 4)
            let all = Self.integers(try file.bytes(file.byteCount, at: 0))
            let width = k + 1
            rows = all.enumerated().filter { !$0.offset.isMultiple(of: width) }.map(\.element)
        default:
            throw DatasetError(path, "unknown extension; ibin and ivecs are read")
        }
    }

    package subscript(query: Int) -> [Int] {
        rows[query * k..<(query + 1) * k].filter { $0 >= 0 }.map(Int.init)
    }

    /// Writes `ibin` without similarities.
    package func write(_ path: String) throws(DatasetError) {
        var bytes: [UInt8] = []
        for value in [UInt32(queryCount), UInt32(k)] {
            withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
        }
        for row in rows { withUnsafeBytes(of: row.littleEndian) { bytes.append(contentsOf: $0) } }
        try OutputFile.write(bytes, path)
    }

    private static func integers(_ bytes: [UInt8]) -> [Int32] {
        bytes.withUnsafeBytes { buffer in
            (0..<buffer.count / 4).map {
                Int32(littleEndian: buffer.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self))
            }
        }
    }
}

/// Numbers of partitions: one UInt16 a row, without a header.
package enum PartitionFile {
    package static func read(_ path: String, count: Int) throws(DatasetError) -> [UInt16] {
        let file = try RawFile(path)
        // A file with a header of count and width is read as well.
        let hasHeader = file.byteCount == count * 2 + 8
        guard file.byteCount == count * 2 || hasHeader else {
            throw DatasetError(
                path,
                "\(file.byteCount) bytes where \(count) rows take \(count * 2)"
            )
        }
        let bytes = try file.bytes(count * 2, at: hasHeader ? 8 : 0)
        return (0..<count).map { UInt16(bytes[$0 * 2]) | UInt16(bytes[$0 * 2 + 1]) << 8 }
    }

    package static func write(_ partitions: [UInt16], _ path: String) throws(DatasetError) {
        try OutputFile.write(partitions.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }, path)
    }
}

/// Writes a file from its beginning.
package enum OutputFile {
    package static func write(_ bytes: [UInt8], _ path: String) throws(DatasetError) {
        let writer = try FloatFileWriter(raw: path)
        try writer.check(bytes.withUnsafeBytes { writer.write($0) })
        try writer.finish()
    }
}

/// Writes `fbin` row block by row block.
package final class FloatFileWriter {
    private let path: String
    private let file: UnsafeMutablePointer<FILE>

    fileprivate init(raw path: String) throws(DatasetError) {
        self.path = path
        guard let file = fopen(path, "wb") else {
            throw DatasetError(path, "cannot create: \(String(cString: strerror(errno)))")
        }
        self.file = file
    }

    package convenience init(
        _ path: String,
        count: Int,
        dimension: Int
    ) throws(DatasetError) {
        try self.init(raw: path)
        for value in [UInt32(count), UInt32(dimension)] {
            try check(withUnsafeBytes(of: value.littleEndian) { write($0) })
        }
    }

    package func append(_ rows: [Float]) throws(DatasetError) {
        try check(rows.withUnsafeBytes { write($0) })
    }

    /// - Returns: Whether all bytes were taken.
    fileprivate func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        fwrite(bytes.baseAddress, 1, bytes.count, file) == bytes.count
    }

    fileprivate func check(_ wasWritten: Bool) throws(DatasetError) {
        guard wasWritten else {
            throw DatasetError(path, "cannot write: \(String(cString: strerror(errno)))")
        }
    }

    package func finish() throws(DatasetError) {
        guard fclose(file) == 0 else {
            throw DatasetError(path, "cannot write: \(String(cString: strerror(errno)))")
        }
    }
}
