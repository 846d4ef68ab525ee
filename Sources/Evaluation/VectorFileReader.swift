// Vectors in files, by extension.
//
// fbin, f16bin: UInt32 rows, UInt32 dimension, then the floats (big-ann-benchmarks).
// fvecs: each row is an Int32 dimension and its floats (TEXMEX).
// npy: NumPy's format, versions 1 and 2, little-endian f4 or f2, C order, two dimensions.

/// Reads rows of a file of vectors; `rows` may be any part of it.
package struct VectorFileReader: Sendable {
    package let path: String
    package let count: Int
    package let dimension: Int
    private let file: RawFile
    private let start: Int
    private let rowByteCount: Int
    private let isHalf: Bool

    package init(_ path: String) throws(DatasetError) {
        let file = try RawFile(path)
        self.path = path
        self.file = file
        let (rows, columns, start, prefix, isHalf): (Int, Int, Int, Int, Bool)
        switch path.split(separator: ".").last {
        case "fbin", "f16bin":
            isHalf = path.hasSuffix(".f16bin")
            rows = Int(try file.uint32(at: 0))
            columns = Int(try file.uint32(at: 4))
            (start, prefix) = (8, 0)
        case "fvecs":
            columns = Int(try file.uint32(at: 0))
            let width = 4 + columns * 4
            guard columns > 0, file.byteCount.isMultiple(of: width) else {
                throw DatasetError(
                    path,
                    "\(file.byteCount) bytes are not a whole number of rows of dimension "
                        + "\(columns) (\(width) bytes each)"
                )
            }
            rows = file.byteCount / width
            (start, prefix, isHalf) = (4, 4, false)
        case "npy":
            let header = try NPYHeader(file)
            (rows, columns, start, prefix) = (header.rows, header.columns, header.byteCount, 0)
            isHalf = header.isHalf
        default:
            throw DatasetError(path, "unknown extension; fbin, f16bin, fvecs and npy are read")
        }
        let width = isHalf ? 2 : 4
        guard rows > 0 else { throw DatasetError(path, "the header says 0 rows") }
        guard columns > 0, columns <= 1 << 20 else {
            throw DatasetError(path, "the header says dimension \(columns)")
        }
        let (product, overflow) = rows.multipliedReportingOverflow(by: columns * width + prefix)
        guard !overflow, start - prefix + product == file.byteCount else {
            throw DatasetError(
                path,
                "\(rows) rows of dimension \(columns) take \(start - prefix + product) bytes, "
                    + "the file has \(file.byteCount)"
            )
        }
        (count, dimension, self.start, self.isHalf) = (rows, columns, start, isHalf)
        rowByteCount = columns * width + prefix
    }

    /// Reads rows into `[rows.count × dimension]`.
    package func read(
        rows: Range<Int>,
        into target: UnsafeMutablePointer<Float>
    ) throws(DatasetError) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= count)
        if !isHalf, rowByteCount == dimension * 4 {
            return try file.read(
                into: UnsafeMutableRawBufferPointer(
                    start: target,
                    count: rows.count * rowByteCount
                ),
                at: start + rows.lowerBound * rowByteCount
            )
        }
        let prefix = rowByteCount - dimension * (isHalf ? 2 : 4)
        let first = start - prefix + rows.lowerBound * rowByteCount
        let bytes = try file.bytes(rows.count * rowByteCount, at: first)
        for row in 0..<rows.count {
            for column in 0..<dimension {
                let place = row * rowByteCount + prefix + column * (isHalf ? 2 : 4)
                target[row * dimension + column] =
                    isHalf
                    ? Self.float(half: UInt16(bytes[place]) | UInt16(bytes[place + 1]) << 8)
                    : Float(
                        bitPattern: UInt32(bytes[place]) | UInt32(bytes[place + 1]) << 8
                            | UInt32(bytes[place + 2]) << 16 | UInt32(bytes[place + 3]) << 24
                    )
            }
            if prefix == 4 {
                let found = bytes[row * rowByteCount..<row * rowByteCount + 4].reversed()
                    .reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                guard found == UInt32(dimension) else {
                    throw DatasetError(
                        path,
                        "row \(rows.lowerBound + row) has dimension \(found), the first \(dimension)"
                    )
                }
            }
        }
    }

    /// All rows, `[count × dimension]`.
    package func readAll() throws(DatasetError) -> [Float] {
        var failure: DatasetError?
        let floats = [Float](unsafeUninitializedCapacity: count * dimension) { buffer, filled in
            guard let base = buffer.baseAddress else { return }
            do throws(DatasetError) {
                try read(rows: 0..<count, into: base)
                filled = count * dimension
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return floats
    }

    /// IEEE 754 half precision, without the machine's help.
    static func float(half bits: UInt16) -> Float {
        let sign: Float = bits >> 15 == 1 ? -1 : 1
        let exponent = Int(bits >> 10 & 31)
        let fraction = Float(bits & 1_023)
        switch exponent {
        case 0: return sign * fraction * Float(sign: .plus, exponent: -24, significand: 1)
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default:
            return sign
                * Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1_024)
        }
    }
}

/// The header of a NumPy array file.
private struct NPYHeader {
    var rows: Int
    var columns: Int
    var byteCount: Int
    var isHalf: Bool

    init(_ file: RawFile) throws(DatasetError) {
        let magic = try file.bytes(8, at: 0)
        guard magic.prefix(6) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59] else {
            throw DatasetError(file.path, "does not begin with NumPy's magic")
        }
        guard magic[6] == 1 || magic[6] == 2 else {
            throw DatasetError(file.path, "NumPy format \(magic[6]); 1 and 2 are read")
        }
        let lengthWidth = magic[6] == 1 ? 2 : 4
        let length = try file.bytes(lengthWidth, at: 8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let text = String(decoding: try file.bytes(length, at: 8 + lengthWidth), as: UTF8.self)
        byteCount = 8 + lengthWidth + length
        if text.contains("'<f4'") {
            isHalf = false
        } else if text.contains("'<f2'") {
            isHalf = true
        } else {
            throw DatasetError(file.path, "element type is not <f4 or <f2: \(text)")
        }
        guard text.contains("'fortran_order': False") else {
            throw DatasetError(file.path, "the array is in Fortran order; save it in C order")
        }
        guard let open = text.firstIndex(of: "("), let close = text[open...].firstIndex(of: ")")
        else { throw DatasetError(file.path, "the header has no shape: \(text)") }
        let sizes = text[text.index(after: open)..<close].split(separator: ",").compactMap {
            Int($0.filter { $0 != " " })
        }
        guard sizes.count == 2 else {
            throw DatasetError(file.path, "the array has \(sizes.count) dimensions, not 2")
        }
        (rows, columns) = (sizes[0], sizes[1])
    }
}
