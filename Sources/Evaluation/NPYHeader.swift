/// The header of a NumPy array file.
///
/// - Source: numpy.lib.format, versions 1.0 and 2.0.
struct NPYHeader {
    var rows: Int
    var columns: Int
    var byteCount: Int
    var element: ElementType

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
        element = try Self.element(text, file, at: 8 + width)
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

    private static func element(
        _ text: String,
        _ file: RawFile,
        at offset: Int
    ) throws(DatasetError) -> ElementType {
        let parts = text.split(separator: "'", omittingEmptySubsequences: false)
        let key = parts.firstIndex(of: "descr") ?? parts.endIndex
        let name = key + 2 < parts.endIndex ? String(parts[key + 2]) : ""
        if name == "<" + name.suffix(2) || name == "|" + name.suffix(2),
            let element = ElementType(rawValue: String(name.suffix(2)))
        {
            return element
        }
        throw DatasetError(
            file.path,
            .unsupported,
            "the element type '\(name)' is none of <f4, <f8, <f2, <i4, |i1, |u1",
            at: offset
        )
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
