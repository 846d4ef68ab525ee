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
        case TombstoneLayout.magicValue, CentroidLayout.magicValue:
            return FieldDump(bytes: bytes, name: name).small(magic)
        case SegmentHeaderLayout.magicValue:
            return FieldDump(bytes: bytes, name: name).segment()
        default:
            throw VectorStoreError(
                .notAStore,
                "\(path) is not a file of a store: it begins with 0x\(String(magic, radix: 16))")
        }
    }
}
