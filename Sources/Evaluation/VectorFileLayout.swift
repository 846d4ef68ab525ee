/// Where the rows of a file of vectors lie, read from its header and checked against its length.
struct VectorFileLayout: Sendable {
    let rows: Int
    let columns: Int
    /// The offset of the first row.
    let start: Int
    /// Bytes before each row's numbers.
    let prefix: Int
    let element: ElementType

    /// The extensions of these files.
    static let extensions = [
        "fbin", "f16bin", "u8bin", "i8bin", "ibin", "fvecs", "bvecs", "ivecs", "npy",
    ]

    var rowByteCount: Int { prefix + columns * element.byteCount }

    init(_ file: RawFile) throws(DatasetError) {
        let format = file.format
        switch format {
        case "fbin", "f16bin", "u8bin", "i8bin", "ibin":
            rows = Int(try file.uint32(at: 0))
            columns = Int(try file.uint32(at: 4))
            (start, prefix) = (8, 0)
            element =
                switch format {
                case "f16bin": .float16
                case "u8bin": .uint8
                case "i8bin": .int8
                case "ibin": .int32
                default: .float32
                }
        case "fvecs", "bvecs", "ivecs":
            guard file.byteCount > 0 else {
                throw DatasetError(file.path, .zeroRows, "the file is empty")
            }
            columns = Int(try file.uint32(at: 0))
            try Self.check(columns: columns, file)
            element = format == "fvecs" ? .float32 : format == "bvecs" ? .uint8 : .int32
            let width = 4 + columns * element.byteCount
            rows = (file.byteCount + width - 1) / width
            (start, prefix) = (0, 4)
        case "npy":
            let header = try NPYHeader(file)
            (rows, columns, start) = (header.rows, header.columns, header.byteCount)
            (prefix, element) = (0, header.element)
        default:
            throw DatasetError(
                file.path,
                .unknownExtension,
                "unknown extension; \(VectorFileReader.formats) are read"
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
