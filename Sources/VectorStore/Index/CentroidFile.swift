// A centroid set as an immutable file.
//
// - Durable, and read back, before a manifest names it; the manifest keeps its length and checksum.
// - Written and read in pieces: a set over many partitions may be larger than one wants twice in memory.

import Glibc
package import StorageIO

/// What the manifest keeps of a centroid file.
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

package enum CentroidFile {
    private static let pieceByteCount = 1 << 20

    package static func name(generation: UInt64) -> String {
        NumberedName.make(generation, suffix: ".cent")
    }

    package static func generation(ofName name: String) -> UInt64? {
        NumberedName.parse(name, suffix: ".cent")
    }

    /// Writes a set and makes it durable; nothing names it yet.
    package static func write(
        _ set: CentroidSet,
        storeUUID: [UInt8],
        directory: String,
        fileSystem: any FileSystem
    ) throws(StorageIOError) -> CentroidFileEntry {
        let head = CentroidDirectory(set).encode(storeUUID: storeUUID)
        var writer = try AtomicFileWriter(directory: directory, fileSystem: fileSystem)
        var checksum: UInt32 = 0
        do throws(StorageIOError) {
            checksum = CRC32C.checksum(head)
            try writer.append(head)
            for table in set.tables {
                precondition(table.centroids.count == table.nlist * set.dimension)
                var bytes = ByteWriter()
                bytes.write(floats: table.centroids)
                bytes.pad(to: CentroidLayout.alignment)
                checksum = CRC32C.checksum(bytes.bytes, crc: checksum)
                try writer.append(bytes.bytes)
            }
            var trailer = ByteWriter()
            trailer.write(checksum)
            try writer.append(trailer.bytes)
            try readBack(try writer.writtenFile(), byteCount: writer.position, checksum)
        } catch {
            writer.abandon()
            throw error
        }
        let byteCount = writer.position
        try writer.commit(as: name(generation: set.generation))
        return CentroidFileEntry(
            generation: set.generation,
            collectionID: set.collectionID,
            byteCount: byteCount,
            checksum: checksum
        )
    }

    private static func readBack(
        _ file: any StorageFile,
        byteCount: UInt64,
        _ checksum: UInt32
    ) throws(StorageIOError) {
        guard try self.checksum(of: file, byteCount: byteCount - 4) == checksum else {
            throw StorageIOError(operation: .read, path: file.path, errno: EIO)
        }
    }

    private static func checksum(
        of file: any StorageFile,
        byteCount: UInt64
    ) throws(StorageIOError) -> UInt32 {
        var (offset, crc): (UInt64, UInt32) = (0, 0)
        while offset < byteCount {
            let count = Int(min(UInt64(pieceByteCount), byteCount - offset))
            let piece = try file.readBytes(count: count, at: offset)
            guard piece.count == count else { break }
            crc = CRC32C.checksum(piece, crc: crc)
            offset += UInt64(count)
        }
        return crc
    }

    /// Reads a set and checks it against what the manifest says of it.
    package static func load(
        _ entry: CentroidFileEntry,
        storeUUID: [UInt8],
        dimension: Int,
        directory: String,
        fileSystem: any FileSystem
    ) throws(LoadError) -> CentroidSet {
        let name = name(generation: entry.generation)
        let label = "idx/" + name
        let file = try WholeFile.open(
            directory + "/" + name,
            name: label,
            expected: entry.byteCount,
            fileSystem: fileSystem
        )
        // The checksum first: nothing that a damaged length names is allocated.
        let body = entry.byteCount - min(entry.byteCount, 4)
        let (computed, trailer) = try loading { () throws(StorageIOError) in
            (try checksum(of: file, byteCount: body), try file.readBytes(count: 4, at: body))
        }
        let stored = trailer.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard trailer.count == 4, computed == entry.checksum, stored == computed else {
            throw .corruption(
                .checksumMismatch(
                    file: label,
                    offset: body,
                    expected: entry.checksum,
                    found: computed == entry.checksum ? stored : computed
                )
            )
        }
        let directory = try CentroidDirectory.read(
            file,
            label: label,
            byteCount: entry.byteCount,
            storeUUID: storeUUID
        )
        try believing { () throws(CorruptionError) in
            try directory.check(entry, dimension: dimension, label: label)
        }
        return try set(directory, file: file)
    }

    private static func set(
        _ directory: CentroidDirectory,
        file: any StorageFile
    ) throws(LoadError) -> CentroidSet {
        var tables: [CentroidTable] = []
        for entry in directory.tables {
            let count = entry.nlist * directory.dimension
            let centroids = try loading { () throws(StorageIOError) in
                try floats(file, count: count, at: entry.offset)
            }
            tables.append(
                CentroidTable(
                    partition: entry.partition,
                    nlist: entry.nlist,
                    centroids: centroids,
                    trainedRowCount: entry.trainedRowCount,
                    calibration: entry.calibration
                )
            )
        }
        return CentroidSet(
            generation: directory.generation,
            collectionID: directory.collectionID,
            dimension: directory.dimension,
            seed: directory.seed,
            tables: tables
        )
    }

    private static func floats(
        _ file: any StorageFile,
        count: Int,
        at offset: UInt64
    ) throws(StorageIOError) -> [Float] {
        var failure: StorageIOError?
        let floats = [Float](unsafeUninitializedCapacity: count) { target, filled in
            do throws(StorageIOError) {
                try file.readExactly(into: UnsafeMutableRawBufferPointer(target), at: offset)
                filled = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return floats
    }
}
