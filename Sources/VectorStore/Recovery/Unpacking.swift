import Glibc
import StorageIO

/// The files of an archive on their way into a new store.
struct Unpacking {
    let archive: String
    let target: String
    let fileSystem: any FileSystem

    /// Bytes of a header that are there.
    private var header: [UInt8] = []
    /// The file that is being written.
    private var current: Part?
    private var manifestBytes: (name: String, bytes: [UInt8])?
    private var seen: Set<String> = []
    private var zeroBlocks = 0
    private var offset: UInt64 = 0

    private struct Part {
        var name: String
        var file: (any StorageFile)?
        var written: UInt64 = 0
        var byteCount: UInt64
        /// Zeros up to the next block.
        var padding: Int
    }

    init(archive: String, target: String, fileSystem: any FileSystem) {
        self.archive = archive
        self.target = target
        self.fileSystem = fileSystem
    }

    /// Whether the two empty blocks at the end were seen.
    var isComplete: Bool { zeroBlocks >= 2 && current == nil && header.isEmpty }

    mutating func take(_ piece: ArraySlice<UInt8>) throws(VectorStoreError) {
        var rest = piece
        while !rest.isEmpty {
            if current == nil {
                let count = min(TarHeader.blockByteCount - header.count, rest.count)
                header += rest.prefix(count)
                rest = rest.dropFirst(count)
                offset += UInt64(count)
                if header.count == TarHeader.blockByteCount { try begin() }
            } else {
                let count = try write(rest)
                rest = rest.dropFirst(count)
                offset += UInt64(count)
            }
        }
    }

    private mutating func begin() throws(VectorStoreError) {
        defer { header = [] }
        if header.allSatisfy({ $0 == 0 }) {
            zeroBlocks += 1
            return
        }
        guard zeroBlocks == 0, let header = TarHeader(block: header) else {
            throw damaged("there is no header of a file of a store")
        }
        let pieces = header.name.split(separator: "/", omittingEmptySubsequences: false)
        let isManifest = ManifestFile.number(ofName: header.name) != nil
        let isPart =
            pieces.count == 2 && ["wal", "seg", "idx"].contains(pieces[0])
            && pieces[1].utf8.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: ".")
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            } && pieces[1].utf8.first.map { $0 != UInt8(ascii: ".") } == true
        guard isManifest || isPart, seen.insert(header.name).inserted,
            !isManifest
                || (manifestBytes == nil && header.byteCount <= ManifestFile.maximumByteCount)
        else {
            throw damaged("\"\(header.name)\" does not belong into a store, or not twice")
        }
        let padding = Int(header.byteCount % UInt64(TarHeader.blockByteCount))
        var part = Part(
            name: header.name,
            byteCount: header.byteCount,
            padding: padding == 0 ? 0 : TarHeader.blockByteCount - padding
        )
        if isManifest {
            manifestBytes = (header.name, [])
        } else {
            part.file = try converting { () throws(StorageIOError) in
                let file = try fileSystem.open(target + "/" + header.name, .createNew)
                try file.reserve(header.byteCount)
                return file
            }
        }
        current = part
        if part.byteCount == 0 { try end() }
    }

    /// Takes as many bytes as belong to the current file; returns how many.
    private mutating func write(_ bytes: ArraySlice<UInt8>) throws(VectorStoreError) -> Int {
        guard var part = current else { return 0 }
        let left = part.byteCount - part.written
        guard left > 0 else {
            let count = min(part.padding, bytes.count)
            part.padding -= count
            current = part
            if part.padding == 0 { try end() }
            return count
        }
        let count = Int(min(left, UInt64(bytes.count)))
        if let file = part.file {
            let place = part.written
            try converting { () throws(StorageIOError) in
                try file.writeAll(Array(bytes.prefix(count)), at: place)
            }
        } else {
            manifestBytes?.bytes += bytes.prefix(count)
        }
        part.written += UInt64(count)
        current = part
        if part.written == part.byteCount, part.padding == 0 { try end() }
        return count
    }

    private mutating func end() throws(VectorStoreError) {
        if let file = current?.file {
            try converting { () throws(StorageIOError) in
                try file.synchronize()
                try file.close()
            }
        }
        current = nil
    }

    /// The archive's manifest.
    func manifest() throws(VectorStoreError) -> Manifest {
        try converting { () throws(StorageIOError) in
            for directory in ["wal", "seg", "idx"] {
                try fileSystem.synchronizeDirectory(target + "/" + directory)
            }
        }
        guard let (name, bytes) = manifestBytes, let number = ManifestFile.number(ofName: name)
        else { throw damaged("it has no manifest") }
        do throws(CorruptionError) {
            return try Manifest(decoding: bytes, file: name, number: number)
        } catch {
            throw VectorStoreError(corruption: error)
        }
    }

    private func damaged(_ reason: String) -> VectorStoreError {
        VectorStoreError(
            .corrupt,
            "\(archive), byte \(offset) of its contents: \(reason); \(target) is no store, remove it"
        )
    }

    private func converting<R>(
        _ work: () throws(StorageIOError) -> R
    ) throws(VectorStoreError) -> R {
        do throws(StorageIOError) { return try work() } catch { throw VectorStoreError(io: error) }
    }
}
