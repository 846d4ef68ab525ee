/// Compares a server's answer with an exact scan of the fixture, in double precision.
struct LectureCheck {
    /// Similarities nearer than this are a tie: either record may stand at that rank.
    static let tie = 1e-6
    /// How far a similarity in an answer, computed in float32, may be from the exact one.
    static let rounding = 1e-5

    private let fixtures: LectureFixtures
    private let rows: [String: Int]

    /// Prepares the comparison.
    init(_ fixtures: LectureFixtures) {
        self.fixtures = fixtures
        rows = Dictionary(
            fixtures.chunks.map { ($0.id, $0.row) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// What is wrong with the `limit` nearest records of `creator`, or nil when all is well.
    func problem(
        in matches: [QueryClient.Match],
        query row: Int,
        creator: String,
        limit: Int
    ) -> String? {
        let query = fixtures.queryVectors[row]
        let truth = fixtures.chunks.filter { $0.creatorID == creator }
            .map { fixtures.chunkVectors.similarity(row: $0.row, query: query) }
            .sorted(by: >)
            .prefix(limit)
        guard matches.count == truth.count else {
            return "\(matches.count) matches, \(truth.count) expected"
        }
        guard Set(matches.map(\.id)).count == matches.count else {
            return "a record was returned twice"
        }
        for (rank, (match, expected)) in zip(matches, truth).enumerated() {
            guard let chunkRow = rows[match.id] else {
                return "rank \(rank + 1): \(match.id) is not in the fixture"
            }
            let chunk = fixtures.chunks[chunkRow]
            guard chunk.creatorID == creator, match.partition == creator else {
                return "rank \(rank + 1): \(match.id) belongs to \(chunk.creatorID)"
            }
            guard chunk.videoID == match.attributes.videoID else {
                return "rank \(rank + 1): \(match.id) is of another lecture, \(chunk.videoID)"
            }
            let exact = fixtures.chunkVectors.similarity(row: chunkRow, query: query)
            guard abs(exact - expected) <= Self.tie else {
                return "rank \(rank + 1): similarity \(exact) where an exact scan finds \(expected)"
            }
            guard abs(match.similarity - exact) <= Self.rounding else {
                return "rank \(rank + 1): similarity \(match.similarity) reported, \(exact) exact"
            }
        }
        return nil
    }
}
