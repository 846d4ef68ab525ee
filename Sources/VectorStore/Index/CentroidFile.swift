package import StorageIO

/// What a manifest says of a centroid file.
package struct CentroidFileEntry: Sendable, Hashable {
    package var generation: UInt64
    package var collectionID: UInt32
    package var byteCount: UInt64
    package var checksum: UInt32

    package init(generation: UInt64, collectionID: UInt32, byteCount: UInt64, checksum: UInt32) {
        self.generation = generation
        self.collectionID = collectionID
        self.byteCount = byteCount
        self.checksum = checksum
    }
}

/// Centroid sets as immutable files.
package enum CentroidFile {
    package static func name(generation: UInt64) -> String {
        NumberedName.make(generation, suffix: ".cent")
    }

    /// Writes a set and makes it durable; nothing names it yet.
    package static func write(
        _ set: CentroidSet, storeUUID: [UInt8], directory: String, fileSystem: any FileSystem
    ) throws(StorageIOError) -> CentroidFileEntry {
        var writer = ByteWriter()
        writer.write(CentroidLayout.magicValue)
        writer.write(CentroidLayout.majorVersion)
        writer.write(CentroidLayout.minorVersion)
        writer.write(UInt32(0))
        writer.write(raw: storeUUID)
        writer.write(set.generation)
        writer.write(set.collectionID)
        writer.write(UInt32(set.dimension))
        writer.write(set.seed)
        writer.write(UInt32(set.tables.count))
        for table in set.tables { encode(table, into: &writer) }
        let checksum = CRC32C.checksum(writer.bytes)
        writer.write(checksum)
        try AtomicFileWriter.write(
            writer.bytes, name: name(generation: set.generation), directory: directory,
            fileSystem: fileSystem)
        return CentroidFileEntry(
            generation: set.generation, collectionID: set.collectionID,
            byteCount: UInt64(writer.count), checksum: checksum)
    }

    private static func encode(_ table: CentroidTable, into writer: inout ByteWriter) {
        writer.write(UInt8(table.isGlobal ? 1 : 0))
        writer.write(string: table.partition ?? "")
        writer.write(UInt32(table.nlist))
        writer.write(table.trainedRowCount)
        writer.write(UInt32(table.calibration.curves.count))
        for curve in table.calibration.curves {
            writer.write(curve.k)
            writer.write(UInt32(curve.points.count))
            for point in curve.points {
                writer.write(point.nprobe)
                writer.write(point.recall)
            }
        }
        writer.pad(to: 64)
        writer.write(floats: table.centroids)
    }

    /// Reads a set and checks it against what the manifest says of it.
    package static func load(
        _ entry: CentroidFileEntry, storeUUID: [UInt8], dimension: Int, directory: String,
        fileSystem: any FileSystem
    ) throws(LoadError) -> CentroidSet {
        let name = name(generation: entry.generation)
        let bytes = try WholeFile.read(
            directory + "/" + name, name: "idx/" + name, expected: entry.byteCount,
            fileSystem: fileSystem)
        do throws(CorruptionError) {
            try WholeFile.checkTrailingChecksum(
                bytes, file: "idx/" + name, expected: entry.checksum)
            return try decode(
                bytes, file: "idx/" + name, entry: entry, storeUUID: storeUUID,
                dimension: dimension)
        } catch {
            throw .corruption(error)
        }
    }

    private static func decode(
        _ bytes: [UInt8], file: String, entry: CentroidFileEntry, storeUUID: [UInt8],
        dimension: Int
    ) throws(CorruptionError) -> CentroidSet {
        var result: Result<CentroidSet, CorruptionError>?
        bytes.withUnsafeBytes { buffer in
            var reader = ByteReader(UnsafeRawBufferPointer(rebasing: buffer.dropLast(4)), file: file)
            do throws(CorruptionError) {
                result = .success(
                    try decode(
                        &reader, entry: entry, storeUUID: storeUUID, dimension: dimension))
            } catch {
                result = .failure(error)
            }
        }
        guard let result else { preconditionFailure("decoding returned nothing") }
        return try result.get()
    }

    private static func decode(
        _ reader: inout ByteReader, entry: CentroidFileEntry, storeUUID: [UInt8], dimension: Int
    ) throws(CorruptionError) -> CentroidSet {
        try WholeFile.checkHead(
            &reader, magic: CentroidLayout.magicValue, major: CentroidLayout.majorVersion,
            minor: CentroidLayout.minorVersion, storeUUID: storeUUID)
        try reader.expect("generation", entry.generation)
        try reader.expect("collection id", entry.collectionID)
        try reader.expect("dimension", UInt32(dimension))
        let seed: UInt64 = try reader.read()
        var tables: [CentroidTable] = []
        for _ in 0..<(try reader.read(UInt32.self)) {
            tables.append(try decodeTable(&reader, dimension: dimension))
        }
        guard reader.remaining == 0 else {
            throw reader.invalid(
                "centroid set", found: "\(reader.remaining) bytes more", expected: "its end")
        }
        return CentroidSet(
            generation: entry.generation, collectionID: entry.collectionID, dimension: dimension,
            seed: seed, tables: tables)
    }

    private static func decodeTable(
        _ reader: inout ByteReader, dimension: Int
    ) throws(CorruptionError) -> CentroidTable {
        let isGlobal: UInt8 = try reader.read()
        let partition = try reader.readString()
        let nlist: UInt32 = try reader.read()
        guard (1...UInt32(CentroidLayout.maximumNlist)).contains(nlist) else {
            throw reader.invalid(
                "nlist", found: String(nlist), expected: "1 to \(CentroidLayout.maximumNlist)")
        }
        let trained: UInt64 = try reader.read()
        var curves: [RecallCurve.Curve] = []
        for _ in 0..<(try reader.read(UInt32.self)) {
            let k: UInt32 = try reader.read()
            var points: [RecallCurve.Point] = []
            for _ in 0..<(try reader.read(UInt32.self)) {
                points.append(
                    RecallCurve.Point(
                        nprobe: try reader.read(),
                        recall: Float(bitPattern: try reader.read(UInt32.self))))
            }
            curves.append(RecallCurve.Curve(k: k, points: points))
        }
        let rest = Int(reader.offset % 64)
        if rest != 0 { try reader.skipZeros(64 - rest) }
        return CentroidTable(
            partition: isGlobal == 1 ? nil : partition, nlist: Int(nlist),
            centroids: try reader.readFloats(count: Int(nlist) * dimension),
            trainedRowCount: trained,
            calibration: RecallCurve(nlist: Int(nlist), curves: curves))
    }
}
