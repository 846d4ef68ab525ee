import StorageIO

/// Dumps one file of a store as text: offset, field, value.
struct FileInspection {
    let fileSystem: any FileSystem

    /// Longer files than this are not read into memory.
    static let maximumByteCount: UInt64 = 1 << 30

    func dump(_ path: String) throws(VectorStoreError) -> String {
        let bytes: [UInt8]
        let isCut: Bool
        do throws(StorageIOError) {
            let file = try fileSystem.open(path, .read)
            let head = try file.readBytes(count: 8, at: 0)
            // A segment is mapped, not read.
            let isSegment = Self.magic(head) == SegmentHeaderLayout.magicValue
            let length = isSegment ? 8 : try file.byteCount()
            bytes = try file.readBytes(count: Int(min(length, Self.maximumByteCount)), at: 0)
            isCut = length > Self.maximumByteCount
        } catch {
            throw VectorStoreError(io: error)
        }
        guard !isCut else {
            throw VectorStoreError(
                .inputOutput,
                "\(path) is longer than \(Self.maximumByteCount) bytes, too long to be shown"
            )
        }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let magic = Self.magic(bytes)
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

    private static func magic(_ bytes: [UInt8]) -> UInt64 {
        var magic: UInt64 = 0
        for (index, byte) in bytes.prefix(8).enumerated() { magic |= UInt64(byte) << (8 * index) }
        return magic
    }

    /// A segment is described by the store around it, which must be there to be believed.
    private func segment(_ path: String) throws(VectorStoreError) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let root: String
        switch parts.count {
        case 1: root = ".."  // In `seg`.
        case 2: root = path.hasPrefix("/") ? "/.." : "."
        default:
            let parent = parts.dropLast(2).joined(separator: "/")
            root = parent.isEmpty ? "/" : parent
        }
        let paths = StorePaths(root: root)
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
            case .corruption(let error): throw VectorStoreError(corruption: error)
            case .io(let error): throw VectorStoreError(io: error)
            }
        }
    }
}
