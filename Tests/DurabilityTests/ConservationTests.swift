import StorageIO
import Synchronization
import TestSupport
import Testing

@testable import VectorStore

@Suite struct `Rows are conserved` {
    /// What becomes of the plan of a compaction between its making and its publication.
    enum Mishap: CaseIterable {
        case none, firstLost, lastLost, reordered
    }

    /// A store with two segments.
    private func makeStore(
        _ disk: SimulatedFileSystem
    ) async throws -> (StoreCore, CollectionState) {
        let store = try VectorDatabase.open(
            at: "/data",
            options: FaultRun.options,
            fileSystem: disk
        )
        let collection = try await store.createCollection("c", dimension: 4)
        for part in 0..<2 {
            try await collection.upsert(
                (0..<8).map {
                    Record(
                        id: .integer(UInt64(part * 8 + $0)),
                        vector: [1, Float($0), Float(part), 2],
                        payload: String(repeating: "p", count: $0)
                    )
                }
            )
            try await collection.flush()
        }
        try await store.close()
        let opening = StoreOpening(fileSystem: disk, root: "/data", options: FaultRun.options)
        let core = try opening.open()
        return (core, try #require(core.collection(named: "c")))
    }

    @Test(arguments: Mishap.allCases)
    func `what goes into a segment comes out of it, or nothing is published`(
        _ mishap: Mishap
    ) async throws {
        let disk = SimulatedFileSystem()
        let (core, collection) = try await makeStore(disk)
        let live = try #require(collection.live)
        let replacement = SegmentReplacement(inputs: live.segments.map { .segment($0) })
        let planner = RowPlanner(
            configuration: live.configuration,
            sources: replacement.inputs.map(\.store),
            generation: nil,
            threads: 1
        )
        var rows = replacement.rows
        switch mishap {
        case .none: break
        case .firstLost: rows.removeFirst()
        case .lastLost: rows.removeLast()
        case .reordered: rows.swapAt(2, 3)  // The order is free.
        }
        let plan = try #require(try planner.plan(rows) { _ in true })
        let built = try #require(
            try SegmentBuild(core: core, collection: collection).write(
                plan,
                sources: replacement.inputs.map(\.store),
                generation: nil
            ) { _ in true }
        )
        let output = SegmentSwap.Output(
            plan: plan,
            segment: built.segment,
            description: built.description
        )
        let before = core.writing.withLock { $0.manifest }
        do {
            try SegmentSwap(core: core, collection: collection).publish(
                replacement,
                output: output,
                persisted: [:]
            )
            #expect(mishap == .none || mishap == .reordered, "\(mishap) was published")
            #expect(collection.live?.segments.count == 1)
        } catch {
            #expect(error.code == .corrupt && mishap != .none && mishap != .reordered, "\(error)")
            #expect(core.writing.withLock { $0.manifest } == before)
            #expect(core.poison != nil, "the store goes on after it lost a row")
        }
        core.directoryLock.release()
    }

    @Test func `as many rows, but other ones, are noticed too`() async throws {
        let (core, collection) = try await makeStore(SimulatedFileSystem())
        let segments = try #require(collection.live).segments
        try #require(segments.count == 2 && segments[0].segment.rowCount == 8)
        let replacement = SegmentReplacement(inputs: [.segment(segments[0])])
        try replacement.checkConservation(in: segments[0].segment, stopping: core)
        #expect(core.poison == nil)
        let error = #expect(throws: VectorStoreError.self) {
            try replacement.checkConservation(in: segments[1].segment, stopping: core)
        }
        #expect(error?.code == .corrupt && core.poison != nil)
        core.directoryLock.release()
    }

    @Test func `the sum tells rows apart that differ in one thing`() throws {
        func sum(_ rows: [StoredRow], lsn: UInt64 = 1) throws -> ConservationHash {
            let memtable = Memtable(dimension: 2)
            for (index, row) in rows.enumerated() {
                _ = memtable.append(row, lsn: lsn + UInt64(index))
            }
            var hash = ConservationHash()
            for index in rows.indices { try hash.add(memtable, index) }
            return hash
        }
        func row(
            _ id: UInt64,
            _ x: Float,
            payload: String? = nil,
            partition: String = ""
        )
            -> StoredRow
        {
            StoredRow(
                id: .integer(id),
                partition: partition,
                vector: [x, 1],
                attributes: [],
                payload: payload.map { Array($0.utf8) }
            )
        }
        let base = try sum([row(1, 0.5), row(2, 0.25)])
        #expect(base == (try sum([row(1, 0.5), row(2, 0.25)])))
        #expect(base != (try sum([row(1, 0.25), row(2, 0.5)])))
        #expect(base != (try sum([row(1, 0.5), row(3, 0.25)])))
        #expect(base != (try sum([row(1, 0.5)])))
        #expect(base != (try sum([row(1, 0.5), row(2, 0.25)], lsn: 2)))
        #expect(base != (try sum([row(1, 0.5, payload: ""), row(2, 0.25)])))
        #expect(base != (try sum([row(1, 0.5, partition: "a"), row(2, 0.25)])))
    }
}
