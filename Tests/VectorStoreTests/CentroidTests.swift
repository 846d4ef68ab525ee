import StorageIO
import Testing
import VectorMath

@testable import VectorStore

@Suite struct `Centroid file` {
    private let uuid = [UInt8](repeating: 4, count: 16)

    private var set: CentroidSet {
        let curve = RecallCurve(
            nlist: 3,
            curves: [
                RecallCurve.Curve(
                    k: 10,
                    points: [
                        RecallCurve.Point(nprobe: 1, recall: 0.5),
                        RecallCurve.Point(nprobe: 3, recall: 1),
                    ]
                )
            ]
        )
        return CentroidSet(
            generation: 6,
            collectionID: 2,
            dimension: 5,
            seed: 99,
            tables: [
                CentroidTable(
                    partition: nil,
                    nlist: 3,
                    centroids: (0..<15).map { Float($0) / 7 },
                    trainedRowCount: 1_000,
                    calibration: curve
                ),
                CentroidTable(
                    partition: "ada",
                    nlist: 1,
                    centroids: [1, 2, 3, 4, 5],
                    trainedRowCount: 12,
                    calibration: .exact(nlist: 1)
                ),
                CentroidTable(
                    partition: "",
                    nlist: 1,
                    centroids: [5, 4, 3, 2, 1],
                    trainedRowCount: 3,
                    calibration: .exact(nlist: 1)
                ),
            ]
        )
    }

    private func load(
        _ entry: CentroidFileEntry,
        dimension: Int = 5,
        uuid: [UInt8]? = nil,
        from fileSystem: CrashingFileSystem
    ) throws(LoadError) -> CentroidSet {
        try CentroidFile.load(
            entry,
            storeUUID: uuid ?? self.uuid,
            dimension: dimension,
            directory: "idx",
            fileSystem: fileSystem
        )
    }

    private func write(
        _ set: CentroidSet,
        to fileSystem: CrashingFileSystem
    ) throws
        -> CentroidFileEntry
    {
        try CentroidFile.write(set, storeUUID: uuid, directory: "idx", fileSystem: fileSystem)
    }

    @Test func `a set is read back as it was`() throws {
        let fileSystem = CrashingFileSystem()
        let entry = try write(set, to: fileSystem)
        #expect(try load(entry, from: fileSystem) == set)
        #expect(fileSystem.paths == ["idx/00000000000000000006.cent"])
    }

    @Test func `a set without tables is read back`() throws {
        var empty = set
        empty.tables = []
        let fileSystem = CrashingFileSystem()
        #expect(try load(try write(empty, to: fileSystem), from: fileSystem) == empty)
    }

    @Test func `a flipped byte and every cut are refused`() throws {
        let fileSystem = CrashingFileSystem()
        let entry = try write(set, to: fileSystem)
        let path = "idx/" + CentroidFile.name(generation: 6)
        let bytes = fileSystem.bytes(path)
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0x20
            fileSystem.put(path, damaged)
            #expect(throws: LoadError.self, "byte \(index)") { try load(entry, from: fileSystem) }
            fileSystem.put(path, Array(bytes[..<index]))
            #expect(throws: LoadError.self) { try load(entry, from: fileSystem) }
        }
    }

    @Test func `nonsense under a right checksum is refused without a trap`() throws {
        let fileSystem = CrashingFileSystem()
        var entry = try write(set, to: fileSystem)
        let path = "idx/" + CentroidFile.name(generation: 6)
        let bytes = fileSystem.bytes(path)
        var refused = 0
        for index in 0..<256 {
            var damaged = Array(bytes.dropLast(4))
            damaged[index] = 0xFF
            entry.checksum = CRC32C.checksum(damaged)
            var writer = ByteWriter()
            writer.write(raw: damaged)
            writer.write(entry.checksum)
            fileSystem.put(path, writer.bytes)
            do throws(LoadError) { _ = try load(entry, from: fileSystem) } catch { refused += 1 }
        }
        #expect(refused > 128)
    }

    @Test func `a set of another store, dimension, collection or generation is refused`() throws {
        let fileSystem = CrashingFileSystem()
        let entry = try write(set, to: fileSystem)
        #expect(throws: LoadError.self) {
            try load(entry, uuid: [UInt8](repeating: 5, count: 16), from: fileSystem)
        }
        #expect(throws: LoadError.self) { try load(entry, dimension: 6, from: fileSystem) }
        var other = entry
        other.collectionID = 3
        #expect(throws: LoadError.self) { try load(other, from: fileSystem) }
        other = entry
        other.generation = 7
        fileSystem.put(
            "idx/" + CentroidFile.name(generation: 7),
            fileSystem.bytes("idx/" + CentroidFile.name(generation: 6))
        )
        #expect(throws: LoadError.self) { try load(other, from: fileSystem) }
    }
}

@Suite struct `Recall curve` {
    private let curve = RecallCurve(
        nlist: 256,
        curves: [
            (1, [0.5, 0.7, 0.9, 0.99]), (10, [0.4, 0.6, 0.8, 0.95]), (100, [0.2, 0.4, 0.6, 0.8]),
        ].map { k, recalls in
            RecallCurve.Curve(
                k: UInt32(k),
                points: zip([1, 4, 16, 64], recalls).map { nprobe, recall in
                    RecallCurve.Point(nprobe: UInt32(nprobe), recall: Float(recall))
                }
            )
        }
    )

    @Test func `measured points are met exactly`() {
        #expect(curve.nprobe(forTarget: 0.9, k: 1) == 16)
        #expect(curve.nprobe(forTarget: 0.8, k: 10) == 16)
        #expect(abs(curve.recall(nprobe: 64, k: 100) - 0.8) < 1e-6)
    }

    @Test(arguments: [1, 2, 5, 10, 31, 100, 5_000])
    func `the chosen nprobe reaches its target and one less does not`(k: Int) {
        var last = 0
        for target in stride(from: 0.05, to: 1, by: 0.01) {
            let nprobe = curve.nprobe(forTarget: target, k: k)
            #expect(curve.recall(nprobe: nprobe, k: k) >= target - 1e-5)
            if nprobe > 1 { #expect(curve.recall(nprobe: nprobe - 1, k: k) < target) }
            #expect(nprobe >= last)
            last = nprobe
        }
    }

    @Test func `between two measured k the recall lies half-way on a logarithmic scale`() {
        let middle = curve.recall(nprobe: 16, k: 32)
        let share = 0.5 * (0.8 + 0.6)
        #expect(abs(middle - share) < 0.005)
        #expect(curve.nprobe(forTarget: 0.8, k: 32) > curve.nprobe(forTarget: 0.8, k: 10))
    }

    @Test(arguments: [1.0, 1.5])
    func `a target of one asks for all lists`(target: Double) {
        #expect(curve.nprobe(forTarget: target, k: 10) == 256)
        #expect(curve.recall(nprobe: 256, k: 10) == 1)
    }

    @Test func `without measurements every target asks for all lists`() {
        let exact = RecallCurve.exact(nlist: 40)
        #expect(exact.nprobe(forTarget: 0.1, k: 1) == 40)
        #expect(exact.recall(nprobe: 39, k: 1) == 0)
        #expect(exact.recall(nprobe: 40, k: 1) == 1)
    }

    @Test func `a dip in the measurements is levelled`() {
        let dip = RecallCurve(
            nlist: 8,
            curves: [
                RecallCurve.Curve(
                    k: 10,
                    points: [
                        RecallCurve.Point(nprobe: 1, recall: 0.9),
                        RecallCurve.Point(nprobe: 4, recall: 0.8),
                    ]
                )
            ]
        )
        #expect(abs(dip.recall(nprobe: 4, k: 10) - 0.9) < 1e-6)
    }

    @Test(arguments: [1, 2, 7, 8, 9, 100, 2_208])
    func `the grid grows from one list to all`(nlist: Int) {
        let grid = RecallCurve.grid(nlist: nlist)
        #expect(grid.first == 1 && grid.last == nlist)
        #expect(zip(grid, grid.dropFirst()).allSatisfy { $0 < $1 })
        #expect(grid.count < 60)
        // No step of what a search believes lies between two of its values.
        for (low, high) in zip(grid, grid.dropFirst()) where high > low + 1 {
            let below = CodeDeviations.probed(nprobe: low, nlist: nlist)
            #expect(below == CodeDeviations.probed(nprobe: high - 1, nlist: nlist))
        }
    }
}
