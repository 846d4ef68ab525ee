/// Random choices that a seed determines.
package struct SeededNumbers: Sendable {
    private var random: RowRandom

    package init(seed: UInt64) {
        random = RowRandom(seed: seed, row: 0)
    }

    /// Uniform from 0 up to, but not including, 1.
    package mutating func unit() -> Double { random.unit() }

    /// Uniform from 0 up to, but not including, `count`.
    package mutating func index(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
}
