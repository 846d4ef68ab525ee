package import StorageIO

/// Manifests as files of the store's directory.
package enum ManifestFile {
    private static let prefix = "MANIFEST-"
    /// A longer file was never written by a store.
    static let maximumByteCount: UInt64 = 256 << 20

    package static func name(number: UInt64) -> String {
        NumberedName.make(number, prefix: prefix, suffix: "")
    }

    package static func number(ofName name: String) -> UInt64? {
        NumberedName.parse(name, prefix: prefix, suffix: "")
    }

    /// Makes a manifest durable under its number.
    ///
    /// The rename is the commit point.
    package static func publish(
        _ manifest: Manifest,
        in directory: String,
        fileSystem: any FileSystem
    ) throws(StorageIOError) {
        try AtomicFileWriter.write(
            manifest.encoded,
            name: name(number: manifest.number),
            directory: directory,
            fileSystem: fileSystem
        )
    }

    /// The manifest with the highest number.
    ///
    /// When that one is damaged, nothing older is tried: it may lack acknowledged writes whose log
    /// is gone.
    package static func loadNewest(
        in directory: String,
        fileSystem: any FileSystem
    ) throws(LoadError) -> Manifest {
        let names = try loading { () throws(StorageIOError) in try fileSystem.list(directory) }
        guard let newest = names.compactMap(number(ofName:)).max() else {
            throw .corruption(
                .missingFile(file: prefix + "…", reason: "the directory has no manifest")
            )
        }
        return try load(number: newest, in: directory, fileSystem: fileSystem)
    }

    /// The manifest with this number.
    package static func load(
        number newest: UInt64,
        in directory: String,
        fileSystem: any FileSystem
    ) throws(LoadError) -> Manifest {
        let name = name(number: newest)
        let path = directory + "/" + name
        let status = try loading { () throws(StorageIOError) in try fileSystem.status(path) }
        guard let status, status.kind == .regular, status.byteCount <= maximumByteCount else {
            throw .corruption(
                .invalidField(
                    file: name,
                    offset: 0,
                    field: "byte count",
                    found: status.map { String($0.byteCount) } ?? "nothing",
                    expected: "a regular file of at most \(maximumByteCount)"
                )
            )
        }
        let bytes = try loading { () throws(StorageIOError) in
            try fileSystem.open(path, .read).readAll()
        }
        do throws(CorruptionError) {
            return try Manifest(decoding: bytes, file: name, number: newest)
        } catch {
            throw .corruption(error)
        }
    }

    /// Removes manifests before `number`.
    ///
    /// What cannot be removed stays until the next time.
    package static func removeOlder(
        than number: UInt64,
        in directory: String,
        fileSystem: any FileSystem
    ) {
        do throws(StorageIOError) {
            for name in try fileSystem.list(directory) {
                if let found = self.number(ofName: name), found < number {
                    try fileSystem.remove(directory + "/" + name)
                }
            }
        } catch {
            return
        }
    }
}
