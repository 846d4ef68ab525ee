import Dispatch

/// The k nearest by cosine, by comparing every row, in double precision.
package struct ExactSearch {
    /// `[count × dimension]`.
    package let base: [Float]
    package let dimension: Int
    private let norms: [Double]

    package init(base: [Float], dimension: Int) {
        self.base = base
        self.dimension = dimension
        norms = (0..<base.count / dimension).map { row in
            var sum = 0.0
            for column in 0..<dimension {
                let value = Double(base[row * dimension + column])
                sum += value * value
            }
            return sum.squareRoot()
        }
    }

    package var count: Int { base.count / dimension }

    /// The nearest rows that `admits` lets pass, nearest first, ties by lower row.
    package func nearest(
        to query: [Float],
        k: Int,
        where admits: (Int) -> Bool = { _ in true }
    ) -> [(row: Int, similarity: Double)] {
        var best: [(row: Int, similarity: Double)] = []
        let norm = query.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        for row in 0..<count where admits(row) {
            let similarity = dot(row, query) / (norms[row] * norm)
            if best.count == k, similarity <= best[k - 1].similarity { continue }
            let place = best.firstIndex { $0.similarity < similarity } ?? best.count
            best.insert((row, similarity), at: place)
            if best.count > k { best.removeLast() }
        }
        return best
    }

    /// The nearest rows of each query, on `threads` threads.
    package func truth(
        queries: [Float],
        k: Int,
        threads: Int,
        where admits: @Sendable (Int, Int) -> Bool
    ) -> TruthFile {
        let queryCount = queries.count / dimension
        let width = min(k, count)
        var rows = [Int32](repeating: -1, count: queryCount * width)
        rows.withUnsafeMutableBufferPointer { target in
            nonisolated(unsafe) let target = target  // Each query writes rows of its own.
            DispatchQueue.concurrentPerform(iterations: max(1, threads)) { worker in
                for query in stride(from: worker, to: queryCount, by: max(1, threads)) {
                    let vector = Array(queries[query * dimension..<(query + 1) * dimension])
                    let found = nearest(to: vector, k: width) { admits(query, $0) }
                    for (place, item) in found.enumerated() {
                        target[query * width + place] = Int32(item.row)
                    }
                }
            }
        }
        return TruthFile(queryCount: queryCount, k: width, rows: rows)
    }

    private func dot(_ row: Int, _ query: [Float]) -> Double {
        base.withUnsafeBufferPointer { base in
            query.withUnsafeBufferPointer { query in
                var sums = SIMD8<Double>(repeating: 0)
                let start = row * dimension
                var column = 0
                while column + 8 <= dimension {
                    var x = SIMD8<Double>()
                    var y = SIMD8<Double>()
                    for lane in 0..<8 {
                        x[lane] = Double(base[start + column + lane])
                        y[lane] = Double(query[column + lane])
                    }
                    sums += x * y
                    column += 8
                }
                var sum = sums.sum()
                while column < dimension {
                    sum += Double(base[start + column]) * Double(query[column])
                    column += 1
                }
                return sum
            }
        }
    }
}

/// How much of the truth was found.
package enum Recall {
    /// found ∩ true / k over the first k of both; with fewer than k true neighbours, over those.
    package static func at(_ k: Int, found: [Int], truth: [Int]) -> Double {
        let expected = Set(truth.prefix(k))
        guard !expected.isEmpty else { return 1 }
        return Double(expected.intersection(found.prefix(k)).count) / Double(expected.count)
    }
}
