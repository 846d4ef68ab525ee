/// Rows at unit length in double precision, padded with zeros to whole SIMD words.
///
/// Sent between threads only after it is filled; `fill` needs the owner alone.
final class UnitRows: @unchecked Sendable {
    private typealias Word = SIMD4<Double>

    private let dimension: Int
    private let wordCount: Int
    private let words: UnsafeMutableBufferPointer<Word>
    private var count = 0

    init(capacity: Int, dimension: Int) {
        self.dimension = dimension
        wordCount = (dimension + 3) / 4
        words = .allocate(capacity: capacity * wordCount)
        words.initialize(repeating: Word())
    }

    deinit { words.deallocate() }

    /// Takes rows and scales them; a row of zeros stays zero and is similar to nothing.
    ///
    /// - Shapes: `floats` is `[count × dimension]`.
    func fill(_ floats: UnsafePointer<Float>, count: Int) {
        precondition(count * wordCount <= words.count)
        self.count = count
        for row in 0..<count {
            let source = floats + row * dimension
            var sum = 0.0
            for column in 0..<dimension { sum += Double(source[column]) * Double(source[column]) }
            let scale = sum > 0 ? 1 / sum.squareRoot() : 0
            for column in 0..<dimension {
                words[row * wordCount + column / 4][column % 4] = Double(source[column]) * scale
            }
        }
    }

    /// Hands `body` the similarity of every row with one of `queries`, in order.
    func compare(_ queries: UnitRows, _ query: Int, _ body: (Int, Double) -> Void) {
        guard let own = UnsafePointer(words.baseAddress),
            let other = UnsafePointer(queries.words.baseAddress)
        else { return }
        let target = other + query * wordCount
        var row = 0
        // Four rows at a time share the loads of the query.
        while row + 4 <= count {
            let first = own + row * wordCount
            let second = first + wordCount
            let third = second + wordCount
            let fourth = third + wordCount
            var (a, b, c, d) = (Word(), Word(), Word(), Word())
            for place in 0..<wordCount {
                let word = target[place]
                a += first[place] * word
                b += second[place] * word
                c += third[place] * word
                d += fourth[place] * word
            }
            body(row, a.sum())
            body(row + 1, b.sum())
            body(row + 2, c.sum())
            body(row + 3, d.sum())
            row += 4
        }
        while row < count {
            var sum = Word()
            for place in 0..<wordCount { sum += own[row * wordCount + place] * target[place] }
            body(row, sum.sum())
            row += 1
        }
    }
}
