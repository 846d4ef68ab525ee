import StorageIO

/// Dumps one file of a store as text: offset, field, value.
struct FileInspection {
    let fileSystem: any FileSystem

    func dump(_ path: String) throws(VectorStoreError) -> String {
        let bytes: [UInt8]
        do throws(StorageIOError) {
            bytes = try fileSystem.open(path, .read).readBytes(count: 64 << 20, at: 0)
        } catch {
            throw VectorStoreError(io: error)
        }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        var magic: UInt64 = 0
        for (index, byte) in bytes.prefix(8).enumerated() { magic |= UInt64(byte) << (8 * index) }
        switch magic {
        case ManifestLayout.magicValue: return ManifestDump(bytes: bytes, name: name).text
        case LogHeaderLayout.magicValue: return LogDump(bytes: bytes, name: name).text
        case TombstoneLayout.magicValue: return TombstoneDump(bytes: bytes, name: name).text
        case CentroidLayout.magicValue: return CentroidDump(bytes: bytes, name: name).text
        case SegmentHeaderLayout.magicValue: return try segment(path)
        default:
            throw VectorStoreError(
                .notAStore,
                "\(path) is not a file of a store: it begins with 0x\(String(magic, radix: 16))"
            )
        }
    }

    /// A segment is described by the store around it, which must be there to be believed.
    private func segment(_ path: String) throws(VectorStoreError) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let root = parts.dropLast(2).joined(separator: "/")
        let paths = StorePaths(root: root.isEmpty ? (path.hasPrefix("/") ? "/" : ".") : root)
        do throws(LoadError) {
            let manifest = try ManifestFile.loadNewest(in: paths.root, fileSystem: fileSystem)
            guard let name = parts.last,
                let number = NumberedName.parse(String(name), suffix: ".seg"),
                let entry = manifest.segments.first(where: {
                    $0.description.segmentID == number
                }),
                let collection = manifest.collections.first(where: { $0.id == entry.collectionID })
            else {
                return "\(path): a segment that manifest \(manifest.number) does not name\n"
            }
            let segment = try Segment.open(
                directory: paths.segments,
                description: entry.description,
                identity: SegmentIdentity(
                    storeUUID: manifest.storeUUID,
                    segmentID: number,
                    collectionID: entry.collectionID,
                    indexGeneration: entry.indexGeneration
                ),
                configuration: collection.configuration,
                fileSystem: fileSystem
            )
            var text = ""
            segment.dump(into: &text)
            return text
        } catch {
            switch error {
            case .corruption(let error): return "\(path): damaged: \(error)\n"
            case .io(let error): throw VectorStoreError(io: error)
            }
        }
    }
}
