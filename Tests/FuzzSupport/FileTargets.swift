import StorageIO
import TestSupport

@testable import VectorStore

/// Readers of the files of a store, but for segments.
enum FileTargets {
    static func logPayload(_ input: [UInt8]) {
        input.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes, file: "fuzz")
            do throws(CorruptionError) {
                while reader.remaining > 0 {
                    let operation = try LogOperation(from: &reader)
                    // What was read can be written, and is read back the same.
                    var writer = ByteWriter()
                    operation.encode(into: &writer)
                    writer.bytes.withUnsafeBytes { again in
                        var second = ByteReader(again, file: "fuzz")
                        guard let repeated = try? LogOperation(from: &second) else {
                            preconditionFailure("an operation that was written cannot be read")
                        }
                        var copy = ByteWriter()
                        repeated.encode(into: &copy)
                        precondition(copy.bytes == writer.bytes, "an operation changed")
                    }
                }
            } catch {
                return
            }
        }
    }

    /// A file of frames: the input is cut into frames at its own lengths, and what a frame says of
    /// itself is made true, so that order, types and payloads are what is tried.
    static func logFile(_ input: [UInt8]) {
        let header = LogHeader(
            storeUUID: FuzzStore.uuid,
            sequence: 1,
            firstLSN: 1,
            predecessor: nil,
            salt: 7
        )
        var bytes = header.encoded
        var rest = input[...]
        while rest.count >= LogFrameLayout.headerByteCount {
            var frame = Array(rest.prefix(LogFrameLayout.headerByteCount))
            rest = rest.dropFirst(LogFrameLayout.headerByteCount)
            let count = min(Int(frame[LogFrameLayout.payloadByteCount]), rest.count)
            frame += rest.prefix(count)
            rest = rest.dropFirst(count)
            // One frame in eight keeps its own lengths and checksum.
            if frame[0] & 7 != 0 {
                frame.patch(UInt32(count), at: LogFrameLayout.payloadByteCount)
                frame.patch(UInt64(bytes.count), at: LogFrameLayout.offset)
                frame.patch(UInt8(0), at: LogFrameLayout.flags)
                frame.patch(UInt16(0), at: LogFrameLayout.reserved)
                let crc = LogFrame.checksum(
                    frame[4...],
                    storeUUID: FuzzStore.uuid,
                    sequence: 1,
                    salt: 7
                )
                frame.patch(crc, at: LogFrameLayout.checksum)
            }
            while !frame.count.isMultiple(of: LogFrameLayout.alignment) { frame.append(0) }
            bytes += frame
        }
        bytes += rest
        let name = LogFile.name(sequence: 1)
        let disk = FuzzStore.disk(name, bytes)
        var last: UInt64 = 0
        var known: [KnownWrite] = []
        do throws(LoadError) {
            let summary = try LogReplay(
                fileSystem: disk,
                directory: FuzzStore.directory,
                storeUUID: FuzzStore.uuid
            ).replay(
                files: [1],
                after: 0,
                knownWrites: { known += $0 }
            ) { (first, operations) throws(LoadError) in
                precondition(first == last + 1, "a gap in the write order")
                last = first + UInt64(operations.count) - 1
            }
            precondition(summary.lastLSN == last, "the end is not the last change")
            precondition(known.allSatisfy { $0.receipt.lsn <= last }, "a write that is not there")
        } catch {}
        _ = LogDump(bytes: bytes, name: name).text
    }

    static func manifest(_ input: [UInt8]) {
        var bytes = Manifest(storeUUID: FuzzStore.uuid, number: 5, previousNumber: 4).encoded
        // The head stays; the input replaces what follows the numbers.
        bytes = Array(bytes.prefix(ManifestLayout.number)) + input
        bytes.patch(UInt64(5), at: ManifestLayout.number)
        bytes.patch(UInt64(bytes.count + 4), at: ManifestLayout.byteCount)
        var writer = ByteWriter()
        writer.write(raw: bytes)
        writer.write(CRC32C.checksum(bytes))
        if let manifest = try? Manifest(decoding: writer.bytes, file: "fuzz", number: 5) {
            let again = manifest.encoded
            guard let second = try? Manifest(decoding: again, file: "fuzz", number: 5) else {
                preconditionFailure("a manifest that was written cannot be read")
            }
            precondition(second == manifest, "a manifest changed")
            // What an open store does with its numbers and names.
            var next = manifest.successor()
            next.dropFlushedLogs()
            next.nextLogSequence += 1
            next.nextSegmentID += 1
            next.nextCollectionID += 1
            for entry in next.collections { _ = RecordCheck(entry.configuration) }
            _ = Dictionary(
                uniqueKeysWithValues: next.collections.map { ($0.configuration.name, $0.id) }
            )
        }
        _ = ManifestDump(bytes: writer.bytes, name: "fuzz").text
        _ = try? Manifest(decoding: input, file: "fuzz", number: 5)
    }

    static func tombstones(_ input: [UInt8]) {
        let crc = CRC32C.checksum(input)
        var writer = ByteWriter()
        writer.write(raw: input)
        writer.write(crc)
        let rows = 100
        let disk = FuzzStore.disk(TombstoneFile.name(segmentID: 3, lsn: 9), writer.bytes)
        for count in [UInt64(0), 1, 3, 64] {
            let set = try? TombstoneFile.load(
                TombstoneFileEntry(
                    lsn: 9,
                    byteCount: UInt64(writer.count),
                    checksum: crc,
                    count: count
                ),
                segmentID: 3,
                rowCount: rows,
                storeUUID: FuzzStore.uuid,
                directory: FuzzStore.directory,
                fileSystem: disk
            )
            if let set {
                let hidden = (0..<rows).count { set.contains($0) }
                precondition(hidden == set.count && UInt64(hidden) == count, "hidden rows")
            }
        }
        _ = TombstoneDump(bytes: writer.bytes, name: "fuzz").text
    }

    static func centroids(_ input: [UInt8]) {
        let crc = CRC32C.checksum(input)
        var writer = ByteWriter()
        writer.write(raw: input)
        writer.write(crc)
        let disk = FuzzStore.disk(CentroidFile.name(generation: 2), writer.bytes)
        let set = try? CentroidFile.load(
            CentroidFileEntry(
                generation: 2,
                collectionID: 1,
                byteCount: UInt64(writer.count),
                checksum: crc
            ),
            storeUUID: FuzzStore.uuid,
            dimension: 4,
            directory: FuzzStore.directory,
            fileSystem: disk
        )
        if let set { precondition(set.dimension == 4 && set.tables.allSatisfy { $0.nlist > 0 }) }
        _ = CentroidDump(bytes: writer.bytes, name: "fuzz").text
    }
}
