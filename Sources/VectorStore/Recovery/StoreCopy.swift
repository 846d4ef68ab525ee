// A copy of a store, which another process may be writing.
//
// - The files of one manifest are opened, then copied at leisure: an open file outlives its name.
// - Log files grow; what was there when they were opened is copied, and a frame cut short is a torn
//   tail like any other.
// - The manifest comes last, after every file was read back and verified: a directory without one is
//   no store.

import Glibc
import StorageIO

/// Makes `target` a store that holds what `source` holds.
struct StoreCopy {
    let fileSystem: any FileSystem
    let source: String
    let target: String

    private static let chunkByteCount = 1 << 20

    /// A file of the source, opened.
    private struct Part {
        var directory: String
        var name: String
        var file: any StorageFile
        var byteCount: UInt64
    }

    func run() throws(VectorStoreError) {
        let (manifest, parts) = try LiveManifest(fileSystem: fileSystem, root: source).with {
            (manifest) throws(LoadError) in (manifest, try open(manifest, limits: [:]))
        }
        try write(manifest, parts)
    }

    /// Copies what `manifest` names, which nobody changes.
    ///
    /// - Parameter limits: For the names in it, how many bytes to copy at most.
    func write(_ manifest: Manifest, limits: [String: UInt64]) throws(VectorStoreError) {
        let parts: [Part]
        do throws(LoadError) {
            parts = try open(manifest, limits: limits)
        } catch {
            throw VectorStoreError(load: error)
        }
        try write(manifest, parts)
    }

    private func write(_ manifest: Manifest, _ parts: [Part]) throws(VectorStoreError) {
        try prepare()
        do throws(StorageIOError) {
            for part in parts { try copy(part) }
        } catch {
            throw VectorStoreError(io: error)
        }
        try publish(manifest)
    }

    /// Makes the target a store, when every file that the manifest names is there and whole.
    func publish(_ manifest: Manifest) throws(VectorStoreError) {
        let report = StoreVerification(fileSystem: fileSystem, root: target)
            .check(manifest, progress: nil)
        if let problem = report.problems.first {
            throw VectorStoreError(
                .corrupt,
                "\(problem). The copy of \(source) was not finished; remove \(target)"
            )
        }
        do throws(StorageIOError) {
            try ManifestFile.publish(manifest, in: target, fileSystem: fileSystem)
        } catch {
            throw VectorStoreError(io: error)
        }
    }

    private func open(
        _ manifest: Manifest,
        limits: [String: UInt64]
    ) throws(LoadError) -> [Part] {
        let paths = StorePaths(root: source)
        let names = ObsoleteFiles(fileSystem: fileSystem, paths: paths).names(of: manifest)
        return try loading { () throws(StorageIOError) in
            var parts: [Part] = []
            for path in names {
                let pieces = path.dropFirst(source.utf8.count + 1).split(separator: "/")
                let file = try fileSystem.open(path, .read)
                let name = String(pieces[1])
                parts.append(
                    Part(
                        directory: String(pieces[0]),
                        name: name,
                        file: file,
                        byteCount: min(try file.byteCount(), limits[name] ?? .max)
                    )
                )
            }
            return parts
        }
    }

    /// An empty directory with the directories of a store.
    func prepare() throws(VectorStoreError) {
        do throws(StorageIOError) {
            try makeDirectories()
        } catch {
            throw error.isExisting
                ? VectorStoreError(
                    .notAStore,
                    "\(target) is not empty; choose a new directory for the copy",
                    cause: error
                ) : VectorStoreError(io: error)
        }
    }

    private func makeDirectories() throws(StorageIOError) {
        if try fileSystem.status(target) == nil {
            try fileSystem.createDirectory(target)
        } else if try !fileSystem.list(target).isEmpty {
            throw StorageIOError(operation: .createDirectory, path: target, errno: EEXIST)
        }
        let paths = StorePaths(root: target)
        for directory in [paths.logs, paths.segments, paths.indexes] {
            try fileSystem.createDirectory(directory)
        }
        try fileSystem.synchronizeDirectory(target)
        try fileSystem.synchronizeDirectory(StorePaths.parent(of: target))
    }

    private func copy(_ part: Part) throws(StorageIOError) {
        var writer = try AtomicFileWriter(
            directory: target + "/" + part.directory,
            fileSystem: fileSystem,
            expectedByteCount: part.byteCount
        )
        do throws(StorageIOError) {
            try part.file.forEachPiece(of: part.byteCount, at: Self.chunkByteCount) {
                bytes throws(StorageIOError) in try writer.append(bytes)
            }
        } catch {
            writer.abandon()
            throw error
        }
        try writer.commit(as: part.name)
    }
}
