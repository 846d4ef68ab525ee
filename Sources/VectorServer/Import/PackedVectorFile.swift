import Glibc

/// Rows of floats in one of the formats that data sets come in: fbin, f16bin, fvecs and npy.
///
/// - Source: Big ANN Benchmarks (fbin: counts as two uint32, then float32), TexMex (fvecs: each row
///   behind its dimension), NumPy enhancement proposal 1 (npy).
final class PackedVectorFile {
    /// Rows.
    let count: Int
    /// Floats in a row.
    let dimension: Int

    private let descriptor: Int32
    private let path: String
    private let dataOffset: Int
    private let rowStride: Int
    private let isHalf: Bool

    /// Opens a file; its name's ending says the format.
    init(_ path: String) throws {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        self.path = path
        guard descriptor >= 0 else { throw InputFile.failure(path) }
        let byteCount = Int(lseek(descriptor, 0, SEEK_END))
        let head = try Self.read(
            descriptor,
            path: path,
            offset: 0,
            count: min(byteCount, 1 << 16)
        )
        let layout = try Self.layout(path: path, head: head, byteCount: byteCount)
        (count, dimension) = (layout.count, layout.dimension)
        (dataOffset, rowStride, isHalf) = (layout.dataOffset, layout.rowStride, layout.isHalf)
        let needed = dataOffset.addingReportingOverflow(
            layout.count.multipliedReportingOverflow(by: layout.rowStride).partialValue
        )
        guard dimension > 0, dimension <= 1 << 20, !needed.overflow,
            needed.partialValue <= byteCount + layout.slack
        else {
            throw CommandFailure(
                message: "\(path) says it has \(count) rows of \(dimension) floats and is too "
                    + "short for them (\(byteCount) bytes)"
            )
        }
    }

    deinit {
        close(descriptor)
    }

    /// Reads a row.
    func row(_ index: Int) throws -> [Float] {
        precondition(0..<count ~= index)
        let bytes = try Self.read(
            descriptor,
            path: path,
            offset: dataOffset + index * rowStride,
            count: dimension * (isHalf ? 2 : 4)
        )
        return bytes.withUnsafeBytes { source in
            (0..<dimension).map { position in
                if isHalf {
                    let bits = source.loadUnaligned(fromByteOffset: 2 * position, as: UInt16.self)
                    return Float(Float16(bitPattern: UInt16(littleEndian: bits)))
                }
                let bits = source.loadUnaligned(fromByteOffset: 4 * position, as: UInt32.self)
                return Float(bitPattern: UInt32(littleEndian: bits))
            }
        }
    }

    private struct Layout {
        var count: Int
        var dimension: Int
        var dataOffset: Int
        var rowStride: Int
        var isHalf = false
        /// Bytes that the end of the last row's stride reaches past the file.
        var slack = 0
    }

    private static func layout(path: String, head: [UInt8], byteCount: Int) throws -> Layout {
        let ending = path.split(separator: ".").last.map(String.init) ?? ""
        guard head.count >= 8 else { throw CommandFailure(message: "\(path) is too short") }
        switch ending {
        case "fbin", "f16bin":
            let dimension = integer(head, at: 4)
            let isHalf = ending == "f16bin"
            return Layout(
                count: integer(head, at: 0),
                dimension: dimension,
                dataOffset: 8,
                rowStride: dimension * (isHalf ? 2 : 4),
                isHalf: isHalf
            )
        case "fvecs":
            let dimension = integer(head, at: 0)
            let stride = 4 + 4 * dimension
            guard byteCount.isMultiple(of: stride) else {
                throw CommandFailure(
                    message: "\(path) is not a whole number of rows of \(dimension) floats"
                )
            }
            return Layout(
                count: byteCount / stride,
                dimension: dimension,
                dataOffset: 4,
                rowStride: stride,
                slack: 4
            )
        case "npy": return try numpyLayout(path: path, head: head)
        default:
            throw CommandFailure(
                message: "\(path): unknown format; the name must end in .fbin, .f16bin, .fvecs or "
                    + ".npy",
                code: 2
            )
        }
    }

    private static func numpyLayout(path: String, head: [UInt8]) throws -> Layout {
        let refusal = CommandFailure(
            message: "\(path) must be an npy file of a two-dimensional float32 or float16 array "
                + "in C order"
        )
        guard head.count > 12, head[0] == 0x93, Array(head[1..<6]) == Array("NUMPY".utf8) else {
            throw refusal
        }
        let start = head[6] == 1 ? 10 : 12
        let length = head[6] == 1 ? Int(head[8]) | Int(head[9]) << 8 : integer(head, at: 8)
        guard head.count >= start + length else { throw refusal }
        let text = String(decoding: head[start..<start + length], as: UTF8.self)
            .filter { $0 != " " }
        let isHalf = text.contains("'descr':'<f2'")
        guard isHalf || text.contains("'descr':'<f4'"), text.contains("'fortran_order':False"),
            let shape = text.split(separator: "'shape':(", maxSplits: 1).dropFirst().first?
                .split(separator: ")").first
        else { throw refusal }
        let sides = shape.split(separator: ",").map { Int($0) }
        guard sides.count == 2, let count = sides[0], let dimension = sides[1] else {
            throw refusal
        }
        return Layout(
            count: count,
            dimension: dimension,
            dataOffset: start + length,
            rowStride: dimension * (isHalf ? 2 : 4),
            isHalf: isHalf
        )
    }

    private static func integer(_ bytes: [UInt8], at offset: Int) -> Int {
        (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
    }

    private static func read(
        _ descriptor: Int32,
        path: String,
        offset: Int,
        count: Int
    ) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let result = bytes.withUnsafeMutableBytes { buffer in
                pread(
                    descriptor,
                    buffer.baseAddress?.advanced(by: done),
                    count - done,
                    off_t(offset + done)
                )
            }
            if result < 0, errno == EINTR { continue }
            if result < 0 { throw InputFile.failure(path) }
            guard result > 0 else { throw CommandFailure(message: "\(path) ends too early") }
            done += result
        }
        return bytes
    }
}
