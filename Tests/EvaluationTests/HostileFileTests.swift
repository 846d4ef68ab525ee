import Testing

@testable import Evaluation

/// The same damage done to a good file of every packed format.
@Suite struct `Hostile files of every format` {
    struct Format: Sendable, CustomTestStringConvertible {
        var name: String
        var width: Int
        var testDescription: String { name }
        /// Each row has its dimension before it; otherwise rows and dimension are at the head.
        var isVecs: Bool { name.hasSuffix("vecs") }
    }

    static let formats = [
        Format(name: "fbin", width: 4), Format(name: "f16bin", width: 2),
        Format(name: "u8bin", width: 1), Format(name: "i8bin", width: 1),
        Format(name: "ibin", width: 4), Format(name: "fvecs", width: 4),
        Format(name: "bvecs", width: 1), Format(name: "ivecs", width: 4),
    ]

    private let directory: DatasetDirectory

    init() throws {
        directory = try DatasetDirectory()
    }

    /// `rows` rows of three numbers.
    private func good(_ format: Format, rows: Int) -> [UInt8] {
        let row = [UInt8](repeating: 1, count: 3 * format.width)
        if format.isVecs { return (0..<rows).flatMap { _ in Bytes.words([3]) + row } }
        return Bytes.words([UInt32(rows), 3]) + (0..<rows).flatMap { _ in row }
    }

    private func error(_ format: Format, _ bytes: [UInt8]) throws -> DatasetError? {
        let path = try directory.file("f." + format.name, bytes)
        return datasetError { _ = try VectorFileReader(path).readAll() }
    }

    @Test(arguments: formats)
    func `the whole file is read`(_ format: Format) throws {
        let path = try directory.file("f." + format.name, good(format, rows: 4))
        let reader = try VectorFileReader(path)
        #expect(reader.count == 4 && reader.dimension == 3)
        #expect(try reader.readAll().count == 12)
    }

    @Test(arguments: formats)
    func `cut after any byte it is refused as truncated, with both lengths`(
        _ format: Format
    ) throws {
        let whole = good(format, rows: 2)
        let row = whole.count / 2
        for length in 1..<whole.count where !(format.isVecs && length == row) {
            let error = try #require(try error(format, Array(whole[..<length])))
            #expect(error.kind == .truncated, "\(length) bytes: \(error)")
            #expect(try #require(error.found) < #require(error.expected))
        }
    }

    @Test(arguments: formats)
    func `bytes behind the end are refused`(_ format: Format) throws {
        let error = try #require(try error(format, good(format, rows: 2) + [0]))
        // A file of rows with a dimension each has no other sign of its end.
        #expect(error.kind == (format.isVecs ? .truncated : .sizeMismatch), "\(error)")
    }

    @Test(arguments: formats)
    func `no rows are refused`(_ format: Format) throws {
        let empty = format.isVecs ? [] : Bytes.words([0, 3])
        #expect(try error(format, empty)?.kind == .zeroRows)
    }

    @Test(arguments: formats, [0, 1 << 20 + 1, 0x7FFF_FFFF, 0xFFFF_FFFF] as [UInt32])
    func `a dimension that cannot be is refused`(_ format: Format, dimension: UInt32) throws {
        let head = format.isVecs ? Bytes.words([dimension]) : Bytes.words([2, dimension])
        let error = try #require(try error(format, head + [1, 2, 3, 4]))
        #expect(error.kind == .badDimension, "\(error)")
    }

    @Test(arguments: formats.filter { !$0.isVecs }, [1 << 20, 3] as [UInt32])
    func `more rows than any file has take no memory before they are refused`(
        _ format: Format,
        dimension: UInt32
    ) throws {
        let error = try #require(try error(format, Bytes.words([.max, dimension]) + [1, 2, 3]))
        #expect(error.kind == .truncated, "\(error)")
        #expect(error.expected == 8 + Int(UInt32.max) * Int(dimension) * format.width)
    }

    @Test(arguments: formats.filter(\.isVecs))
    func `a row of another dimension is named by its offset`(_ format: Format) throws {
        var bytes = good(format, rows: 3)
        let place = 2 * bytes.count / 3
        bytes[place] = 2
        let error = try #require(try error(format, bytes))
        #expect(error.kind == .badRow && error.offset == place)
        #expect(error.expected == 3 && error.found == 2)
    }
}
