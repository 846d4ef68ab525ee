import Testing

@testable import Evaluation

@Suite struct `Deciles of partitions` {
    /// Partition i has i + 1 rows.
    private static func partitions(_ count: Int) -> [UInt16] {
        (0..<count).flatMap { [UInt16](repeating: UInt16($0), count: $0 + 1) }.reversed()
    }

    @Test func `groups hold as many partitions each, smallest first`() {
        let deciles = PartitionDeciles(partitions: Self.partitions(40))
        #expect(deciles.sizes.count == 10)
        #expect(deciles.sizes.first == 1...4 && deciles.sizes.last == 37...40)
        for partition in 0..<40 {
            #expect(deciles.group(of: UInt16(partition)) == partition / 4)
        }
        #expect(deciles.group(of: 40) == nil)
    }

    @Test func `with few partitions each is a group of its own`() {
        let deciles = PartitionDeciles(partitions: Self.partitions(3))
        #expect(deciles.sizes == [1...1, 2...2, 3...3])
        #expect(PartitionDeciles(partitions: []).sizes.isEmpty)
    }

    @Test func `a group's score is the mean over its queries; groups without one are left out`() {
        let deciles = PartitionDeciles(partitions: Self.partitions(20))
        let scores = deciles.scores(
            partitions: [0, 1, 19, 500],
            recalls: [1, 0.5, 0.2, 0],
            nanoseconds: [1_000, 3_000, 8_000, 1]
        )
        #expect(scores.map(\.group) == [0, 9])
        #expect(scores.map(\.queries) == [2, 1])
        #expect(scores.map(\.recall) == [0.75, 0.2])
        #expect(scores.map(\.microseconds) == [2, 8])
        #expect(scores.last?.sizes == 19...20)
    }
}
