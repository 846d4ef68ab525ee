import Testing

@testable import VectorMath

@Suite struct `Top k` {
    @Test(arguments: [1, 2, 10, 100, 1_000])
    func `equals a sort, ties by key`(k: Int) {
        var random = SeededRandom(seed: UInt64(k))
        for _ in 0..<20 {
            let rows = (0..<500).map { key in
                (score: Float(Int.random(in: 0..<20, using: &random)), key: UInt64(key))
            }.shuffled(using: &random)
            var best = TopK(k: k)
            for row in rows { best.offer(score: row.score, key: row.key) }
            let expected = rows.sorted {
                $0.score != $1.score ? $0.score > $1.score : $0.key < $1.key
            }.prefix(k)
            #expect(best.sorted().map(\.key) == expected.map(\.key))
        }
    }

    @Test func `only scores above the floor are admitted`() {
        var best = TopK(k: 3, floor: 0.5)
        for (key, score) in [0.5, 0.49, 0.500_01, 0.7].enumerated() {
            best.offer(score: Float(score), key: UInt64(key))
        }
        #expect(best.sorted().map(\.key) == [3, 2])
        #expect(best.threshold <= Float(0.500_01))
    }

    @Test func `a score at the threshold enters by the tie-breaker`() {
        var best = TopK(k: 1)
        best.offer(score: 1, key: 9)
        #expect(best.threshold == 1)
        best.offer(score: 1, key: 4)
        #expect(best.sorted().map(\.key) == [4])
    }
}

@Suite struct `Unit vectors` {
    private func normalise(_ vector: [Float]) -> ([Float], NormalisationFailure?) {
        do throws(NormalisationFailure) {
            return (try UnitVector.normalised(vector), nil)
        } catch {
            return ([], error)
        }
    }

    @Test(arguments: [1e-38, 1e-30, 1e-3, 1, 1e3, 1e30, 3e38] as [Float])
    func `any scale comes out at length one`(scale: Float) {
        let (unit, failure) = normalise([scale, 0, -scale / 2])
        #expect(failure == nil)
        let norm = unit.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        #expect(abs(norm - 1) < 1e-6)
    }

    @Test func `what has no direction is refused`() {
        #expect(normalise([0, -0.0]).1 == .zero)
        #expect(normalise([1, .nan, .infinity]).1 == .notFinite(position: 1))
        #expect(normalise([1, 2, -.infinity]).1 == .notFinite(position: 2))
    }

    @Test func `a vector of length one keeps its bits`() {
        let vector: [Float] = [0.6, 0.8]
        #expect(normalise(vector).0 == vector)
    }
}

@Suite struct `Clustering` {
    /// Points around `clusters` directions.
    private func points(_ count: Int, _ dimension: Int, clusters: Int, seed: UInt64) -> [Float] {
        var random = SeededRandom(seed: seed)
        let centres = (0..<clusters * dimension).map { _ in Float.random(in: -1...1, using: &random)
        }
        var points: [Float] = []
        for row in 0..<count {
            let centre = row % clusters * dimension
            var vector = (0..<dimension).map {
                centres[centre + $0] + 0.2 * Float.random(in: -1...1, using: &random)
            }
            let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            vector = vector.map { $0 / norm }
            points += vector
        }
        return points
    }

    private func train(_ points: [Float], _ dimension: Int, nlist: Int, threads: Int) -> [Float]? {
        var options = KMeansOptions(nlist: nlist, dimension: dimension)
        options.threads = threads
        return KMeans.train(
            count: points.count / dimension,
            options: options,
            loadRows: { numbers, target in
                for (slot, number) in numbers.enumerated() {
                    for column in 0..<dimension {
                        target[slot * dimension + column] = points[number * dimension + column]
                    }
                }
            }
        )
    }

    @Test func `the same seed gives the same centroids on any number of threads`() {
        let points = points(3_000, 16, clusters: 40, seed: 1)
        let one = train(points, 16, nlist: 64, threads: 1)
        #expect(one?.count == 64 * 16)
        #expect(train(points, 16, nlist: 64, threads: 2) == one)
        #expect(train(points, 16, nlist: 64, threads: 4) == one)
    }

    @Test func `centroids have length one and every list has rows`() throws {
        let points = points(4_000, 12, clusters: 30, seed: 2)
        let centroids = try #require(train(points, 12, nlist: 50, threads: 2))
        for list in 0..<50 {
            let norm = centroids[list * 12..<(list + 1) * 12].reduce(0.0) {
                $0 + Double($1) * Double($1)
            }
            #expect(abs(norm - 1) < 1e-5)
        }
        let assignment = ListAssignment(centroids: centroids, nlist: 50, dimension: 12, threads: 1)
        var lists = [UInt32](repeating: 0, count: 4_000)
        assignment.assign(rows: points, stride: 12, count: 4_000, first: &lists, threads: 2)
        #expect(Set(lists).count == 50)
    }

    @Test(arguments: [1, 3, 16, 100])
    func `rows that are all the same are survived`(nlist: Int) throws {
        let points = [Float](repeating: 0.5, count: 200 * 4)
        let centroids = try #require(train(points, 4, nlist: nlist, threads: 2))
        #expect(!centroids.contains { !$0.isFinite })
        #expect(centroids.count == nlist * 4)
    }

    @Test func `there are no more lists than rows`() throws {
        let points = points(5, 3, clusters: 5, seed: 3)
        let centroids = try #require(train(points, 3, nlist: 40, threads: 1))
        #expect(centroids.count == 15)
    }

    @Test func `training can be cancelled`() {
        let points = points(500, 8, clusters: 10, seed: 4)
        let options = KMeansOptions(nlist: 20, dimension: 8)
        let result = KMeans.train(
            count: 500,
            options: options,
            loadRows: { numbers, target in
                for (slot, number) in numbers.enumerated() {
                    for column in 0..<8 { target[slot * 8 + column] = points[number * 8 + column] }
                }
            },
            progress: { $0 < 0.3 }
        )
        #expect(result == nil)
    }
}
