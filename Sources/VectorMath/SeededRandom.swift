/// Random numbers that a seed determines: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Distinct numbers below `bound`, rising: Floyd's sampling (Bentley, CACM 30(9), 1987), in memory
    /// proportional to `count`.
    package mutating func sampleIndices(count: Int, from bound: Int) -> [Int] {
        precondition(count <= bound)
        if count == bound { return Array(0..<bound) }
        var chosen = Set<Int>(minimumCapacity: count)
        for upper in bound - count..<bound {
            let candidate = Int.random(in: 0...upper, using: &self)
            if !chosen.insert(candidate).inserted { chosen.insert(upper) }
        }
        return chosen.sorted()
    }
}
