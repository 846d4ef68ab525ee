import Testing

@testable import VectorStore

/// What a search sees of neighbours whose similarities and codes are given.
@Suite struct `Neighbours on the way of a search` {
    private typealias Sighting = NeighbourSightings.Sighting
    private typealias Step = NeighbourSightings.Step

    private static let k = 2
    /// Six neighbours in one list, the codes of all but the first as they are.
    private static let similarities: [Float] = [0.9, 0.89, 0.88, 0.87, 0.86, 0.85]
    private static let estimates = ([0.8] + similarities.dropFirst()).map {
        NeighbourCodes.Estimate(similarity: $0, deviation: 0.05)
    }
    /// Searches of one list, and of four, which believe codes less.
    private static let steps = [
        Step(nprobe: 1, visited: 1, deviations: 0.9), Step(nprobe: 4, visited: 4, deviations: 3),
    ]

    private static func turns(
        _ sightings: [Sighting],
        turns: [Int] = [Int](repeating: 0, count: 6),
        waiting: Int,
        steps: [Step] = steps
    ) -> [Int] {
        NeighbourSightings(
            similarities: similarities,
            turns: turns,
            sightings: [0: sightings],
            estimates: estimates
        ).turningSteps(0, steps: steps, waiting: .init(k: k, listCount: waiting))
    }

    private static func sighting(turn: Int = 0, step: Int = 0, code: Float = 0.8) -> Sighting {
        Sighting(turn: turn, step: step, estimate: .init(similarity: code, deviation: 0.05))
    }

    @Test func `a row among the first is held against the best of them`() {
        // Four go first and find 0.88 at the least, of 0.89 that all would: 0.885 is about what is known then.
        #expect(Self.turns([Self.sighting()], waiting: 1) == [1])
        #expect(Self.turns([Self.sighting(code: 0.835)], waiting: 1) == [1])
        #expect(Self.turns([Self.sighting(code: 0.845)], waiting: 1) == [0])
        // What is compared at once is held against what lists before have shown, which is nothing here.
        #expect(Self.turns([Self.sighting()], waiting: 0) == [0])
    }

    @Test func `a few rows are all compared`() {
        // As many as go first, whatever their codes say: the others are seen in later lists.
        let turns = [0, 0, 0, 0, 1, 1]
        #expect(Self.turns([Self.sighting(code: 0.1)], turns: turns, waiting: 1) == [0])
    }

    @Test func `what more rows beside it hide is lost again`() {
        // One list holds four rows, all of which are compared; with the second list six wait for each other.
        let turns = [0, 0, 0, 0, 1, 1]
        let steps = [
            Step(nprobe: 1, visited: 1, deviations: 0.9),
            Step(nprobe: 2, visited: 2, deviations: 0.9),
            Step(nprobe: 4, visited: 4, deviations: 0.9),
            Step(nprobe: 8, visited: 8, deviations: 3),
        ]
        let poor = Self.sighting(code: 0.1)
        #expect(Self.turns([poor], turns: turns, waiting: 2, steps: Array(steps[..<1])) == [0])
        #expect(Self.turns([poor], turns: turns, waiting: 2, steps: steps) == [0, 1])
        #expect(Self.turns([Self.sighting()], turns: turns, waiting: 2, steps: steps) == [0, 1, 3])
    }

    @Test func `a later row has to reach the k-th best of the lists before`() {
        let turns = [2, 0, 1, 1, 2, 2]
        // 0.89 and 0.88 are known.
        let steps = [
            Step(nprobe: 3, visited: 3, deviations: 0.9),
            Step(nprobe: 4, visited: 4, deviations: 3),
        ]
        for (code, found) in [(Float(0.83), 1), (0.84, 0)] {
            let seen = Self.sighting(turn: 2, code: code)
            #expect(Self.turns([seen], turns: turns, waiting: 1, steps: steps) == [found])
        }
    }

    @Test func `what one list hides its second may show, if it is visited`() {
        let hidden = Self.sighting(code: 0.5)
        let turns = [Int](repeating: 0, count: 6)
        let shown = Self.sighting(turn: 3, step: 1, code: 0.9)
        #expect(Self.turns([hidden], waiting: 1) == [])
        #expect(Self.turns([hidden, shown], turns: turns, waiting: 1) == [1])
        // A search that ends before does not see it.
        let early = [Self.steps[0], Step(nprobe: 4, visited: 2, deviations: 3)]
        #expect(Self.turns([hidden, shown], waiting: 1, steps: early) == [])
        // Nor one that ranks the list too low.
        let late = Self.sighting(turn: 3, step: 2, code: 0.9)
        #expect(Self.turns([hidden, late], waiting: 1) == [])
    }
}
