import StorageIO
import TestSupport
import Testing
import VectorMath

@testable import VectorStore

@Suite struct `Rows held out of training` {
    private static let (dimension, count) = (32, 9_000)

    private func vector(_ row: Int, isMoved: Bool = false) -> [Float] {
        var random = SeededRandom(seed: UInt64(row) &+ (isMoved ? 7_000_000 : 1_000_000))
        return (0..<Self.dimension).map { _ in Float.random(in: -1...1, using: &random) }
    }

    /// The centroids of a collection in which the rows that `moves` names are others.
    private func centroids(moving moves: (Int) -> Bool) async throws -> [Float] {
        let directory = ScratchDirectory()
        var options = StoreOptions()
        options.automaticIndexing = false
        options.minimumIndexedRowCount = 2_048
        let store = try await VectorDatabase.open(at: directory.path, options: options)
        let collection = try await store.createCollection("c", dimension: Self.dimension)
        try await collection.upsert(
            (0..<Self.count).map {
                Record(id: .integer(UInt64($0)), vector: vector($0, isMoved: moves($0)))
            }
        )
        try await collection.rebuildIndex()
        let live = try #require(collection.state.live)
        let table = try #require(live.index?.set.tables.first)
        #expect(table.trainedRowCount == UInt64(Self.count))
        try await store.close()
        return table.centroids
    }

    @Test func `centroids do not depend on them`() async throws {
        let heldOut = HeldOutRows(seed: RebuildOptions().seed, rowCount: Self.count)
        let isHeldOut = { (row: Int) in heldOut.contains(.integer(UInt64(row))) }
        let before = try await centroids { _ in false }
        #expect(try await centroids(moving: isHeldOut) == before)
        let trained = try #require((0..<Self.count).first { !isHeldOut($0) })
        #expect(try await centroids { $0 == trained } != before)
    }

    @Test func `about a thousand are held out of many rows, and none of few`() {
        for rowCount in [8_192, 20_000, 100_000] {
            let rows = HeldOutRows(seed: 42, rowCount: rowCount)
            let count = (0..<rowCount).count { rows.contains(.integer(UInt64($0))) }
            #expect((900...1_150).contains(count), "\(count) of \(rowCount)")
        }
        let few = HeldOutRows(seed: 42, rowCount: 8_191)
        #expect(!(0..<8_191).contains { few.contains(.integer(UInt64($0))) })
    }

    @Test func `more rows hold out no others, and another seed does`() {
        let ids = (0..<20_000).map { RecordID.integer(UInt64($0)) }
        let small = HeldOutRows(seed: 42, rowCount: 20_000)
        let large = HeldOutRows(seed: 42, rowCount: 40_000)
        #expect(ids.allSatisfy { !large.contains($0) || small.contains($0) })
        let other = HeldOutRows(seed: 43, rowCount: 20_000)
        #expect(ids.count { small.contains($0) && other.contains($0) } < 200)
    }
}

@Suite struct `What live recall corrects` {
    private func figures(
        _ count: Int,
        calibrated: Double,
        _ recall: (Int) -> Double
    ) -> [LiveRecall.Measured] {
        (0..<count).map {
            LiveRecall.Measured(recall: recall($0), target: calibrated, calibrated: calibrated)
        }
    }

    @Test func `misses as expected correct nothing, more of them do`() {
        #expect(LiveRecall.excess(of: figures(100, calibrated: 0.9) { _ in 0.9 }) == 1)
        let worse = LiveRecall.excess(of: figures(100, calibrated: 0.9) { _ in 0.8 })
        #expect(abs(worse - 2) < 1e-9)
        #expect(LiveRecall.excess(of: figures(100, calibrated: 0.99) { _ in 0 }) == 20)
    }

    @Test func `fewer misses lower it only where chance is ruled out`() {
        // One neighbour of ten is missed in every second answer: 0.05 where 0.1 was expected.
        let half = { (place: Int) in place % 2 == 0 ? 1.0 : 0.9 }
        let many = LiveRecall.excess(of: figures(512, calibrated: 0.9, half))
        #expect(many > 0.55 && many < 0.65)
        let few = LiveRecall.excess(of: figures(128, calibrated: 0.9, half))
        #expect(few > many && few < 0.9)
        #expect(LiveRecall.excess(of: figures(64, calibrated: 0.9, half)) == 1)
        // Eight of ten in a tenth of the answers: as few are missed, but it could be chance.
        let rare = { (place: Int) in place % 16 == 0 ? 0.2 : 1.0 }
        #expect(LiveRecall.excess(of: figures(64, calibrated: 0.9, rare)) == 1)
        // Nothing missed says little where hardly anything is expected to be.
        for count in [64, 128, 256] {
            #expect(LiveRecall.excess(of: figures(count, calibrated: 0.99) { _ in 1 }) == 1)
        }
        #expect(LiveRecall.excess(of: figures(512, calibrated: 0.9) { _ in 1 }) == 0.5)
    }

    @Test func `what easy targets show does not lower strict ones`() {
        let excess = LiveRecall.Excess()
        #expect(excess.of(misses: 0.1) == 1)
        excess.set(0.5, measured: 0.2)
        #expect(excess.of(misses: 0.3) == 0.5 && excess.of(misses: 0.1) == 0.5)
        #expect(excess.of(misses: 0.05) == 1 && excess.of(misses: 0.01) == 1)
        // More lists are asked for at every target.
        excess.set(3, measured: 0.2)
        #expect(excess.of(misses: 0.01) == 3)
    }
}
