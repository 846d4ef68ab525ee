import Testing

@testable import Evaluation

@Suite struct `Files of vectors of other numbers` {
    private static let integers: [Float] = [1, 2, 127, 0, 5, 9]

    private static func bytes(_ values: [Float]) -> [UInt8] {
        values.map { UInt8(bitPattern: Int8($0)) }
    }

    @Test func `all formats agree on small numbers`() throws {
        let directory = try DatasetDirectory()
        let values = Self.integers
        let small = Self.bytes(values)
        let words = Bytes.words(values.map { UInt32($0) })
        let doubles = values.flatMap { value in
            (0..<8).map { UInt8(truncatingIfNeeded: Double(value).bitPattern >> (8 * $0)) }
        }
        let ivecs = Bytes.words([3]) + words[..<12] + Bytes.words([3]) + words[12...]
        let bvecs = Bytes.words([3]) + small[..<3] + Bytes.words([3]) + small[3...]
        let files: [(String, [UInt8])] = [
            ("a.u8bin", Bytes.fbin(rows: 2, columns: 3, small)),
            ("a.i8bin", Bytes.fbin(rows: 2, columns: 3, small)),
            ("a.ibin", Bytes.fbin(rows: 2, columns: 3, words)),
            ("a.bvecs", Array(bvecs)),
            ("a.ivecs", Array(ivecs)),
            ("a.npy", Bytes.npy(type: "<f8", shape: "(2, 3)", doubles)),
            ("b.npy", Bytes.npy(type: "<i4", shape: "(2, 3)", words)),
            ("c.npy", Bytes.npy(type: "|u1", shape: "(2, 3)", small)),
            ("d.npy", Bytes.npy(type: "|i1", shape: "(2, 3)", small)),
        ]
        for (name, bytes) in files {
            let reader = try VectorFileReader(directory.file(name, bytes))
            #expect(reader.count == 2 && reader.dimension == 3, "\(name)")
            #expect(try reader.readAll() == values, "\(name)")
            #expect(try reader.row(1) == Array(values[3...]), "\(name)")
        }
    }

    @Test func `the highest bit is a sign or not, as the format has it`() throws {
        let directory = try DatasetDirectory()
        for (name, value) in [("a.u8bin", 200), ("a.i8bin", -56)] as [(String, Float)] {
            let path = try directory.file(name, Bytes.fbin(rows: 1, columns: 1, [200]))
            #expect(try VectorFileReader(path).readAll() == [value])
        }
    }

    @Test(arguments: ["fvecs", "bvecs", "ivecs"])
    func `a negative or absent dimension is refused`(format: String) throws {
        let directory = try DatasetDirectory()
        for dimension in [UInt32.max, 0x8000_0004, 0] {
            let path = try directory.file("a." + format, Bytes.words([dimension, 1, 2]))
            let error = datasetError { _ = try VectorFileReader(path) }
            #expect(error?.kind == .badDimension && error?.offset == 0)
        }
    }

    @Test(arguments: ["u8bin", "i8bin", "ibin", "bvecs", "ivecs"])
    func `a file cut anywhere is refused`(format: String) throws {
        let directory = try DatasetDirectory()
        let isWide = format.hasPrefix("ib") || format.hasPrefix("iv")
        let body = [UInt8](repeating: 7, count: isWide ? 12 : 3)
        let whole =
            format.hasSuffix("vecs")
            ? Bytes.words([3]) + body : Bytes.fbin(rows: 1, columns: 3, body)
        #expect(try VectorFileReader(directory.file("a." + format, whole)).count == 1)
        for length in 1..<whole.count {
            let path = try directory.file("a." + format, Array(whole[..<length]))
            #expect(datasetError { _ = try VectorFileReader(path) }?.kind == .truncated)
        }
    }

    @Test func `row numbers come from NumPy files of int32 only`() throws {
        let directory = try DatasetDirectory()
        let body = Bytes.words([4, 2, 0, .max])
        let path = try directory.file("t.npy", Bytes.npy(type: "<i4", shape: "(2, 2)", body))
        #expect(try TruthFile(path).rows == [4, 2, 0, -1])
        let floats = try directory.file("f.npy", Bytes.npy(shape: "(2, 2)", body))
        #expect(datasetError { _ = try TruthFile(floats) }?.kind == .unsupported)
    }
}
