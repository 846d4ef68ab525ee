import Testing

@testable import Evaluation

@Suite struct `Files of true neighbours and partitions` {
    static let rows: [Int32] = [4, 0, 7, 2, -1, -1]

    static var words: [UInt32] { rows.map(UInt32.init(bitPattern:)) }

    @Test func `ibin and ivecs agree on the same rows`() throws {
        let directory = try DatasetDirectory()
        let similarities: [Float] = [0.9, 0.8, 0.7, 0.6, 0, 0]
        let vecs =
            Bytes.words([3]) + Bytes.words(Array(Self.words[..<3]))
            + Bytes.words([3]) + Bytes.words(Array(Self.words[3...]))
        let plain = try TruthFile(directory.file("a.ibin", Bytes.words([2, 3] + Self.words)))
        let full = try TruthFile(
            directory.file(
                "b.ibin",
                Bytes.words([2, 3] + Self.words) + Bytes.floats(similarities)
            )
        )
        let other = try TruthFile(directory.file("c.ivecs", vecs))
        #expect(plain == other)
        #expect(full.rows == plain.rows && full.similarities == similarities)
        #expect(plain[0] == [4, 0, 7])
        #expect(plain[1] == [2], "the padding is not a row")
    }

    @Test func `what is written is read again`() throws {
        let directory = try DatasetDirectory()
        for similarities in [[], [0.5, 0.25, 0.125, 1, 0, 0]] as [[Float]] {
            let truth = TruthFile(queryCount: 2, k: 3, rows: Self.rows, similarities: similarities)
            try truth.write(directory.path + "/t.ibin")
            #expect(try TruthFile(directory.path + "/t.ibin") == truth)
        }
    }

    @Test(arguments: [
        ("empty.ibin", Bytes.words([]), DatasetError.Kind.truncated),
        ("header.ibin", Bytes.words([2]), .truncated),
        ("short.ibin", Bytes.words([2, 3, 1, 2, 3, 4, 5]), .truncated),
        ("long.ibin", Bytes.words([2, 1, 1, 2, 3]), .sizeMismatch),
        ("none.ibin", Bytes.words([0, 3]), .zeroRows),
        ("k.ibin", Bytes.words([2, 0]), .badDimension),
        ("huge.ibin", Bytes.words([.max, .max, 1]), .badDimension),
        ("big.ibin", Bytes.words([.max, 1 << 24, 1]), .truncated),
        ("row.ibin", Bytes.words([1, 2, 5, .max - 1]), .badRow),
        ("nothing.ibin", Bytes.words([2, 1, .max, .max]), .zeroRows),
        ("hole.ibin", Bytes.words([1, 3, 5, .max, 6]), .badRow),
        ("twice.ibin", Bytes.words([1, 3, 5, 6, 5]), .badRow),
        ("empty.ivecs", [], .zeroRows),
        ("k.ivecs", Bytes.words([0]), .badDimension),
        ("short.ivecs", Bytes.words([2, 1, 2, 2, 1]), .truncated),
        ("mixed.ivecs", Bytes.words([2, 1, 2, 3, 1, 2]), .badRow),
        ("truth.bin", Bytes.words([1, 1, 0]), .unknownExtension),
    ])
    func `a damaged truth is refused`(
        name: String,
        bytes: [UInt8],
        kind: DatasetError.Kind
    ) throws {
        let directory = try DatasetDirectory()
        let path = try directory.file(name, bytes)
        let error = try #require(datasetError { _ = try TruthFile(path) })
        #expect(error.kind == kind, "\(error)")
        #expect(error.file == path)
    }

    @Test func `a neighbour behind the last row is refused where the rows are known`() throws {
        let directory = try DatasetDirectory()
        let path = try directory.file("a.ibin", Bytes.words([2, 3] + Self.words))
        #expect(try TruthFile(path, rowCount: 8).k == 3)
        let error = try #require(datasetError { _ = try TruthFile(path, rowCount: 7) })
        #expect(error.kind == .badRow && error.found == 7)
        #expect(error.message.contains("query 0, neighbour 2"))
    }

    @Test func `partitions are read with and without a header`() throws {
        let directory = try DatasetDirectory()
        let values: [UInt16] = [0, 258, 65_535]
        let plain = try directory.file("a.u16bin", Bytes.halves(values))
        let headed = try directory.file("b.u16bin", Bytes.words([3, 1]) + Bytes.halves(values))
        #expect(try PartitionFile.read(plain, count: 3) == values)
        #expect(try PartitionFile.read(headed, count: 3) == values)
        try PartitionFile.write(values, directory.path + "/c.u16bin")
        #expect(try PartitionFile.read(directory.path + "/c.u16bin", count: 3) == values)
    }

    @Test(arguments: [
        ("short.u16bin", Bytes.halves([1, 2]), DatasetError.Kind.truncated),
        ("odd.u16bin", [1, 2, 3, 4, 5], .truncated),
        ("long.u16bin", Bytes.halves([1, 2, 3, 4]), .sizeMismatch),
        ("header.u16bin", Bytes.words([4, 1]) + Bytes.halves([1, 2, 3]), .sizeMismatch),
        ("parts.bin", Bytes.halves([1, 2, 3]), .unknownExtension),
    ])
    func `partitions of another number of rows are refused`(
        name: String,
        bytes: [UInt8],
        kind: DatasetError.Kind
    ) throws {
        let directory = try DatasetDirectory()
        let path = try directory.file(name, bytes)
        let error = try #require(datasetError { _ = try PartitionFile.read(path, count: 3) })
        #expect(error.kind == kind, "\(error)")
    }
}
