import StorageIO
import TestSupport
import Testing
import VectorMath

@testable import VectorStore

@Suite struct `Neighbours by their codes` {
    private static let (dimension, count, nlist) = (64, 3_000, 130)
    private static let rotation = CodeRotation(seed: 5, dimension: dimension)

    private static func vector(_ random: inout SeededRandom) -> [Float] {
        let vector = (0..<dimension).map { _ in Float.random(in: -1...1, using: &random) }
        let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return vector.map { $0 / length }
    }

    /// The same with a large part of the first axis.
    private static func leaning(_ vector: [Float]) -> [Float] {
        let leaning = [vector[0] + 1] + vector.dropFirst()
        let length = dot(leaning, leaning).squareRoot()
        return leaning.map { $0 / length }
    }

    private static func dot(_ left: [Float], _ right: [Float]) -> Float {
        var sum: Float = 0
        for place in 0..<dimension { sum += left[place] * right[place] }
        return sum
    }

    private static func rows(
        _ random: inout SeededRandom,
        _ change: ([Float]) -> [Float] = { $0 }
    ) -> RowFixture {
        RowFixture(
            dimension: dimension,
            rows: (0..<count).map { row in
                StoredRow(
                    id: .integer(UInt64(row)),
                    partition: "",
                    vector: change(vector(&random)),
                    attributes: [],
                    payload: nil
                )
            }
        )
    }

    private static let references = (0..<count).map {
        SegmentPlan.RowReference(source: 0, ordinal: UInt32($0))
    }

    /// Rows, queries and one centroid, all at random.
    @Test func `are put too low as often as their errors' distribution says`() throws {
        var random = SeededRandom(seed: 71)
        let rows = Self.rows(&random)
        let codes = NeighbourCodes(
            rows: RotatedRows(
                rows: Self.references,
                sources: [rows],
                rotation: Self.rotation,
                threads: 1
            ),
            index: CentroidIndex(
                centroids: Self.vector(&random),
                nlist: 1,
                dimension: Self.dimension,
                rotation: Self.rotation
            )
        )
        let scratch = UnsafeMutablePointer<Float>.allocate(
            capacity: (NeighbourCodes.capacity + 1) * Self.rotation.width
        )
        defer { scratch.deallocate() }
        var errors = 0.0
        var missed = [0.9: 0, 1.3: 0, 3: 0]
        for row in 0..<Self.count {
            let query = Self.vector(&random)
            let estimate = try #require(
                try codes.estimates(query, rows: [(row: row, list: 0)], scratch: scratch).first
            )
            let truth = Self.dot(query, rows.rows[row].vector)
            errors += Double((estimate.similarity - truth) / estimate.deviation)
            for deviations in missed.keys
            where !estimate.reaches(truth, deviations: Float(deviations)) {
                missed[deviations, default: 0] += 1
            }
        }
        // The normal distribution leaves 18.4 %, 9.7 % and 0.1 % below.
        func share(_ deviations: Double) -> Double {
            Double(missed[deviations] ?? 0) / Double(Self.count)
        }
        #expect(abs(errors / Double(Self.count)) < 0.1)
        #expect((0.13...0.22).contains(share(0.9)), "\(share(0.9))")
        #expect((0.06...0.13).contains(share(1.3)), "\(share(1.3))")
        #expect(share(3) < 0.01, "\(share(3))")
    }

    /// All rows lie in two of 130 lists, which all queries rank first: what their codes hide is all that is missed.
    @Test func `that lie in a visited list and are hidden by their codes are not counted`() throws {
        var random = SeededRandom(seed: 72)
        let rows = Self.rows(&random, Self.leaning)
        func centroid(_ first: Float) -> [Float] {
            let vector = [first] + Self.vector(&random).dropFirst().map { $0 / 10 }
            let length = Self.dot(vector, vector).squareRoot()
            return vector.map { $0 / length }
        }
        let centroids = (0..<Self.nlist).map { centroid($0 < 2 ? 1 : -1) }
        let calibration = Calibration(
            dimension: Self.dimension,
            sources: [rows],
            rotation: Self.rotation,
            threads: 2,
            queryCount: Self.count
        )
        let curve = try #require(
            try calibration.measure(
                rows: Self.references,
                lists: (0..<Self.count).map { UInt32($0 % 2) },
                second: nil,
                index: CentroidIndex(
                    centroids: centroids.flatMap { $0 },
                    nlist: Self.nlist,
                    dimension: Self.dimension,
                    rotation: Self.rotation
                ),
                heldOut: HeldOutRows(seed: 1, rowCount: Self.count),
                seed: 1,
                progress: { _ in true }
            )
        )
        // The first list finds its half. Codes are believed soon in a search of two lists, and hardly in one of all.
        #expect(abs(curve.recall(nprobe: 1, k: 10) - 0.5) < 0.03)
        let found = curve.recall(nprobe: 2, k: 10)
        #expect((0.85...0.98).contains(found), "\(found)")
        #expect(try #require(curve.curves.first { $0.k == 10 }?.points.last).recall > 0.998)
    }
}
