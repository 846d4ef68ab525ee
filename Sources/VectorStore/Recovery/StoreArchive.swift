// A store as one file, for shipping: a tar archive in an LZ4 frame, which `lz4 -dc FILE | tar x` unpacks
// into a store too.
//
// - Writing begins with a verified copy beside the archive, so that what is archived is whole and of one
//   moment; the copy is removed again.
// - Reading takes only the names that a store has, verifies every file, and publishes the manifest last:
//   an archive that is damaged or cut short leaves a directory that is no store.

import Glibc
import StorageIO

/// Writes and reads archives of stores.
struct StoreArchive {
    let fileSystem: any FileSystem

    /// Whether a path is meant as an archive.
    static func isName(_ path: String) -> Bool { path.hasSuffix(".tar.lz4") }

    // MARK: - Writing

    func write(from source: String, to target: String) throws(VectorStoreError) {
        let copy = target + ".partial"
        try converting { () throws(StorageIOError) in
            for path in [target, copy] where try fileSystem.status(path) != nil {
                throw StorageIOError(operation: .open, path: path, errno: EEXIST)
            }
        }
        defer { remove(copy) }
        try StoreCopy(fileSystem: fileSystem, source: source, target: copy).run()
        try converting { () throws(StorageIOError) in
            var writer = try AtomicFileWriter(
                directory: StorePaths.parent(of: target),
                fileSystem: fileSystem
            )
            do throws(StorageIOError) {
                let compressor = LZ4Compressor()
                try writer.append(compressor.begin())
                // The manifest comes last, as in a copy.
                for name in try names(in: copy).sorted(by: Self.comesBefore) {
                    try append(name, in: copy, to: &writer, compressor)
                }
                let end = [UInt8](repeating: 0, count: 2 * TarHeader.blockByteCount)
                try writer.append(compressor.compress(end))
                try writer.append(compressor.end())
            } catch {
                writer.abandon()
                throw error
            }
            try writer.commit(as: String(target.split(separator: "/").last ?? ""))
        }
    }

    private func append(
        _ name: String,
        in directory: String,
        to writer: inout AtomicFileWriter,
        _ compressor: LZ4Compressor
    ) throws(StorageIOError) {
        let file = try fileSystem.open(directory + "/" + name, .read)
        let byteCount = try file.byteCount()
        try writer.append(compressor.compress(TarHeader(name: name, byteCount: byteCount).block))
        try file.forEachPiece(of: byteCount, at: LZ4Compressor.chunkByteCount) {
            bytes throws(StorageIOError) in try writer.append(compressor.compress(bytes))
        }
        let rest = Int(byteCount % UInt64(TarHeader.blockByteCount))
        if rest > 0 {
            let padding = [UInt8](repeating: 0, count: TarHeader.blockByteCount - rest)
            try writer.append(compressor.compress(padding))
        }
        try file.close()
    }

    private static func comesBefore(_ left: String, _ right: String) -> Bool {
        let (first, second) = (left.contains("/"), right.contains("/"))
        return first != second ? first : left < right
    }

    /// The files of a store, relative to it.
    private func names(in root: String) throws(StorageIOError) -> [String] {
        var names: [String] = []
        for name in try fileSystem.list(root) {
            if try fileSystem.status(root + "/" + name)?.kind == .directory {
                names += try fileSystem.list(root + "/" + name).map { name + "/" + $0 }
            } else {
                names.append(name)
            }
        }
        return names
    }

    /// Removes a copy that has served; what cannot be removed stays and is told by its name.
    private func remove(_ root: String) {
        do throws(StorageIOError) {
            for name in try names(in: root) { try fileSystem.remove(root + "/" + name) }
            for name in try fileSystem.list(root) {
                try fileSystem.removeDirectory(root + "/" + name)
            }
            try fileSystem.removeDirectory(root)
        } catch {
            return
        }
    }

    // MARK: - Reading

    func read(from source: String, to target: String) throws(VectorStoreError) {
        let file = try converting { () throws(StorageIOError) in
            try fileSystem.open(source, .read)
        }
        let copy = StoreCopy(fileSystem: fileSystem, source: source, target: target)
        try copy.prepare()
        var unpacking = Unpacking(archive: source, target: target, fileSystem: fileSystem)
        let decompressor = LZ4Decompressor()
        var offset: UInt64 = 0
        while true {
            let bytes = try converting { () throws(StorageIOError) in
                try file.readBytes(count: 1 << 20, at: offset)
            }
            if bytes.isEmpty { break }
            try decompressor.decompress(bytes) { failure in
                VectorStoreError(
                    .corrupt,
                    "\(source) at offset \(offset + UInt64(failure.offset)): \(failure.reason); "
                        + "\(target) is no store, remove it"
                )
            } _: { (piece) throws(VectorStoreError) in
                try unpacking.take(piece)
            }
            offset += UInt64(bytes.count)
        }
        guard decompressor.isFinished, unpacking.isComplete else {
            throw VectorStoreError(
                .corrupt,
                "\(source) ends at offset \(offset), before its end; \(target) is no store, remove it"
            )
        }
        try copy.publish(try unpacking.manifest())
    }

    private func converting<R>(
        _ work: () throws(StorageIOError) -> R
    ) throws(VectorStoreError) -> R {
        do throws(StorageIOError) {
            return try work()
        } catch {
            throw error.isExisting
                ? VectorStoreError(
                    .notAStore,
                    "\(error.path) exists; choose a new name for the archive",
                    cause: error
                ) : VectorStoreError(io: error)
        }
    }
}
