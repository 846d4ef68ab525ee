import StorageIO

/// The newest manifest of a store that another process may be writing.
///
/// That process removes files which its next manifest does not name. Whoever opens the files of a
/// manifest may come too late for one, and begins again with the newer manifest. Files that are open
/// stay readable (see unlink(2)).
struct LiveManifest {
    let fileSystem: any FileSystem
    let root: String

    private static let maximumAttempts = 100

    /// Runs `body` with the newest manifest until it does so undisturbed.
    ///
    /// `body` opens what it will need later.
    func with<R>(
        _ body: (Manifest) throws(LoadError) -> R
    ) throws(VectorStoreError) -> R {
        for _ in 0..<Self.maximumAttempts {
            let before = try newestNumber()
            do throws(LoadError) {
                return try body(try ManifestFile.loadNewest(in: root, fileSystem: fileSystem))
            } catch {
                guard try newestNumber() != before else { throw VectorStoreError(load: error) }
            }
        }
        throw VectorStoreError(
            .busy,
            "the files of \(root) change faster than they can be opened; try again"
        )
    }

    private func newestNumber() throws(VectorStoreError) -> UInt64 {
        var newest: UInt64?
        do throws(StorageIOError) {
            if try fileSystem.status(root)?.kind == .directory {
                newest = try fileSystem.list(root).compactMap(ManifestFile.number).max()
            }
        } catch {
            throw VectorStoreError(io: error)
        }
        guard let newest else {
            throw VectorStoreError(.notAStore, "there is no store at \(root)")
        }
        return newest
    }
}
