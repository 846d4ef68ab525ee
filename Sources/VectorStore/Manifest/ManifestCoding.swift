import StorageIO

extension Manifest {
    /// The whole file.
    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.write(ManifestLayout.magicValue)
        writer.write(ManifestLayout.majorVersion)
        writer.write(ManifestLayout.minorVersion)
        writer.write(UInt32(0))
        writer.write(UInt32(0))
        writer.write(UInt32(0))
        writer.write(UInt64(0))
        writer.write(raw: storeUUID)
        writer.write(number)
        writer.write(previousNumber)
        writer.write(flushedLSN)
        writer.write(nextLogSequence)
        writer.write(nextSegmentID)
        writer.write(nextGeneration)
        writer.write(nextCollectionID)
        writer.write(UInt32(logFiles.count))
        for entry in logFiles {
            writer.write(entry.sequence)
            writer.write(entry.firstLSN)
        }
        writer.write(UInt32(collections.count))
        for entry in collections { entry.encode(into: &writer) }
        writer.write(UInt32(segments.count))
        for entry in segments { entry.encode(into: &writer) }
        writer.write(UInt32(centroidSets.count))
        for entry in centroidSets {
            writer.write(entry.generation)
            writer.write(entry.collectionID)
            writer.write(entry.byteCount)
            writer.write(entry.checksum)
        }
        writer.patch(UInt64(writer.count + 4), at: ManifestLayout.byteCount)
        writer.write(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    /// Reads a whole file; `number` is the one in its name.
    init(decoding bytes: [UInt8], file: String, number: UInt64) throws(CorruptionError) {
        var result: Result<Manifest, CorruptionError>?
        bytes.withUnsafeBytes { buffer in
            do throws(CorruptionError) {
                result = .success(try Manifest.decode(buffer, file: file))
            } catch {
                result = .failure(error)
            }
        }
        guard let result else { preconditionFailure("decoding returned nothing") }
        self = try result.get()
        guard self.number == number else {
            throw .invalidField(
                file: file,
                offset: UInt64(ManifestLayout.number),
                field: "number",
                found: String(self.number),
                expected: String(number)
            )
        }
    }

    private static func decode(
        _ buffer: UnsafeRawBufferPointer,
        file: String
    ) throws(CorruptionError) -> Manifest {
        var reader = try checkedBody(buffer, file: file)
        var manifest = Manifest(storeUUID: try reader.readBytes(count: 16))
        manifest.number = try reader.readCounter("number")
        manifest.previousNumber = try reader.readCounter("number before")
        manifest.flushedLSN = try reader.readCounter("flushed LSN")
        manifest.nextLogSequence = try reader.readCounter("next log file")
        manifest.nextSegmentID = try reader.readCounter("next segment")
        manifest.nextGeneration = try reader.readCounter("next index generation")
        manifest.nextCollectionID = try reader.read()
        guard manifest.nextCollectionID < .max else {
            throw reader.invalid("next collection", found: "2^32 - 1", expected: "below it")
        }
        for _ in 0..<(try reader.read(UInt32.self)) {
            manifest.logFiles.append(
                LogEntry(
                    sequence: try reader.readCounter("log file"),
                    firstLSN: try reader.readCounter("first LSN")
                )
            )
        }
        for _ in 0..<(try reader.read(UInt32.self)) {
            manifest.collections.append(try CollectionEntry(from: &reader))
        }
        for _ in 0..<(try reader.read(UInt32.self)) {
            manifest.segments.append(try SegmentEntry(from: &reader))
        }
        for _ in 0..<(try reader.read(UInt32.self)) {
            manifest.centroidSets.append(
                CentroidEntry(
                    generation: try reader.read(),
                    collectionID: try reader.read(),
                    byteCount: try reader.read(),
                    checksum: try reader.read()
                )
            )
        }
        guard reader.remaining == 0 else {
            throw reader.invalid(
                "manifest",
                found: "\(reader.remaining) bytes more",
                expected: "its end"
            )
        }
        try manifest.checkKeys(at: reader)
        return manifest
    }

    /// Checks magic, version, flags, length and checksum; the reader stands at the store's UUID.
    private static func checkedBody(
        _ buffer: UnsafeRawBufferPointer,
        file: String
    ) throws(CorruptionError) -> ByteReader {
        var head = ByteReader(buffer, file: file)
        let magic: UInt64 = try head.read()
        guard magic == ManifestLayout.magicValue else {
            throw .badMagic(
                file: file,
                offset: 0,
                expected: ManifestLayout.magicValue,
                found: magic
            )
        }
        let major: UInt16 = try head.read()
        let minor: UInt16 = try head.read()
        guard major <= ManifestLayout.majorVersion else {
            throw .formatTooNew(
                file: file,
                found: "\(major).\(minor)",
                supported: "\(ManifestLayout.majorVersion).\(ManifestLayout.minorVersion)"
            )
        }
        let body = max(0, buffer.count - 4)
        let stored =
            buffer.count >= 4
            ? UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: body, as: UInt32.self)) : 0
        let found = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: buffer[..<body]))
        guard stored == found else {
            throw .checksumMismatch(
                file: file,
                offset: UInt64(body),
                expected: stored,
                found: found
            )
        }
        let compatible: UInt32 = try head.read()
        let readOnlyCompatible: UInt32 = try head.read()
        let incompatible: UInt32 = try head.read()
        guard incompatible == 0, readOnlyCompatible == 0 else {
            throw .formatTooNew(
                file: file,
                found: "with features \(incompatible | readOnlyCompatible)",
                supported: "without"
            )
        }
        _ = compatible
        let byteCount: UInt64 = try head.read()
        guard byteCount == UInt64(buffer.count) else {
            throw head.invalid(
                "byte count",
                found: String(byteCount),
                expected: String(buffer.count)
            )
        }
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: buffer[..<body]), file: file)
        _ = try reader.readBytes(count: ManifestLayout.storeUUID)
        return reader
    }
}

extension Manifest.CollectionEntry {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.write(id)
        writer.write(indexGeneration)
        writer.write(string: configuration.name)
        writer.write(UInt32(configuration.dimension))
        writer.write(string: configuration.metric.rawValue)
        writer.write(UInt8(configuration.partitionKey == nil ? 0 : 1))
        writer.write(string: configuration.partitionKey ?? "")
        writer.write(UInt32(configuration.attributes.count))
        for attribute in configuration.attributes {
            writer.write(string: attribute.name)
            writer.write(string: attribute.type.rawValue)
        }
    }

    fileprivate init(from reader: inout ByteReader) throws(CorruptionError) {
        let id: UInt32 = try reader.read()
        let generation: UInt64 = try reader.read()
        let name = try reader.readString()
        let dimension: UInt32 = try reader.read()
        let metricName = try reader.readString()
        guard let metric = Metric(rawValue: metricName) else {
            throw reader.invalid("metric", found: metricName, expected: "cosine")
        }
        let hasKey: UInt8 = try reader.read()
        let key = try reader.readString()
        var attributes: [AttributeDeclaration] = []
        for _ in 0..<(try reader.read(UInt32.self)) {
            let name = try reader.readString()
            let typeName = try reader.readString()
            guard let type = AttributeType(rawValue: typeName) else {
                throw reader.invalid(
                    "attribute type",
                    found: typeName,
                    expected: "string, int64, double or bool"
                )
            }
            attributes.append(AttributeDeclaration(name, type))
        }
        guard (1...CollectionConfiguration.maximumDimension).contains(Int(dimension)) else {
            throw reader.invalid(
                "dimension",
                found: String(dimension),
                expected: "1 to \(CollectionConfiguration.maximumDimension)"
            )
        }
        self.init(
            id: id,
            configuration: CollectionConfiguration(
                name: name,
                dimension: Int(dimension),
                metric: metric,
                partitionKey: hasKey == 1 ? key : nil,
                attributes: attributes
            ),
            indexGeneration: generation
        )
    }
}

extension Manifest.SegmentEntry {
    fileprivate func encode(into writer: inout ByteWriter) {
        writer.write(collectionID)
        writer.write(indexGeneration)
        writer.write(description.segmentID)
        writer.write(description.byteCount)
        writer.write(description.rowCount)
        writer.write(description.lsnMin)
        writer.write(description.lsnMax)
        writer.write(description.footerCRC)
        writer.write(UInt8(tombstones == nil ? 0 : 1))
        guard let tombstones else { return }
        writer.write(tombstones.lsn)
        writer.write(tombstones.byteCount)
        writer.write(tombstones.checksum)
        writer.write(tombstones.count)
    }

    fileprivate init(from reader: inout ByteReader) throws(CorruptionError) {
        let collectionID: UInt32 = try reader.read()
        let generation: UInt64 = try reader.read()
        let segmentID = try reader.readCounter("segment")
        let byteCount: UInt64 = try reader.read()
        let rowCount: UInt64 = try reader.read()
        guard rowCount <= UInt64(UInt32.max) else {
            throw reader.invalid("row count", found: String(rowCount), expected: "below 2^32")
        }
        let description = SegmentDescription(
            segmentID: segmentID,
            byteCount: byteCount,
            rowCount: rowCount,
            lsnMin: try reader.read(),
            lsnMax: try reader.read(),
            footerCRC: try reader.read()
        )
        var tombstones: Manifest.TombstoneEntry?
        if try reader.read(UInt8.self) == 1 {
            tombstones = Manifest.TombstoneEntry(
                lsn: try reader.read(),
                byteCount: try reader.read(),
                checksum: try reader.read(),
                count: try reader.read()
            )
        }
        self.init(
            collectionID: collectionID,
            indexGeneration: generation,
            description: description,
            tombstones: tombstones
        )
    }
}
