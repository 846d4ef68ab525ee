import CVectorKernels
import Testing

@testable import VectorMath

/// Unit vectors around some directions.
private func unitRows(
    _ count: Int,
    _ dimension: Int,
    clusters: Int,
    spread: Float = 0.6,
    seed: UInt64
) -> [Float] {
    var random = SeededRandom(seed: seed)
    let centres = (0..<clusters * dimension).map { _ in Float.random(in: -1...1, using: &random) }
    var rows: [Float] = []
    for row in 0..<count {
        let centre = row % clusters * dimension
        let vector = (0..<dimension).map {
            centres[centre + $0] + spread * Float.random(in: -1...1, using: &random)
        }
        let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        rows += vector.map { $0 / norm }
    }
    return rows
}

/// The dot product of two rows in double precision.
private func dot(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
}

extension [Float] {
    fileprivate func row(_ index: Int, _ dimension: Int) -> ArraySlice<Float> {
        self[index * dimension..<(index + 1) * dimension]
    }
}

@Suite struct `Int8 blocks` {
    private static let shapes = [
        [1, 1, 16], [7, 17, 32], [8, 48, 64], [65, 50, 48], [70, 130, 384],
    ]

    @Test(arguments: shapes)
    func `every tier computes the integers of a plain sum`(shape: [Int]) {
        let (count, others, width) = (shape[0], shape[1], shape[2])
        var random = SeededRandom(seed: UInt64(count))
        func bytes(_ count: Int) -> [Int8] {
            (0..<count).map { _ in Int8.random(in: -127...127, using: &random) }
        }
        var (a, b) = (bytes(count * width), bytes(others * width))
        // The largest sums: pairs that saturate 16 bits when they are not kept apart.
        for column in 0..<width { (a[column], b[column]) = (127, -127) }
        let panels = ByteLists.pack(b, nil, count: others, width: width)
        let panelCount = (others + 15) / 16
        for tier in Kernels.Tier.allCases where tier.isSupported {
            var scores = [Int32](repeating: 1, count: count * panelCount * 16)
            vk_i8_block_tier(
                tier.raw,
                a,
                nil,
                count,
                width,
                panels,
                panelCount,
                &scores,
                panelCount * 16
            )
            for row in 0..<count {
                for other in 0..<others {
                    var sum = 0
                    for column in 0..<width {
                        sum += Int(a[row * width + column]) * Int(b[other * width + column])
                    }
                    #expect(scores[row * panelCount * 16 + other] == Int32(sum), "\(tier)")
                }
            }
        }
    }

    @Test(arguments: [1, 15, 16, 17, 100, 300, 5_000])
    func `all scores within the slack of the k-th are found`(count: Int) {
        var random = SeededRandom(seed: UInt64(count))
        for k in [1, 5, 16, 64] {
            let scores = (0..<count).map { _ in Int32.random(in: -9_000...9_000, using: &random) }
            var places = [UInt32](repeating: 0, count: count + 16)
            let found = vk_i8_reach(scores, count, k, 50, &places)
            let floor = scores.sorted(by: >)[min(k, count) - 1] - 50
            let wanted = scores.indices.filter { scores[$0] >= floor }
            #expect(Set(wanted).isSubset(of: places[..<found].map { Int($0) }))
            #expect(places[..<found].map { $0 } == places[..<found].sorted())
            #expect(vk_i8_largest(scores, count) == scores.firstIndex(of: scores.max() ?? 0))
        }
    }

    @Test(arguments: [3, 16, 200])
    func `a rounded row is within half a step of the row`(dimension: Int) {
        let row = unitRows(1, dimension, clusters: 1, seed: 9)
        let rows = RoundedRows(count: 1, dimension: dimension)
        let error = rows.set(0, to: row)
        var squares = 0.0
        for column in 0..<dimension {
            let lost = Double(row[column]) - Double(rows.bytes[column]) * Double(rows.steps[0])
            #expect(abs(lost) <= Double(rows.steps[0]) * 0.501)
            squares += lost * lost
        }
        #expect(abs(Double(error) - squares.squareRoot()) < 1e-5)
    }
}

@Suite struct `List assignment` {
    private let dimension = 40

    private func assigned(
        _ rows: [Float],
        _ centroids: [Float],
        flatCount: Int = ByteLists.flatCount,
        threads: Int = 2
    ) -> (first: [UInt32], second: [UInt32]) {
        let count = rows.count / dimension
        let assignment = ListAssignment(
            centroids: centroids,
            nlist: centroids.count / dimension,
            dimension: dimension,
            threads: threads,
            flatCount: flatCount
        )
        var first = [UInt32](repeating: 0, count: count)
        var (again, second) = (first, first)
        assignment.assign(
            rows: rows,
            stride: dimension,
            count: count,
            first: &first,
            threads: threads
        )
        assignment.assign(
            rows: rows,
            stride: dimension,
            count: count,
            first: &again,
            second: &second,
            threads: threads
        )
        #expect(first == again)
        return (first, second)
    }

    @Test(arguments: [1, 2, 16, 100, 700])
    func `a row gets the nearest of all centroids`(nlist: Int) {
        let rows = unitRows(1_000, dimension, clusters: 60, seed: 1)
        let centroids = unitRows(nlist, dimension, clusters: 60, seed: 2)
        let (first, _) = assigned(rows, centroids)
        for row in 0..<1_000 {
            let similarities = (0..<nlist).map {
                dot(rows.row(row, dimension), centroids.row($0, dimension))
            }
            let found = similarities[Int(first[row])]
            #expect(found >= (similarities.max() ?? 0) - 1e-6)
        }
    }

    @Test func `of equal centroids the smaller list is taken`() {
        let one = unitRows(1, dimension, clusters: 1, seed: 3)
        let (first, _) = assigned(one, one + one + one)
        #expect(first == [0])
    }

    @Test(arguments: [2, 10, 17, 200])
    func `the second list has the least loss among the nearest`(nlist: Int) {
        let rows = unitRows(500, dimension, clusters: 60, seed: 4)
        let centroids = unitRows(nlist, dimension, clusters: 60, spread: 1, seed: 5)
        let (first, second) = assigned(rows, centroids)
        for row in 0..<500 {
            let vector = rows.row(row, dimension)
            let ranked = (0..<nlist).map { ($0, dot(vector, centroids.row($0, dimension))) }
                .sorted { $0.1 > $1.1 }
            let own = centroids.row(ranked[0].0, dimension)
            let residual = zip(vector, own).map { Double($0) - Double($1) }
            let squares = residual.reduce(0) { $0 + $1 * $1 }
            func loss(_ list: Int) -> Double {
                let other = zip(vector, centroids.row(list, dimension)).map {
                    Double($0) - Double($1)
                }
                let along = zip(residual, other).reduce(0) { $0 + $1.0 * $1.1 }
                return other.reduce(0) { $0 + $1 * $1 } + along * along / squares
            }
            let least = ranked[1...].prefix(16).map { loss($0.0) }.min() ?? 0
            #expect(second[row] != first[row])
            #expect(loss(Int(second[row])) <= least + 1e-5)
        }
    }

    @Test func `with one list both are that list`() {
        let (first, second) = assigned(
            unitRows(5, dimension, clusters: 2, seed: 6),
            unitRows(1, dimension, clusters: 1, seed: 7)
        )
        #expect(first == [0, 0, 0, 0, 0] && second == first)
    }

    @Test func `grouped centroids give nearly always the nearest, on any number of threads`() {
        let rows = unitRows(2_000, dimension, clusters: 300, seed: 8)
        let centroids = unitRows(900, dimension, clusters: 300, seed: 8)
        let flat = assigned(rows, centroids)
        let grouped = assigned(rows, centroids, flatCount: 100)
        let same = zip(flat.first, grouped.first).filter { $0 == $1 }.count
        #expect(same >= 1_990)
        #expect(assigned(rows, centroids, flatCount: 100, threads: 1) == grouped)
    }

    @Test func `rounds against neighbours bring rows nearer to their centroids`() throws {
        let rows = unitRows(6_000, dimension, clusters: 150, spread: 1.5, seed: 9)
        func similarity(neighbourRounds: Int) throws -> Double {
            var options = KMeansOptions(nlist: 200, dimension: dimension)
            options.neighbourRounds = neighbourRounds
            let centroids = try #require(
                KMeans.train(
                    count: 6_000,
                    options: options,
                    loadRows: { numbers, target in
                        for (slot, number) in numbers.enumerated() {
                            for column in 0..<dimension {
                                target[slot * dimension + column] =
                                    rows[number * dimension + column]
                            }
                        }
                    }
                )
            )
            let (first, _) = assigned(rows, centroids)
            return first.enumerated().reduce(0) {
                $0 + dot(rows.row($1.offset, dimension), centroids.row(Int($1.element), dimension))
            } / 6_000
        }
        let few = try similarity(neighbourRounds: 0)
        let more = try similarity(neighbourRounds: 8)
        #expect(more > few + 0.005, "\(few) then \(more)")
    }
}
