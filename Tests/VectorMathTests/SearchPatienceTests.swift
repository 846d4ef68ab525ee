import Testing

@testable import VectorMath

@Suite struct `Searches that end early` {
    /// Visits one list after another and keeps the k nearest of those seen, with no cleverness.
    private func visited(places: [Int], k: Int, nprobe: Int, nlist: Int) -> Int {
        let most = nprobe < (nlist + 1) / 2 ? nprobe / 3 + 1 : .max
        var best: [Int] = []
        var quiet = 0
        for list in 0..<nprobe {
            let before = best
            best += places.indices.filter { places[$0] == list }
            best = Array(best.sorted().prefix(k))
            quiet = best == before && best.count == k ? quiet + 1 : 0
            if quiet == most { return list + 1 }
        }
        return nprobe
    }

    @Test func `as many lists are visited as by looking at each`() {
        var random = SeededRandom(seed: 3)
        var early = 0
        for _ in 0..<400 {
            let k = [1, 3, 10].randomElement(using: &random) ?? 1
            let count = Int.random(in: k...60, using: &random)
            // Near ones come early more often than not.
            let places = (0..<count).map { near in
                Int(Float.random(in: 0...1, using: &random) * Float(2 + near))
            }
            let changes = SearchPatience.changes(places: places, k: k)
            #expect(changes == changes.sorted() && Set(changes).count == changes.count)
            for nprobe in 1...70 {
                let found = SearchPatience.visited(nprobe: nprobe, nlist: 120, changes: changes)
                let expected = visited(places: places, k: k, nprobe: nprobe, nlist: 120)
                #expect(found == expected, "\(places) \(k)")
                early += found < nprobe ? 1 : 0
            }
        }
        #expect(early > 1_000, "a search that never ends early shows nothing")
    }

    @Test func `a search that has not found k goes on`() {
        let changes = SearchPatience.changes(places: [0, 0, 90], k: 3)
        #expect(changes == [90])
        #expect(SearchPatience.visited(nprobe: 60, nlist: 200, changes: changes) == 60)
    }
}
