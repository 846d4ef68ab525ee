import Glibc
package import StorageIO
import VectorMath

extension Segment {
    /// Whether every byte that was read of the file since it was opened came from the file.
    ///
    /// A page that the disk could not give reads as zeros (see `MappedRegion`). Whoever has read of a
    /// segment asks here before a result goes out.
    package func checkReadable() throws(CorruptionError) {
        guard !file.region.hasFailed else {
            throw .unreadable(
                StorageIOError(operation: .read, path: file.name, errno: EIO)
            )
        }
    }
}

extension SegmentBytes {
    /// The same bytes in memory of our own.
    ///
    /// For numbers that say how far a scan in C goes: a page that is lost after they were checked
    /// must not turn them into others.
    func pinned(by copies: inout [AlignedBytes]) -> SegmentBytes {
        let copy = AlignedBytes(copying: UnsafeRawBufferPointer(start: base, count: count))
        copies.append(copy)
        return SegmentBytes(
            base: UnsafeRawPointer(copy.start),
            count: count,
            file: file,
            offset: offset
        )
    }
}

extension SegmentFile {
    /// Makes sure that the bytes of a range are in memory.
    func load(_ range: Range<Int>) throws(CorruptionError) {
        try Self.load(range, of: region)
    }

    static func load(_ range: Range<Int>, of region: MappedRegion) throws(CorruptionError) {
        do throws(StorageIOError) {
            try region.load(range)
        } catch {
            throw .unreadable(error)
        }
    }
}

extension Segment {
    package func payloadByteCount(at ordinal: Int) throws(CorruptionError) -> Int? {
        try payloads.location(at: ordinal)?.byteCount
    }

    /// Reads every page and block of the file once more and compares them with their checksums.
    ///
    /// The file is read with pread(2), so a page that cannot be read is an error here and does not
    /// touch the mapping.
    ///
    /// - Parameter proceed: Called with the bytes of each read; false ends the work early.
    /// - Returns: Everything that cannot be believed or read.
    package func scrub(
        _ source: any StorageFile,
        proceed: (Int) -> Bool
    ) -> [CorruptionError] {
        var errors: [CorruptionError] = []
        for (index, section) in file.sections.enumerated() {
            for block in 0..<Int(section.blockCount) {
                let size = SegmentLayout.blockByteCount
                let start = block * size
                let count = min(size, Int(section.byteCount) - start)
                let offset = section.offset + UInt64(start)
                do throws(CorruptionError) {
                    let bytes = try file.read(source, count: count, at: offset)
                    let found = file.seeds.checksum(bytes, at: offset)
                    let expected: UInt32 = file.checksums.integer(
                        at: (file.firstBlocks[index] + block) * 4
                    )
                    guard found == expected else {
                        throw .checksumMismatch(
                            file: file.name,
                            offset: offset,
                            expected: expected,
                            found: found
                        )
                    }
                } catch {
                    errors.append(error)
                }
                if !proceed(count) { return errors }
            }
        }
        // Header and footer were checked when the segment was opened; the file must still have them.
        let page = SegmentLayout.pageByteCount
        for start in [0, Int(byteCount) - page] {
            do throws(CorruptionError) {
                let bytes = try file.read(source, count: page, at: UInt64(start))
                let known = UnsafeRawBufferPointer(
                    rebasing: file.region.bytes[start..<start + page]
                )
                guard known.elementsEqual(bytes) else {
                    throw .checksumMismatch(
                        file: file.name,
                        offset: UInt64(start),
                        expected: CRC32C.checksum(known),
                        found: CRC32C.checksum(bytes)
                    )
                }
            } catch {
                errors.append(error)
            }
            if !proceed(page) { return errors }
        }
        return errors
    }
}

extension SegmentFile {
    fileprivate func read(
        _ source: any StorageFile,
        count: Int,
        at offset: UInt64
    ) throws(CorruptionError) -> [UInt8] {
        let bytes: [UInt8]
        do throws(StorageIOError) {
            bytes = try source.readBytes(count: count, at: offset)
        } catch {
            throw .unreadable(error)
        }
        guard bytes.count == count else {
            throw .truncated(
                file: name,
                offset: offset,
                needed: UInt64(count),
                available: UInt64(bytes.count)
            )
        }
        return bytes
    }
}
