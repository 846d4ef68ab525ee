import Testing

@testable import Evaluation

@Suite struct `Exact search` {
    /// Rows of small integers, so that the naive loop has many ties.
    private static func rows(_ count: Int, _ dimension: Int, seed: UInt64) -> [Float] {
        var random = RowRandom(seed: seed, row: 0)
        return (0..<count * dimension).map { _ in Float(Int.random(in: -2...2, using: &random)) }
    }

    /// The definition: sort all admitted rows by falling similarity, then by row.
    private static func naive(
        _ base: [Float],
        _ query: ArraySlice<Float>,
        dimension: Int,
        k: Int,
        where admits: (Int) -> Bool
    ) -> [(row: Int, similarity: Double)] {
        func unit(_ values: ArraySlice<Float>) -> [Double] {
            let norm = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            return values.map { norm == 0 ? 0 : Double($0) / norm }
        }
        let target = unit(query)
        let scored = (0..<base.count / dimension).filter(admits).map { row in
            let values = unit(base[row * dimension..<(row + 1) * dimension])
            return (row: row, similarity: zip(values, target).reduce(0.0) { $0 + $1.0 * $1.1 })
        }
        return Array(
            scored.sorted { ($1.similarity, $0.row) < ($0.similarity, $1.row) }.prefix(k)
        )
    }

    @Test(arguments: [1, 3, 4, 5, 8, 33], [1, 63, 64, 65, 300])
    func `it finds what a sort of all similarities finds`(dimension: Int, count: Int) throws {
        let seed = UInt64(dimension * 1_000 + count)
        // Continuous values: ties are a test of their own, as rounding decides between near-ties.
        var random = RowRandom(seed: seed, row: 1)
        let base = (0..<count * dimension).map { _ in random.normal() }
        let queries = (0..<5 * dimension).map { _ in random.normal() }
        let exact = ExactSearch(base: base, dimension: dimension)
        for k in [1, 10, 400] {
            let truth = try exact.truth(queries: queries, k: k, threads: 3)
            #expect(truth.k == min(k, count))
            for query in 0..<5 {
                let expected = Self.naive(
                    base,
                    queries[query * dimension..<(query + 1) * dimension],
                    dimension: dimension,
                    k: k,
                    where: { _ in true }
                )
                let found = (0..<truth.k).map { truth.similarities[query * truth.k + $0] }
                for (place, pair) in zip(expected, found).enumerated() {
                    #expect(abs(pair.0.similarity - Double(pair.1)) < 1e-6, "seed \(seed) \(place)")
                }
                // In one dimension all similarities are 1 or -1 up to rounding.
                if dimension > 1 { #expect(truth[query] == expected.map(\.row), "seed \(seed)") }
            }
        }
    }

    @Test(arguments: [1, 2, 7])
    func `equal rows are named in rising order on any number of threads`(threads: Int) throws {
        let dimension = 4
        let one: [Float] = [1, 2, 2, 0]
        let base = (0..<500).flatMap { _ in one }
        let truth = try ExactSearch(base: base, dimension: dimension).truth(
            queries: one,
            k: 20,
            threads: threads
        )
        #expect(truth[0] == Array(0..<20))
    }

    @Test func `the answer does not depend on the number of threads`() throws {
        let base = Self.rows(1_000, 6, seed: 5)
        let queries = Self.rows(20, 6, seed: 6)
        let exact = ExactSearch(base: base, dimension: 6)
        let one = try exact.truth(queries: queries, k: 50, threads: 1)
        for threads in [2, 3, 8] {
            #expect(try exact.truth(queries: queries, k: 50, threads: threads) == one)
        }
    }

    @Test func `a query finds only rows of its partition, padded when they are few`() throws {
        let seed: UInt64 = 11
        var random = RowRandom(seed: seed, row: 1)
        let base = (0..<300 * 5).map { _ in random.normal() }
        let queries = (0..<4 * 5).map { _ in random.normal() }
        let partitions = (0..<300).map { UInt16($0 % 100 == 0 ? 1 : $0 % 7 == 0 ? 2 : 0) }
        let own: [UInt16] = [0, 1, 2, 9]
        let truth = try ExactSearch(base: base, dimension: 5).truth(
            queries: queries,
            k: 10,
            threads: 2,
            partitions: partitions,
            queryPartitions: own
        )
        for query in 0..<4 {
            let expected = Self.naive(
                base,
                queries[query * 5..<(query + 1) * 5],
                dimension: 5,
                k: 10
            ) { partitions[$0] == own[query] }
            #expect(truth[query] == expected.map(\.row), "seed \(seed)")
        }
        #expect(truth[1].count == 3 && truth[3].isEmpty)
    }

    @Test func `a file is searched as memory is`() throws {
        let directory = try DatasetDirectory()
        let base = Self.rows(200, 7, seed: 8)
        let path = try directory.file(
            "base.fbin",
            Bytes.fbin(rows: 200, columns: 7, Bytes.floats(base))
        )
        let queries = Self.rows(9, 7, seed: 9)
        let fromFile = try ExactSearch(VectorFileReader(path)).truth(
            queries: queries,
            k: 10,
            threads: 2
        )
        let fromMemory = try ExactSearch(base: base, dimension: 7).truth(
            queries: queries,
            k: 10,
            threads: 2
        )
        #expect(fromFile == fromMemory)
    }

    @Test func `a row that cannot be read fails the search`() throws {
        let directory = try DatasetDirectory()
        var bytes = Bytes.fvecs((0..<100).map { [Float($0), 1] })
        bytes[80 * 12] = 3
        let reader = try VectorFileReader(directory.file("bad.fvecs", bytes))
        let error = datasetError {
            _ = try ExactSearch(reader).truth(queries: [1, 0], k: 1, threads: 2)
        }
        #expect(error?.kind == .badRow && error?.offset == 80 * 12)
    }
}
