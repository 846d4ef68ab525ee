import Testing

@testable import VectorMath

@Suite struct `Search of coded lists` {
    /// Rows in lists, some in two of them, with everything a search needs.
    private final class Lists {
        let dimension = 100
        let rotation = CodeRotation(seed: 11, dimension: 100)
        var rows: [[Float]] = []
        var centroids: [[Float]] = []
        var ordinals: [UInt32] = []
        var starts: [UInt32] = [0]
        var blockStarts: [UInt32] = [0]
        var blocks: [UInt8] = []
        var bytes: [UInt8] = []
        var largestError: Float = 0
        let index: CentroidIndex
        private let memory:
            (
                blocks: Memory<UInt8>, blockStarts: Memory<UInt32>, starts: Memory<UInt32>,
                ordinals: Memory<UInt32>, bytes: Memory<UInt8>
            )

        var table: ByteRowTable {
            ByteRowTable(
                start: memory.bytes.start,
                count: rows.count,
                largestError: largestError,
                verified: nil,
                offset: 0
            )
        }

        init(rowCount: Int, nlist: Int, isDoubled: Bool, seed: UInt64) {
            var random = SeededRandom(seed: seed)
            centroids = (0..<nlist).map { _ in CodeFixture.unit(100, &random) }
            var members = [[Int]](repeating: [], count: nlist)
            for row in 0..<rowCount {
                let center = centroids[row % nlist]
                let noise = CodeFixture.unit(100, &random)
                rows.append(CodeFixture.normalised(zip(center, noise).map { $0 + 0.9 * $1 }))
                members[row % nlist].append(row)
                if isDoubled, row % 3 != 0 { members[(row + 1) % nlist].append(row) }
            }
            for (list, members) in members.enumerated() {
                ordinals += members.map { UInt32($0) }
                starts.append(UInt32(ordinals.count))
                blocks += CodeFixture.encode(
                    members.map { [rows] in rows[$0] },
                    centroids[list],
                    rotation
                )
                blockStarts.append(
                    blockStarts[list] + UInt32(CodeBlocks.count(rows: members.count))
                )
            }
            for row in rows {
                var encoded = [UInt8](repeating: 0, count: rotation.width)
                largestError = max(
                    largestError,
                    ByteRows.encode(
                        CodeFixture.rotated(row, rotation),
                        width: rotation.width,
                        into: &encoded
                    )
                )
                bytes += encoded
            }
            memory = (
                Memory(blocks), Memory(blockStarts), Memory(starts), Memory(ordinals), Memory(bytes)
            )
            index = CentroidIndex(
                centroids: centroids.flatMap(\.self),
                nlist: nlist,
                dimension: 100,
                rotation: rotation
            )
        }

        func search(
            _ query: [Float],
            k: Int,
            nprobe: Int? = nil,
            deviations: Float = 6,
            floor: Float = -.infinity,
            patience: Int? = nil,
            tier: Kernels.Tier = Kernels.tier,
            verified: [UInt64]? = nil,
            hooks: CodeSearchHooks = CodeSearchHooks(accepts: nil, verifies: { _ in true })
        ) -> (rows: [UInt32], candidates: CodeCandidates) {
            let options = CodeSearchOptions(
                k: k,
                deviations: deviations,
                floor: floor,
                patience: patience
            )
            let words = verified.map { Memory($0) }
            let lists = CodedLists(
                blocks: memory.blocks.start,
                blockStarts: memory.blockStarts.start,
                starts: memory.starts.start,
                ordinals: memory.ordinals.start,
                firstRow: 0,
                hasDuplicates: true
            )
            var table = table
            table.verified = words.map { UnsafeRawPointer($0.start) }
            return query.withUnsafeBufferPointer {
                let prepared = CodeQuery($0, rotation: rotation, tier: tier)
                let found = prepared.search(
                    lists,
                    rows: table,
                    ranking: prepared.nearest(
                        in: CentroidCodes(centroids.flatMap(\.self), rotation: rotation),
                        count: nprobe ?? centroids.count
                    ),
                    options: options,
                    hooks: hooks,
                    tier: tier
                )
                return (Array(found.rows), found)
            }
        }

        func exact(
            _ query: [Float],
            k: Int,
            where admits: (Int) -> Bool = { _ in true }
        ) -> [UInt32] {
            rows.indices.filter(admits)
                .map { (CodeFixture.dot(query, rows[$0]), $0) }
                .sorted { $0.0 > $1.0 }.prefix(k).map { UInt32($0.1) }
        }
    }

    private func queries(_ lists: Lists, count: Int, seed: UInt64) -> [[Float]] {
        var random = SeededRandom(seed: seed)
        return (0..<count).map { number in
            CodeFixture.normalised(
                zip(lists.centroids[number % lists.centroids.count], CodeFixture.unit(100, &random))
                    .map { $0 + $1 }
            )
        }
    }

    @Test(arguments: [1, 10, 100, 900])
    func `the k nearest are among the candidates, none twice, on every tier`(k: Int) {
        let lists = Lists(rowCount: 800, nlist: 9, isDoubled: true, seed: 5)
        for query in queries(lists, count: 20, seed: 6) {
            let (rows, candidates) = lists.search(query, k: k)
            #expect(!candidates.isFailed)
            #expect(Set(rows).count == rows.count, "no row twice")
            #expect(Set(rows).isSuperset(of: lists.exact(query, k: k)))
            #expect(k > 100 || rows.count < k + 40, "\(rows.count) candidates for \(k)")
            for tier in Kernels.Tier.allCases where tier.isSupported {
                let (other, found) = lists.search(query, k: k, tier: tier)
                #expect(other == rows, "\(tier)")
                #expect(found.byteRows == candidates.byteRows && found.codes == candidates.codes)
            }
        }
    }

    @Test func `few deviations look at few byte rows`() {
        let lists = Lists(rowCount: 4_000, nlist: 16, isDoubled: true, seed: 7)
        for query in queries(lists, count: 10, seed: 8) {
            let (_, wide) = lists.search(query, k: 10, deviations: 4)
            let (_, narrow) = lists.search(query, k: 10, nprobe: 4, deviations: 1.3)
            #expect(narrow.byteRows < wide.byteRows)
            #expect(narrow.lists == 4 && wide.lists == 16)
            #expect(narrow.codes < wide.codes)
        }
    }

    @Test func `a search ends after so many lists that changed nothing`() {
        let lists = Lists(rowCount: 4_000, nlist: 64, isDoubled: true, seed: 17)
        var early = 0
        for query in queries(lists, count: 30, seed: 18) {
            for patience in [1, 3, 8] {
                let (rows, found) = lists.search(query, k: 10, patience: patience)
                let best = { (nprobe: Int) in
                    let (rows, _) = lists.search(query, k: 10, nprobe: nprobe)
                    let known = Set(rows.map { Int($0) })
                    return lists.exact(query, k: 10) { known.contains($0) }
                }
                #expect(Set(rows).isSuperset(of: best(found.lists)), "of the lists that it visited")
                guard found.lists < 64 else { continue }
                early += 1
                #expect(best(found.lists - patience) == best(found.lists))
                for tier in Kernels.Tier.allCases where tier.isSupported {
                    let (other, same) = lists.search(query, k: 10, patience: patience, tier: tier)
                    #expect(other == rows && same.lists == found.lists, "\(tier)")
                }
            }
        }
        #expect(early > 60)
        for query in queries(lists, count: 5, seed: 19) {
            let (_, found) = lists.search(query, k: 4_000, patience: 1)
            #expect(found.lists == 64, "fewer than k were found all along")
        }
    }

    @Test func `rows that are refused do not count, and do not stand in the way`() {
        let lists = Lists(rowCount: 800, nlist: 9, isDoubled: true, seed: 15)
        for query in queries(lists, count: 20, seed: 16) {
            let hooks = CodeSearchHooks(accepts: { $0 % 5 == 0 }, verifies: { _ in true })
            let (rows, _) = lists.search(query, k: 10, hooks: hooks)
            #expect(rows.allSatisfy { $0 % 5 == 0 })
            #expect(Set(rows).isSuperset(of: lists.exact(query, k: 10) { $0 % 5 == 0 }))
        }
    }

    @Test func `a floor leaves out what is below it and nothing above`() {
        let lists = Lists(rowCount: 800, nlist: 9, isDoubled: false, seed: 25)
        for query in queries(lists, count: 20, seed: 26) {
            let floor = Float(0.5)
            let above = lists.rows.indices.filter {
                CodeFixture.dot(query, lists.rows[$0]) > Double(floor)
            }
            let (rows, _) = lists.search(query, k: 800, floor: floor)
            #expect(Set(rows.map { Int($0) }).isSuperset(of: above))
            #expect(rows.allSatisfy { CodeFixture.dot(query, lists.rows[Int($0)]) > 0.45 })
        }
    }

    @Test func `byte rows are verified before they are read, and one that fails ends the search`() {
        let lists = Lists(rowCount: 2_000, nlist: 9, isDoubled: false, seed: 35)
        let query = queries(lists, count: 1, seed: 36)[0]
        let blocks = lists.bytes.count / 65_536 + 1
        #expect(blocks > 2)
        var asked: Set<Int> = []
        let believes = CodeSearchHooks(accepts: nil) { row in
            asked.insert(Int(row) * lists.rotation.width / 65_536)
            return true
        }
        let unverified = [UInt64](repeating: 0, count: 1)
        let (rows, found) = lists.search(query, k: 10, verified: unverified, hooks: believes)
        #expect(rows == lists.search(query, k: 10).rows && !found.isFailed)
        #expect(!asked.isEmpty)
        asked = []
        _ = lists.search(query, k: 10, verified: [.max], hooks: believes)
        #expect(asked.isEmpty, "what was verified is not asked about again")
        let doubts = CodeSearchHooks(accepts: nil, verifies: { _ in false })
        let (_, doubted) = lists.search(query, k: 10, verified: unverified, hooks: doubts)
        #expect(doubted.isFailed)
        #expect(lists.search(query, k: 10).rows == rows, "a failed search leaves nothing behind")
    }

    @Test func `rows by their bytes alone are as good`() {
        let lists = Lists(rowCount: 777, nlist: 3, isDoubled: false, seed: 45)
        for query in queries(lists, count: 10, seed: 46) {
            let rows = query.withUnsafeBufferPointer {
                let found = CodeQuery($0, rotation: lists.rotation).search(
                    rows: lists.table,
                    ordinals: 100..<700,
                    options: CodeSearchOptions(k: 10, deviations: 0, floor: -.infinity),
                    hooks: CodeSearchHooks(accepts: nil, verifies: { _ in true })
                )
                #expect(found.byteRows == 600)
                return Array(found.rows)
            }
            let wanted = lists.exact(query, k: 10) { (100..<700).contains($0) }
            #expect(Set(rows).isSuperset(of: wanted))
            #expect(rows.allSatisfy { (100..<700).contains($0) })
        }
    }
}

/// Elements that stay where they are.
private final class Memory<Element> {
    let start: UnsafePointer<Element>

    init(_ elements: [Element]) {
        let target = UnsafeMutablePointer<Element>.allocate(capacity: elements.count)
        for (place, element) in elements.enumerated() {
            (target + place).initialize(to: element)
        }
        start = UnsafePointer(target)
    }

    deinit { start.deallocate() }
}
