import StorageIO

/// Everything of a centroid file but the centroids: what is where.
struct CentroidDirectory: Sendable {
    /// One table of the file.
    struct Table: Sendable {
        /// The partition's key, or nil for the whole collection.
        var partition: String?
        var nlist: Int
        var trainedRowCount: UInt64
        /// Of the centroids in the file.
        var offset: UInt64
        var calibration: RecallCurve
    }

    var generation: UInt64
    var collectionID: UInt32
    var dimension: Int
    var seed: UInt64
    var tables: [Table]

    init(_ set: CentroidSet) {
        generation = set.generation
        collectionID = set.collectionID
        dimension = set.dimension
        seed = set.seed
        tables = set.tables.map { table in
            Table(
                partition: table.isGlobal ? nil : table.partition,
                nlist: table.nlist,
                trainedRowCount: table.trainedRowCount,
                offset: 0,
                calibration: table.calibration
            )
        }
        // The offsets are as wide whatever they are, so the length is known before they are.
        var next = CentroidLayout.aligned(
            UInt64(encode(storeUUID: [UInt8](repeating: 0, count: 16)).count)
        )
        for index in tables.indices {
            tables[index].offset = next
            next += CentroidLayout.aligned(UInt64(tables[index].nlist * dimension * 4))
        }
    }

    /// Header and directory, padded.
    func encode(storeUUID: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(CentroidLayout.magicValue)
        writer.write(CentroidLayout.majorVersion)
        writer.write(CentroidLayout.minorVersion)
        writer.write(UInt32(0))
        writer.write(raw: storeUUID)
        writer.write(generation)
        writer.write(collectionID)
        writer.write(UInt32(dimension))
        writer.write(seed)
        writer.write(UInt32(tables.count))
        writer.write(UInt32(0))
        for table in tables { table.encode(into: &writer) }
        writer.patch(UInt32(writer.count), at: CentroidLayout.directoryByteCount)
        writer.pad(to: CentroidLayout.alignment)
        return writer.bytes
    }

    // MARK: - Reading

    /// Reads header and directory of a file of `byteCount` bytes.
    ///
    /// - Parameter storeUUID: The store that it must belong to.
    static func read(
        _ file: any StorageFile,
        label: String,
        byteCount: UInt64,
        storeUUID: [UInt8]
    ) throws(LoadError) -> CentroidDirectory {
        let head = try loading { () throws(StorageIOError) in
            try file.readBytes(count: CentroidLayout.headerByteCount, at: 0)
        }
        let length = try parse(head, label: label) { (reader) throws(CorruptionError) -> UInt64 in
            _ = try reader.readBytes(count: CentroidLayout.directoryByteCount)
            return UInt64(try reader.read(UInt32.self))
        }
        guard length >= UInt64(CentroidLayout.headerByteCount), length <= byteCount else {
            throw .corruption(
                .invalidField(
                    file: label,
                    offset: UInt64(CentroidLayout.directoryByteCount),
                    field: "directory length",
                    found: String(length),
                    expected: "\(CentroidLayout.headerByteCount) to \(byteCount)"
                )
            )
        }
        let bytes = try loading { () throws(StorageIOError) in
            try file.readBytes(count: Int(length), at: 0)
        }
        return try parse(bytes, label: label) { (reader) throws(CorruptionError) in
            try CentroidDirectory(&reader, byteCount: byteCount, storeUUID: storeUUID)
        }
    }

    private static func parse<R>(
        _ bytes: [UInt8],
        label: String,
        _ body: (inout ByteReader) throws(CorruptionError) -> R
    ) throws(LoadError) -> R {
        var result: Result<R, LoadError>?
        bytes.withUnsafeBytes { buffer in
            var reader = ByteReader(buffer, file: label)
            do throws(CorruptionError) {
                result = .success(try body(&reader))
            } catch {
                result = .failure(.corruption(error))
            }
        }
        guard let result else { preconditionFailure("parsing returned nothing") }
        return try result.get()
    }

    private init(
        _ reader: inout ByteReader,
        byteCount: UInt64,
        storeUUID: [UInt8]
    ) throws(CorruptionError) {
        try WholeFile.checkHead(
            &reader,
            magic: CentroidLayout.magicValue,
            major: CentroidLayout.majorVersion,
            minor: CentroidLayout.minorVersion,
            storeUUID: storeUUID
        )
        generation = try reader.read()
        collectionID = try reader.read()
        let foundDimension: UInt32 = try reader.read()
        guard (1...UInt32(CollectionConfiguration.maximumDimension)).contains(foundDimension) else {
            throw reader.invalid(
                "dimension",
                found: String(foundDimension),
                expected: "1 to 16000",
                at: UInt64(CentroidLayout.dimension)
            )
        }
        dimension = Int(foundDimension)
        seed = try reader.read()
        let tableCount: UInt32 = try reader.read()
        _ = try reader.read(UInt32.self)
        tables = []
        for _ in 0..<tableCount {
            tables.append(try Table(&reader, dimension: dimension, byteCount: byteCount))
        }
        guard reader.remaining == 0 else {
            throw reader.invalid(
                "directory",
                found: "\(reader.remaining) bytes more",
                expected: "its end"
            )
        }
        try checkPlaces(reader, byteCount: byteCount)
    }

    /// Tables lie one after another and fill the file.
    private func checkPlaces(
        _ reader: ByteReader,
        byteCount: UInt64
    ) throws(CorruptionError) {
        var next = CentroidLayout.aligned(reader.offset)
        for table in tables {
            guard table.offset == next else {
                throw reader.invalid(
                    "place of centroids",
                    found: String(table.offset),
                    expected: String(next)
                )
            }
            next += CentroidLayout.aligned(UInt64(table.nlist * dimension * 4))
        }
        guard next + 4 == byteCount else {
            throw reader.invalid(
                "length of the file",
                found: String(byteCount),
                expected: String(next + 4)
            )
        }
    }

    /// Compares with what the manifest and the collection say.
    func check(
        _ entry: CentroidFileEntry,
        dimension: Int,
        label: String
    ) throws(CorruptionError) {
        func differs(
            _ field: String,
            _ offset: Int,
            _ found: UInt64,
            _ expected: UInt64
        )
            -> CorruptionError
        {
            .invalidField(
                file: label,
                offset: UInt64(offset),
                field: field,
                found: String(found),
                expected: String(expected)
            )
        }
        guard generation == entry.generation else {
            throw differs(
                "generation",
                CentroidLayout.generation,
                generation,
                entry.generation
            )
        }
        guard collectionID == entry.collectionID else {
            throw differs(
                "collection",
                CentroidLayout.collectionID,
                UInt64(collectionID),
                UInt64(entry.collectionID)
            )
        }
        guard self.dimension == dimension else {
            throw differs(
                "dimension",
                CentroidLayout.dimension,
                UInt64(self.dimension),
                UInt64(dimension)
            )
        }
    }
}

extension CentroidDirectory.Table {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.write(partition == nil ? CentroidLayout.isGlobal : 0)
        writer.write(string: partition ?? "")
        writer.write(UInt32(nlist))
        writer.write(trainedRowCount)
        writer.write(offset)
        calibration.encode(into: &writer)
    }

    fileprivate init(
        _ reader: inout ByteReader,
        dimension: Int,
        byteCount: UInt64
    ) throws(CorruptionError) {
        let start = reader.offset
        let flags: UInt32 = try reader.read()
        let key = try reader.readString()
        guard flags <= CentroidLayout.isGlobal, flags == 0 || key.isEmpty else {
            throw reader.invalid(
                "table flags",
                found: String(flags),
                expected: "0, or 1 without a key",
                at: start
            )
        }
        partition = flags == CentroidLayout.isGlobal ? nil : key
        let nlistOffset = reader.offset
        let lists: UInt32 = try reader.read()
        guard lists > 0, UInt64(lists) * UInt64(dimension) * 4 <= byteCount else {
            throw reader.invalid(
                "nlist",
                found: String(lists),
                expected: "what the file can hold",
                at: nlistOffset
            )
        }
        nlist = Int(lists)
        trainedRowCount = try reader.read()
        offset = try reader.read()
        calibration = try RecallCurve(&reader, nlist: nlist)
    }
}
