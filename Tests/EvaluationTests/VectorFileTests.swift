import Testing

@testable import Evaluation

@Suite struct `Files of vectors` {
    /// Values that half precision holds exactly, with their bits.
    static let halves: [(Float, UInt16)] = [
        (0, 0), (1, 0x3C00), (-2, 0xC000), (0.5, 0x3800), (65_504, 0x7BFF),
        (5.960_464_5e-8, 1), (-0.333_251_95, 0xB555), (6.103_515_6e-5, 0x0400),
        (6.097_555e-5, 0x03FF), (1_024, 0x6400), (0.099_975_586, 0x2E66), (-65_504, 0xFBFF),
    ]

    static var values: [Float] { halves.map(\.0) }

    @Test func `all formats agree on the same rows`() throws {
        let directory = try DatasetDirectory()
        let values = Self.values
        let half = Bytes.halves(Self.halves.map(\.1))
        let rows = (0..<3).map { Array(values[$0 * 4..<$0 * 4 + 4]) }
        let files = [
            ("a.fbin", Bytes.fbin(rows: 3, columns: 4, Bytes.floats(values))),
            ("b.f16bin", Bytes.fbin(rows: 3, columns: 4, half)),
            ("c.fvecs", Bytes.fvecs(rows)),
            ("d.npy", Bytes.npy(shape: "(3, 4)", Bytes.floats(values))),
            ("e.npy", Bytes.npy(version: 2, type: "<f2", shape: "(3, 4)", half)),
        ]
        for (name, bytes) in files {
            let reader = try VectorFileReader(directory.file(name, bytes))
            #expect(reader.count == 3 && reader.dimension == 4, "\(name)")
            #expect(try reader.readAll() == values, "\(name)")
            var middle = [Float](repeating: .nan, count: 8)
            try middle.withUnsafeMutableBufferPointer { buffer in
                try reader.read(rows: 1..<3, into: #require(buffer.baseAddress))
            }
            #expect(middle == Array(values[4...]), "\(name)")
        }
    }

    @Test func `every finite half becomes the float of the same value`() {
        let wrong = (UInt16.min...UInt16.max).filter { bits in
            guard bits & 0x7C00 != 0x7C00 else { return false }
            let sign: Double = bits & 0x8000 == 0 ? 1 : -1
            let exponent = Int(bits >> 10 & 31)
            var value = Double(bits & 1_023) / 1_024 + (exponent == 0 ? 0 : 1)
            for _ in 0..<max(exponent, 1) { value *= 2 }
            value /= 32_768
            return Double(ElementType.float(half: bits)) != sign * value
        }
        #expect(wrong.isEmpty)
    }

    @Test func `infinite and undefined halves stay so`() {
        #expect(ElementType.float(half: 0x7C00) == .infinity)
        #expect(ElementType.float(half: 0xFC00) == -.infinity)
        #expect(ElementType.float(half: 0x7E01).isNaN)
    }

    @Test func `the writer makes what the reader reads`() throws {
        let directory = try DatasetDirectory()
        let path = directory.path + "/w.fbin"
        let writer = try DatasetWriter(fbin: path, count: 3, dimension: 4)
        try writer.append(Array(Self.values[..<8]))
        try writer.append(Array(Self.values[8...]))
        try writer.finish()
        #expect(try VectorFileReader(path).readAll() == Self.values)
    }

    struct Hostile: Sendable, CustomTestStringConvertible {
        var name: String
        var bytes: [UInt8]
        var kind: DatasetError.Kind
        var offset: Int?
        var testDescription: String { "\(name): \(kind)" }

        init(_ name: String, _ kind: DatasetError.Kind, at offset: Int?, _ bytes: [UInt8]) {
            self.name = name
            self.kind = kind
            self.offset = offset
            self.bytes = bytes
        }
    }

    static let body = Bytes.floats([1, 2, 3, 4, 5, 6])

    static let hostile: [Hostile] = [
        Hostile("empty.fbin", .truncated, at: 0, []),
        Hostile("header.fbin", .truncated, at: 4, Bytes.words([3])),
        Hostile(
            "short.fbin",
            .truncated,
            at: 31,
            Array(Bytes.fbin(rows: 3, columns: 2, body).dropLast())
        ),
        Hostile("long.fbin", .sizeMismatch, at: 32, Bytes.fbin(rows: 3, columns: 2, body + [0])),
        Hostile("rows.fbin", .zeroRows, at: 0, Bytes.fbin(rows: 0, columns: 2, [])),
        Hostile("columns.fbin", .badDimension, at: 0, Bytes.fbin(rows: 3, columns: 0, [])),
        Hostile("huge.fbin", .truncated, at: 32, Bytes.fbin(rows: .max, columns: 1 << 20, body)),
        Hostile("wide.fbin", .badDimension, at: 0, Bytes.fbin(rows: .max, columns: .max, body)),
        Hostile("float.f16bin", .sizeMismatch, at: 20, Bytes.fbin(rows: 3, columns: 2, body)),
        Hostile("empty.fvecs", .zeroRows, at: nil, []),
        Hostile("columns.fvecs", .badDimension, at: 0, Bytes.words([0, 0])),
        Hostile(
            "short.fvecs",
            .truncated,
            at: 23,
            Array(Bytes.fvecs([[1, 2], [3, 4]]).dropLast())
        ),
        Hostile("empty.npy", .truncated, at: 0, []),
        Hostile("magic.npy", .wrongMagic, at: 0, Bytes.fbin(rows: 3, columns: 2, body)),
        Hostile("version.npy", .unsupported, at: 6, Bytes.npy(version: 3, shape: "(3, 2)", body)),
        Hostile("complex.npy", .unsupported, at: 10, Bytes.npy(type: "<c8", shape: "(3, 2)", body)),
        Hostile("big.npy", .unsupported, at: 10, Bytes.npy(type: ">f4", shape: "(3, 2)", body)),
        Hostile("order.npy", .unsupported, at: 10, Bytes.npy(order: "True", shape: "(3, 2)", body)),
        Hostile("flat.npy", .unsupported, at: 10, Bytes.npy(shape: "(6,)", body)),
        Hostile("cube.npy", .unsupported, at: 10, Bytes.npy(shape: "(3, 2, 1)", body)),
        Hostile("words.npy", .unsupported, at: 10, Bytes.npy(shape: "(x, 2)", body)),
        Hostile("rows.npy", .zeroRows, at: 0, Bytes.npy(shape: "(0, 2)", [])),
        Hostile("minus.npy", .zeroRows, at: 0, Bytes.npy(shape: "(-3, 2)", body)),
        Hostile("minus2.npy", .badDimension, at: 0, Bytes.npy(shape: "(3, -2)", body)),
        Hostile(
            "overflow.npy",
            .overflow,
            at: 0,
            Bytes.npy(shape: "(9223372036854775807, 2)", body)
        ),
        Hostile(
            "edge.npy",
            .overflow,
            at: 0,
            Bytes.npy(shape: "(1152921504606846975, 2)", body)
        ),
        Hostile(
            "short.npy",
            .truncated,
            at: 151,
            Array(Bytes.npy(shape: "(3, 2)", body).dropLast())
        ),
        Hostile("cut.npy", .truncated, at: 10, Array(Bytes.npy(shape: "(3, 2)", []).dropLast(9))),
        Hostile("vectors.bin", .unknownExtension, at: nil, Bytes.fbin(rows: 3, columns: 2, body)),
        Hostile("fbin", .unknownExtension, at: nil, Bytes.fbin(rows: 3, columns: 2, body)),
    ]

    @Test(arguments: hostile)
    func `a file that is not what its name says is refused`(_ hostile: Hostile) throws {
        let directory = try DatasetDirectory()
        let path = try directory.file(hostile.name, hostile.bytes)
        let error = try #require(datasetError { _ = try VectorFileReader(path) })
        #expect(error.kind == hostile.kind, "\(error)")
        #expect(error.file == path)
        #expect(error.offset == hostile.offset, "\(error)")
    }

    @Test func `a truncated file is refused with both lengths`() throws {
        let directory = try DatasetDirectory()
        let bytes = Bytes.fbin(rows: 3, columns: 2, Self.body)
        for length in 8..<bytes.count {
            let path = try directory.file("cut.fbin", Array(bytes[..<length]))
            let error = try #require(datasetError { _ = try VectorFileReader(path) })
            #expect(error.kind == .truncated && error.expected == 32 && error.found == length)
        }
    }

    @Test func `a row of another dimension is named by its offset`() throws {
        let directory = try DatasetDirectory()
        let bytes = Bytes.fvecs([[1, 2], [3, 4]]) + Bytes.words([3, 0, 0])
        let reader = try VectorFileReader(directory.file("mixed.fvecs", bytes))
        let error = try #require(datasetError { _ = try reader.readAll() })
        #expect(error.kind == .badRow && error.offset == 24)
        #expect(error.expected == 2 && error.found == 3)
    }

    @Test func `a missing file and a directory are refused`() throws {
        let directory = try DatasetDirectory()
        let missing = directory.path + "/none.fbin"
        #expect(datasetError { _ = try VectorFileReader(missing) }?.kind == .notFound)
        let folder = directory.path
        #expect(datasetError { _ = try VectorFileReader(folder) }?.kind == .inputOutput)
    }
}
