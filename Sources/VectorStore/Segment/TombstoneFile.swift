import Glibc
package import StorageIO

/// What a manifest says of a tombstone file.
package struct TombstoneFileEntry: Sendable, Hashable {
    package var lsn: UInt64
    package var byteCount: UInt64
    package var checksum: UInt32
    /// Hidden rows.
    package var count: UInt64

    package init(lsn: UInt64, byteCount: UInt64, checksum: UInt32, count: UInt64) {
        self.lsn = lsn
        self.byteCount = byteCount
        self.checksum = checksum
        self.count = count
    }
}

/// The hidden rows of one segment at one LSN, as an immutable file.
package enum TombstoneFile {
    package static func name(segmentID: UInt64, lsn: UInt64) -> String {
        NumberedName.make(segmentID, suffix: "")
            + NumberedName.make(lsn, prefix: ".", suffix: ".del")
    }

    /// Files of one segment that may be passed over before a name is free.
    private static let maximumPassedOver = 1_000

    /// Writes a file and makes it durable; nothing names it yet.
    ///
    /// A file that an earlier attempt left is the one wanted if it holds these rows; as a manifest may name it
    /// by now, it is never replaced. It may hold others: a replay applies changes anew that segments hold
    /// already, and hides their rows. Then the new file gets the next number that is free.
    package static func write(
        _ tombstones: TombstoneSet,
        rowCount: Int,
        segmentID: UInt64,
        lsn: UInt64,
        storeUUID: [UInt8],
        directory: String,
        fileSystem: any FileSystem
    ) throws(StorageIOError) -> TombstoneFileEntry {
        for number in lsn..<lsn + UInt64(maximumPassedOver) {
            let (bytes, checksum) = encode(
                tombstones,
                rowCount: rowCount,
                segmentID: segmentID,
                lsn: number,
                storeUUID: storeUUID
            )
            let name = name(segmentID: segmentID, lsn: number)
            guard try isNowThere(bytes, name, in: directory, fileSystem) else { continue }
            return TombstoneFileEntry(
                lsn: number,
                byteCount: UInt64(bytes.count),
                checksum: checksum,
                count: UInt64(tombstones.count)
            )
        }
        let name = name(segmentID: segmentID, lsn: lsn)
        throw StorageIOError(operation: .write, path: directory + "/" + name, errno: EEXIST)
    }

    /// Writes a file unless it is there; false when the name has other bytes.
    private static func isNowThere(
        _ bytes: [UInt8],
        _ name: String,
        in directory: String,
        _ fileSystem: any FileSystem
    ) throws(StorageIOError) -> Bool {
        let path = directory + "/" + name
        guard try fileSystem.status(path) != nil else {
            try AtomicFileWriter.write(
                bytes,
                name: name,
                directory: directory,
                fileSystem: fileSystem
            )
            return true
        }
        guard try fileSystem.open(path, .read).readAll() == bytes else { return false }
        // Whoever made it may have died before the name was durable.
        try fileSystem.synchronizeDirectory(directory)
        return true
    }

    private static func encode(
        _ tombstones: TombstoneSet,
        rowCount: Int,
        segmentID: UInt64,
        lsn: UInt64,
        storeUUID: [UInt8]
    ) -> (bytes: [UInt8], checksum: UInt32) {
        var writer = ByteWriter()
        writer.write(TombstoneLayout.magicValue)
        writer.write(TombstoneLayout.majorVersion)
        writer.write(TombstoneLayout.minorVersion)
        writer.write(UInt32(0))
        writer.write(raw: storeUUID)
        writer.write(segmentID)
        writer.write(lsn)
        writer.write(UInt64(rowCount))
        writer.write(UInt64(tombstones.count))
        for word in tombstones.words(rowCount: rowCount) { writer.write(word) }
        let checksum = CRC32C.checksum(writer.bytes)
        writer.write(checksum)
        return (writer.bytes, checksum)
    }

    /// Reads a file and checks it against what the manifest says of it.
    package static func load(
        _ entry: TombstoneFileEntry,
        segmentID: UInt64,
        rowCount: Int,
        storeUUID: [UInt8],
        directory: String,
        fileSystem: any FileSystem
    ) throws(LoadError) -> TombstoneSet {
        let name = name(segmentID: segmentID, lsn: entry.lsn)
        let bytes = try WholeFile.read(
            directory + "/" + name,
            name: "seg/" + name,
            expected: entry.byteCount,
            fileSystem: fileSystem
        )
        do throws(CorruptionError) {
            return try decode(
                bytes,
                file: "seg/" + name,
                entry: entry,
                segmentID: segmentID,
                rowCount: rowCount,
                storeUUID: storeUUID
            )
        } catch {
            throw .corruption(error)
        }
    }

    private static func decode(
        _ bytes: [UInt8],
        file: String,
        entry: TombstoneFileEntry,
        segmentID: UInt64,
        rowCount: Int,
        storeUUID: [UInt8]
    ) throws(CorruptionError) -> TombstoneSet {
        try WholeFile.checkTrailingChecksum(bytes, file: file, expected: entry.checksum)
        var result: Result<TombstoneSet, CorruptionError> = .success(TombstoneSet(rowCount: 0))
        bytes.withUnsafeBytes { buffer in
            var reader = ByteReader(
                UnsafeRawBufferPointer(rebasing: buffer.dropLast(4)),
                file: file
            )
            do throws(CorruptionError) {
                result = .success(
                    try decode(
                        &reader,
                        entry: entry,
                        segmentID: segmentID,
                        rowCount: rowCount,
                        storeUUID: storeUUID
                    )
                )
            } catch {
                result = .failure(error)
            }
        }
        return try result.get()
    }

    private static func decode(
        _ reader: inout ByteReader,
        entry: TombstoneFileEntry,
        segmentID: UInt64,
        rowCount: Int,
        storeUUID: [UInt8]
    ) throws(CorruptionError) -> TombstoneSet {
        try WholeFile.checkHead(
            &reader,
            magic: TombstoneLayout.magicValue,
            major: TombstoneLayout.majorVersion,
            minor: TombstoneLayout.minorVersion,
            storeUUID: storeUUID
        )
        try reader.expect("segment id", segmentID)
        try reader.expect("lsn", entry.lsn)
        try reader.expect("row count", UInt64(rowCount))
        try reader.expect("hidden rows", entry.count)
        var tombstones = TombstoneSet(rowCount: rowCount)
        for index in 0..<(rowCount + 63) / 64 {
            var word: UInt64 = try reader.read()
            let rows = min(64, rowCount - index * 64)
            guard rows == 64 || word >> UInt64(rows) == 0 else {
                throw reader.invalid(
                    "bitmap",
                    found: "bits past row \(rowCount)",
                    expected: "zeros"
                )
            }
            while word != 0 {
                tombstones.insert(index * 64 + word.trailingZeroBitCount)
                word &= word - 1
            }
        }
        guard reader.remaining == 0, tombstones.count == Int(entry.count) else {
            throw reader.invalid(
                "bitmap",
                found: "\(tombstones.count) bits",
                expected: "\(entry.count) bits"
            )
        }
        return tombstones
    }
}
