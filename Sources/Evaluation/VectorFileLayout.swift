/// Where the rows of a file of vectors lie, read from its header and checked against its length.
struct VectorFileLayout: Sendable {
    let rows: Int
    let columns: Int
    /// The offset of the first row.
    let start: Int
    /// Bytes before each row's floats.
    let prefix: Int
    let isHalf: Bool

    var rowByteCount: Int { prefix + columns * (isHalf ? 2 : 4) }

    init(_ file: RawFile) throws(DatasetError) {
        let format = file.format
        switch format {
        case "fbin", "f16bin":
            rows = Int(try file.uint32(at: 0))
            columns = Int(try file.uint32(at: 4))
            (start, prefix, isHalf) = (8, 0, format == "f16bin")
        case "fvecs":
            guard file.byteCount > 0 else {
                throw DatasetError(file.path, .zeroRows, "the file is empty")
            }
            columns = Int(try file.uint32(at: 0))
            try Self.check(columns: columns, file)
            let width = 4 + columns * 4
            rows = (file.byteCount + width - 1) / width
            (start, prefix, isHalf) = (0, 4, false)
        case "npy":
            let header = try NPYHeader(file)
            (rows, columns, start) = (header.rows, header.columns, header.byteCount)
            (prefix, isHalf) = (0, header.isHalf)
        default:
            throw DatasetError(
                file.path,
                .unknownExtension,
                "unknown extension; fbin, f16bin, fvecs, npy are read"
            )
        }
        guard rows > 0 else {
            throw DatasetError(file.path, .zeroRows, "the header promises no rows", at: 0)
        }
        try Self.check(columns: columns, file)
        let (product, multiplied) = rows.multipliedReportingOverflow(by: rowByteCount)
        let (end, added) = product.addingReportingOverflow(start)
        guard !multiplied, !added, end < 1 << 60 else {
            throw DatasetError(
                file.path,
                .overflow,
                "\(rows) rows of dimension \(columns) exceed every file",
                at: 0
            )
        }
        try file.checkByteCount(end, "\(rows) rows of dimension \(columns)")
    }

    private static func check(columns: Int, _ file: RawFile) throws(DatasetError) {
        guard columns > 0, columns <= VectorFileReader.maximumDimension else {
            throw DatasetError(
                file.path,
                .badDimension,
                "the dimension is not 1 to \(VectorFileReader.maximumDimension)",
                at: 0,
                expected: VectorFileReader.maximumDimension,
                found: columns
            )
        }
    }
}

/// The header of a NumPy array file.
///
/// - Source: numpy.lib.format, versions 1.0 and 2.0.
private struct NPYHeader {
    var rows: Int
    var columns: Int
    var byteCount: Int
    var isHalf: Bool

    init(_ file: RawFile) throws(DatasetError) {
        let magic = try file.bytes(8, at: 0)
        guard magic.prefix(6) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59] else {
            throw DatasetError(
                file.path,
                .wrongMagic,
                "does not begin with NumPy's magic",
                at: 0,
                expected: 0x93,
                found: Int(magic[0])
            )
        }
        guard magic[6] == 1 || magic[6] == 2 else {
            throw DatasetError(
                file.path,
                .unsupported,
                "versions 1 and 2 of NumPy's format are read",
                at: 6,
                expected: 1,
                found: Int(magic[6])
            )
        }
        let width = magic[6] == 1 ? 2 : 4
        let length = try file.bytes(width, at: 8).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= 1 << 16 else {
            throw DatasetError(
                file.path,
                .unsupported,
                "the header is too long",
                at: 8,
                expected: 1 << 16,
                found: length
            )
        }
        let text = String(decoding: try file.bytes(length, at: 8 + width), as: UTF8.self)
        byteCount = 8 + width + length
        if text.contains("'<f4'") {
            isHalf = false
        } else if text.contains("'<f2'") {
            isHalf = true
        } else {
            throw DatasetError(
                file.path,
                .unsupported,
                "the element type is not <f4 or <f2",
                at: 8 + width
            )
        }
        guard text.contains("'fortran_order': False") else {
            throw DatasetError(
                file.path,
                .unsupported,
                "the array is in Fortran order; save it in C order",
                at: 8 + width
            )
        }
        let sizes = Self.shape(text)
        guard sizes.count == 2, let rows = sizes[0], let columns = sizes[1] else {
            throw DatasetError(
                file.path,
                .unsupported,
                "the shape is not that of two dimensions",
                at: 8 + width,
                expected: 2,
                found: sizes.count
            )
        }
        (self.rows, self.columns) = (rows, columns)
    }

    /// The numbers between the parentheses; nil for one that is none.
    private static func shape(_ text: String) -> [Int?] {
        guard let open = text.firstIndex(of: "("), let close = text[open...].firstIndex(of: ")")
        else { return [] }
        return text[text.index(after: open)..<close].split(separator: ",")
            .map { part in part.filter { $0 != " " } }
            .filter { !$0.isEmpty }
            .map { Int($0) }
    }
}
